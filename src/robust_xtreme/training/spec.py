"""TrainSpec: one training run as a value, its stages, and the TOML file that contains it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme.core import packs, registry, resources, run_paths
from robust_xtreme.core.errors import SpecError, UnknownName, shown
from robust_xtreme.core.keys import MOST, key, keys, written
from robust_xtreme.core.run_spec import check_path, parse_limits
from robust_xtreme.core.specs import TaskSpec, check_keys, typed
from robust_xtreme.tasks import groups
from robust_xtreme.tasks.adapters.own import own_tasks

MASKED_LM: Final = "masked_lm"
_MOST: Final = 10**9


@dataclass(frozen=True, slots=True)
class Recipe:
    """Defaults of a stage: passes over the data or steps, units a step, learning rate, warm-up, weight decay.

    Each recipe is a TOML file under `configs/recipes/`.

    Units are examples in choice and retrieval, whose windows are learned together, and windows in other families.
    The warm-up is `warmup` steps, at most a tenth of all, or `warmup_share` of all. `max_length` 0 is the task's own.
    """

    epochs: int = 0
    steps: int = 0
    batch_size: int = 32
    lr: float = 1e-5
    warmup: int = 0
    warmup_share: float = 0.0
    weight_decay: float = 0.0
    max_length: int = 0

    def warm(self, steps: int) -> int:
        """The number of warm-up steps of a stage of `steps` steps."""
        return int(self.warmup_share * steps) if self.warmup_share else min(self.warmup, steps // 10)


@cache
def recipe(name: str) -> Mapping[str, Recipe]:
    """The tables of a recipe, named or a TOML file, by the name of a task or of a family.

    Raises UnknownName, SpecError.
    """
    known = resources.shipped("recipes")
    path = Path(name) if name.endswith(".toml") else known.get(name)
    if path is None or not path.is_file():
        raise UnknownName("recipe", name, known, "robust-xtreme config list")
    tables = resources.toml(path).items()
    return {table: _recipe(values, f"{path}: [{table}]") for table, values in tables if table != "about"}


def _recipe(values: Any, location: str) -> Recipe:
    known = {field.name: field for field in dataclasses.fields(Recipe)}
    if not isinstance(values, dict):
        raise SpecError(f"{location} is not a table, as in [classification].")
    check_keys(values, known, (), location)
    for name, value in values.items():
        number = type(value) is int or (type(value) is float and known[name].type == "float")
        if not number or not 0 <= value <= _MOST:
            kind = "whole number" if known[name].type == "int" else "number"
            raise SpecError(f"{location}: the key {name!r} takes a {kind} from 0 to {_MOST:,}, not {value!r}.")
    return Recipe(**values)


def of_tasks(name: str, tasks: Iterable[TaskSpec]) -> Recipe:
    """The recipe of tasks that are learned together, each by its own table or by that of its family.

    For several tasks: the most epochs, the smallest batch and rate, the longest warm-up and texts, the strongest decay.
    Raises SpecError where a task has no table.
    """
    tables, parts = recipe(name), []
    for task in tasks:
        table = tables.get(task.name) or tables.get(task.family)
        if table is None:
            raise SpecError(f"The recipe {name} has no table for {task.name}, nor for its family {task.family}.")
        parts.append(table)
    names = ("epochs", "warmup", "warmup_share", "weight_decay", "max_length")
    most: dict[str, Any] = {name: max(getattr(part, name) for part in parts) for name in names}
    return Recipe(batch_size=min(part.batch_size for part in parts), lr=min(part.lr for part in parts), **most)


LEARNED: Final = "What is learned"
LAST: Final = "Of the last stage"
BEFORE: Final = "Of the intermediate stage where there is one, else of the last"
HOW: Final = "How it is computed"
SCRATCH: Final = "scratch"
STAGE_NAMES: Final = ("mlm", "images", "intermediate", "target")
SIZE_NAMES: Final = ("small", "tiny")
Tell = Callable[[str], None]
_MAX_SEED: Final = 2**32 - 1
_MOST_PARTS: Final = 4096


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One stage: masked LM on `text`, images with captions, or `tasks` together. 0 and "" take the recipe's value."""

    tasks: tuple[str, ...] = key(
        (), "the tasks of `[intermediate]` or `[target]`: of `list tasks` or `list intermediate`"
    )
    text: str = key("", "the plain text of masked LM: a file, or a folder whose files begin with a language's code")
    pairs: str = key("", "the images and captions of `[images]`: a folder or file")
    contrast: str = key(
        "clip",
        "the loss of `[images]`: `clip`, a softmax over the batch both ways, or `siglip`, a sigmoid for each pair",
        choices=("clip", "siglip"),
    )
    vision: str = key(
        "", "the image tower of `[images]`: a folder or `OWNER/NAME` of CLIP or SigLIP; none is a small new one"
    )
    languages: tuple[str, ...] = key(
        (),
        "of the text, the captions or the training data. Default: all, of tasks their own, English",
        BEFORE,
        "A,B",
        complete="languages",
    )
    epochs: int = key(0, "passes over the data. Default: the recipe's", LAST, "N")
    steps: int = key(0, "steps in all, instead of `epochs`", LAST, "N")
    batch_size: int = key(0, "inputs a step. Default: the recipe's", LAST, "N")
    lr: float = key(0.0, "the highest learning rate. Default: the recipe's", LAST, "RATE")
    seed: int = key(-1, "a stage's own seed; -1 is the run's", least=-1, most=_MAX_SEED)
    limit: str = key(
        "", "at most so many examples a task, whole clusters: `5000` or `mnli=5000,squad=2000`", LAST, "N,TASK=N"
    )
    total: int = key(0, "so many examples of all tasks together, shared out as `sampling` says")
    sampling: str = key(
        "proportional",
        "how often a task is drawn: `proportional`, `temperature:T`, `capped:N`, or these two with a comma",
        BEFORE,
        "RULE",
        complete=("capped:10000", "proportional", "temperature:2"),
    )
    mixing: str = key(
        "steps",
        "`steps`: a step is of one task; `batches`: its batch is of several",
        BEFORE,
        "RULE",
        ("steps", "batches"),
    )
    perturb: tuple[str, ...] = key(
        (),
        "noise on training texts, drawn again in each pass: `char_noise:0.1`, or a suite, `@surface`",
        LAST,
        "SPEC",
        complete="condition",
        repeated=True,
    )
    keep_names: bool = key(False, "words tagged as names stay: `@names=keep` in each of these perturbations", LAST)
    translated: str = key(
        "", "translated training data: a folder, `hub`, or `seq2seq:MODEL`", BEFORE, "PLACE", complete="translated"
    )
    control: str = key(
        "",
        "`masked_lm` on the texts of the tasks or captions, or `shuffled_labels`",
        BEFORE,
        "NAME",
        ("", "masked_lm", "shuffled_labels"),
    )
    masked_lm: float = key(0.0, "the share of steps that are masked LM on `text`, among those of the tasks")
    text_languages: tuple[str, ...] = key((), "the languages of that `text`; none is all of it")
    select: str = key(
        "none", "`dev` keeps the weights of the epoch with the best validation score", LAST, "RULE", ("none", "dev")
    )

    def learned(self) -> tuple[TaskSpec, ...]:
        """The tasks to learn. Raises UnknownName, and SpecError for a group or a task that no head answers."""
        return tuple(learnable(name) for name in self.tasks)

    @property
    def of_text(self) -> tuple[str, ...]:
        """The languages that are read of `text`; none are all."""
        return self.text_languages if self.tasks else self.languages


@final
@dataclass(frozen=True, slots=True)
class TrainSpec:
    """One run of `train`: where it starts, up to four stages one after the other, and how they are computed.

    `accumulate` and `devices` share out the batch of a step; neither changes what is computed, except in the last bits
    and in what dropout draws. Raises SpecError, naming the key.
    """

    data: str = key(
        "", "a folder of release files or a suite, `mini`, or `hub`", LEARNED, "DIR | mini | hub", complete="data"
    )
    start: str = key(
        "",
        "a transformers folder, a run of `train`, `OWNER/NAME` on the hub, or `scratch`",
        LEARNED,
        "DIR | OWNER/NAME",
        complete="folder",
    )
    mlm: StageSpec | None = None
    images: StageSpec | None = None
    intermediate: StageSpec | None = None
    target: StageSpec | None = None
    out: str = key("", "the folder of the last stage. Default: `runs/TASK-FROM-sSEED`", LEARNED, "DIR")
    size: str = key("", "from scratch: `small` (3 layers of 192) or `tiny` (1 of 32), with `text`", choices=SIZE_NAMES)
    text: str = key(
        "",
        "a file or folder of plain text, for masked LM, and for the tokenizer of `small` and `tiny`",
        LEARNED,
        "PATH",
    )
    revision: str = key("", "the commit of an encoder from the hub. Default: the newest, which is said", LEARNED, "SHA")
    recipe: str = key(
        "",
        "`xtreme`, `x-stilts`, `scratch`, or your own file. Default: `xtreme`, and from scratch `scratch`",
        LEARNED,
        "NAME | FILE",
        complete="recipe",
    )
    seed: int = key(0, "of new weights, order, dropout, masks and noise", LEARNED, "N", most=_MAX_SEED)
    reported: tuple[str, ...] = key(
        (),
        "the tasks whose evaluated splits are checked for contamination. Default: every task with data under `data`",
        LEARNED,
        "A,B",
        complete="learned",
    )
    overlap: str = key(
        "refuse",
        "training data that evaluated splits contain: `refuse`, `drop` or `allow`",
        LEARNED,
        "RULE",
        ("refuse", "drop", "allow"),
    )
    offline: bool = key(False, "open no connection", HOW)
    device: str = key(
        "auto", "`cpu`, `cuda`, or `auto`: cuda where there is one", HOW, "DEVICE", ("auto", "cpu", "cuda")
    )
    devices: int = key(1, "how many share each step's batch", HOW, "N", least=1, most=_MOST_PARTS)
    strategy: str = key(
        "auto", "`ddp` for a process a device, which several devices always have", HOW, "NAME", ("auto", "ddp")
    )
    precision: str = key("fp32", "`bf16` or `fp16` for mixed precision", HOW, "NAME", ("fp32", "bf16", "fp16"))
    accumulate: int = key(1, "in how many passes a step's batch is read", HOW, "N", least=1, most=_MOST_PARTS)
    clip: float = key(0.0, "the largest norm of gradients. Default: 1", HOW, "NORM")
    schedule: str = key(
        "linear",
        "the rate after the warm-up: `linear` and `cosine` end at 0, `constant` stays",
        HOW,
        "NAME",
        ("linear", "cosine", "constant"),
    )
    optimizer: str = key(
        "adamw_fused",
        "`adamw` rounds otherwise, and is slower; fp16 always has it",
        HOW,
        "NAME",
        ("adamw_fused", "adamw"),
    )
    log: tuple[str, ...] = key(
        ("csv",), "`tensorboard` beside `metrics.csv`, which is always written", HOW, "A,B", ("csv", "tensorboard")
    )
    lora: int = key(
        0,
        "the rank of low-rank changes that are trained instead of the encoder; 0 trains all of it",
        HOW,
        "RANK",
        most=_MOST_PARTS,
    )
    layers: int = key(0, "the first layers of the encoder, without those above; 0 is all of it", most=_MOST_PARTS)
    packs: tuple[str, ...] = key(
        (),
        "folders of your own packs for the noise, before the bundled ones",
        LEARNED,
        "DIR",
        complete="folder",
        repeated=True,
    )

    def __post_init__(self) -> None:
        check_start(self)
        check_values(self)
        with packs.using(*self.packs), own_tasks(self.data):
            for name, stage in self.stages:
                check_stage(name, stage)
        if not 0 <= self.clip < sys.float_info.max:
            raise SpecError(f"--clip {shown(self.clip)} must be finite and at least 0.")

    @property
    def stages(self) -> tuple[tuple[str, StageSpec], ...]:
        """The stages in order, each by its name."""
        by_name = ((name, getattr(self, name)) for name in STAGE_NAMES)
        return tuple((name, stage) for name, stage in by_name if stage is not None)

    @property
    def folder(self) -> Path:
        """Where the last stage is written: `out`, or `runs/TASK-FROM-sSEED`."""
        start = self.size if self.start == SCRATCH else run_paths.name_of(self.start)
        name, last = self.stages[-1]
        before = f"{'+'.join(self.intermediate.tasks)}-" if self.intermediate and self.target else ""
        tasks = before + ("+".join(last.tasks) or name)
        return Path(self.out) if self.out else Path("runs") / f"{tasks}-{start}-s{self.seed}"

    def resolved(self) -> TrainSpec:
        """The same spec with the recipe's values filled in. Raises SpecError where there is no recipe."""
        recipe = self.recipe or (SCRATCH if self.start == SCRATCH else "xtreme")
        stages: Any = {name: _resolved(stage, recipe, self.seed) for name, stage in self.stages}
        return replace(self, recipe=recipe, clip=self.clip or 1.0, **stages)


def defaults(stage: StageSpec, name: str) -> Recipe:
    """The recipe of a stage; that of images and captions is that of masked LM, their control. Raises SpecError."""
    if stage.tasks:
        return of_tasks(name, stage.learned())
    table = recipe(name).get(MASKED_LM)
    if table is None:
        raise SpecError(f"The recipe {name} has no table [{MASKED_LM}].")
    return table


def _resolved(stage: StageSpec, recipe: str, seed: int) -> StageSpec:
    filled = defaults(stage, recipe)
    bounded = stage.epochs or stage.steps
    return replace(
        stage,
        epochs=stage.epochs if bounded else filled.epochs,
        steps=stage.steps if bounded else filled.steps,
        batch_size=stage.batch_size or filled.batch_size,
        lr=stage.lr or filled.lr,
        seed=seed if stage.seed < 0 else stage.seed,
    )


def learnable(name: str) -> TaskSpec:
    """A task to learn, a target or an intermediate one.

    Raises UnknownName, and SpecError for a group of tasks and for a task without a head.
    """
    if name in registry.names("intermediate"):
        intermediate: TaskSpec = registry.load("intermediate", name)
        return intermediate
    if name not in registry.names("task"):
        raise _no_task(name)
    task: TaskSpec = registry.load("task", name)
    if not task.head:
        how = f"robust-xtreme eval --model NAME --tasks {name}"
        raise SpecError(f"{name} needs no training: any encoder's representation answers it. Evaluate one: {how}")
    return task


def _no_task(name: str) -> SpecError | UnknownName:
    if name not in groups.names():
        known = (*registry.names("task"), *registry.names("intermediate"))
        return UnknownName("task", name, known, "robust-xtreme list tasks")
    tasks = [registry.load("task", member) for member in groups.chosen([name])]
    named = ",".join(task.name for task in tasks if task.head and task.train_languages)
    what = f"Name those to train: --tasks {named}" if named else "None of its tasks is trained."
    return SpecError(f"train takes tasks, and {name} is a group of them. {what}")


def from_tables(tables: Mapping[str, Any], location: str = "train") -> TrainSpec:
    """A TrainSpec from the keys and tables of a run's file. Raises SpecError naming the location and the key."""
    given = {key: value for key, value in tables.items() if value is not None or key not in STAGE_NAMES}
    values = {("start" if key == "from" else key): value for key, value in given.items()}
    stages: Any = {name: _stage(values.pop(name), f"{location}: [{name}]") for name in STAGE_NAMES if name in values}
    check_keys(given, [*run_keys(), *STAGE_NAMES], (), location)
    run = _typed(TrainSpec, values, location)
    for name, stage in stages.items():
        if name == "mlm" or stage.masked_lm:
            stages[name] = replace(stage, text=stage.text or run.get("text", ""))
    return TrainSpec(**run, **stages)


def _stage(values: Any, location: str) -> StageSpec:
    if not isinstance(values, Mapping):
        raise SpecError(f'{location} is not a table of keys, as in tasks = ["xnli"].')
    check_keys(values, keys(StageSpec), (), location)
    given = {**values, "limit": values.get("limit") or ""} if values.get("limit") == 0 else values
    return StageSpec(**_typed(StageSpec, given, location))


def _typed(kind: Any, values: Mapping[str, Any], location: str) -> dict[str, Any]:
    """Values of the types that a spec's keys have. Raises SpecError."""
    known = keys(kind)
    named = {name: value.replace(",", " ").split() for name in _LISTS if isinstance(value := values.get(name), str)}
    given = {**values, **named}
    return {name: typed(written(name), value, str(known[name][0].type), location) for name, value in given.items()}


_LISTS: Final = ("languages", "text_languages", "reported", "log")
"""Keys whose string may contain several names, separated by commas, as on the command line."""


def run_keys() -> list[str]:
    """The keys of a run as they are written."""
    return [written(name) for name in keys(TrainSpec)]


def of_panel(panel: str) -> tuple[str, ...]:
    """The keys of a stage whose options are in a panel of the help."""
    return tuple(name for name, (_, option) in keys(StageSpec).items() if option.panel == panel)


def merged(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A run's file with changes: changed keys, also within tables of stages, replace the file's."""
    changed = dict(tables)
    for name, value in changes.items():
        if name in STAGE_NAMES and isinstance(changed.get(name), dict) and isinstance(value, Mapping):
            # Steps replace epochs, and epochs replace steps.
            other = {"steps": "epochs", "epochs": "steps"}
            kept = {key: old for key, old in changed[name].items() if other.get(key) not in value}
            changed[name] = {**kept, **value}
        else:
            changed[name] = value
    return changed


_SEE: Final = "robust-xtreme train --help"
_PATHS: Final = ("data", "start", "text", "out", "recipe", "translated", "pairs", "vision")
_OF_IMAGES: Final = ("pairs", "vision", "contrast")
_OF_TASKS: Final = ("perturb", "keep_names", "translated", "total", "sampling", "mixing", "select", "masked_lm")
_NOT_READ: Final = {
    "mlm": (*_OF_IMAGES, *_OF_TASKS, "limit", "control"),
    "images": ("text", "text_languages", *_OF_TASKS),
}
"""Keys that a stage does not read; those of tasks do not read _OF_IMAGES."""


def check_start(spec: TrainSpec) -> None:
    """Raise SpecError where a spec does not name what a run starts from or learns."""
    if not spec.start:
        how = "--from DIR (a transformers encoder), a model of the hub, or --from-scratch small."
        raise SpecError(f"Name where to start: {how}")
    if spec.start != SCRATCH and spec.size:
        raise SpecError("Name where to start: either --from, or --from-scratch SIZE with --text, not both.")
    if spec.start == SCRATCH and not spec.size:
        raise SpecError(
            'A start from scratch needs a size, small or tiny: --from-scratch small, in a file size = "small".'
        )
    if spec.start == SCRATCH and not spec.text:
        raise SpecError("--from-scratch needs --text: a file or folder of plain text, for the tokenizer and masked LM.")
    if spec.start == SCRATCH and spec.revision:
        raise SpecError("--revision is the commit of an encoder from the hub, and this one is new. Leave it out.")
    if not spec.stages:
        raise SpecError("There is nothing to learn. Name a task, --tasks xnli, or a table [mlm] in the run's file.")
    if not spec.data and any(stage.tasks for _, stage in spec.stages):
        folder = "the folder of the release files, or --data mini or hub."
        raise SpecError(f"No data are named. Add --data DIR, {folder}")


def check_stage(name: str, stage: StageSpec) -> None:
    """Raise SpecError where keys of a stage contradict each other or are out of bounds."""
    from robust_xtreme.training.sampling import parse_sampling

    if name in ("mlm", "images") and stage.tasks:
        what = "text" if name == "mlm" else "images with captions"
        raise SpecError(f"[{name}] learns from {what}, not from tasks. Put tasks into [intermediate] or [target].")
    _check_read(name, stage)
    if name not in ("mlm", "images") and not stage.tasks:
        raise SpecError(f'[{name}] names no tasks, as in tasks = ["xnli"].')
    if len(set(stage.tasks)) < len(stage.tasks):
        raise SpecError(f"[{name}] names a task twice: {', '.join(stage.tasks)}.")
    if not 0 <= stage.masked_lm < 1:
        raise SpecError(f"The share masked_lm {shown(stage.masked_lm)} must be at least 0 and below 1.")
    if (name == "mlm" or stage.masked_lm) and not stage.text:
        raise SpecError(f"[{name}] needs text, a file or folder of plain text, for masked LM.")
    if stage.epochs and stage.steps:
        raise SpecError("--epochs and --steps both set the length of training. Name only one.")
    if stage.limit and stage.total:
        raise SpecError(f"[{name}] has a limit and a total. Name only one.")
    check_values(stage)
    parse_sampling(stage.sampling)
    _check_data(name, stage)


def _check_read(name: str, stage: StageSpec) -> None:
    """Raise SpecError where a stage has a key that it does not read, or where one of images has no pairs."""
    known = keys(type(stage))
    several = (key for key in _NOT_READ.get(name, _OF_IMAGES) if getattr(stage, key) != known[key][0].default)
    named = next(several, "")
    if named in _OF_IMAGES:
        raise SpecError(f"[{name}] has the key {named}, which is one of [images].")
    if name == "images" and not stage.pairs:
        raise SpecError("[images] needs pairs: a folder of images with captions.")
    if named:
        of = "text or tasks" if name == "images" else "tasks"
        raise SpecError(f"[{name}] does not take the key {named}, which is for {of}.")
    if stage.control == MASKED_LM and (stage.perturb or stage.select != "none"):
        named = "perturb" if stage.perturb else "select"
        raise SpecError(f"[{name}] does not take the key {named}: its control, masked_lm, reads clean training texts.")


def _check_data(name: str, stage: StageSpec) -> None:
    from robust_xtreme.noise.suites import check_perturb

    if not 0 <= stage.lr < 1:
        raise SpecError(f"--lr {shown(stage.lr)} must be at least 0 and below 1.")
    if stage.text_languages and not stage.masked_lm:
        how = "In [mlm] the key is languages."
        raise SpecError(f"text_languages needs masked_lm, the share of text beside tasks. {how}")
    unknown = parse_limits(stage.limit).keys() - {"", *stage.tasks}
    if unknown:
        stage.learned()  # a misspelt task is reported first
        raise SpecError(f"The limit {stage.limit!r} names {min(unknown)!r}, which is not a task of [{name}].")
    if stage.tasks and stage.text and not stage.masked_lm:
        raise SpecError(f"[{name}] has text but no masked_lm, the share of its steps that learn from it.")
    if stage.keep_names and not stage.perturb:
        what = "has keep_names, which keeps names out of noise, but no perturb. Add one: char_noise:0.1"
        raise SpecError(f"[{name}] {what}")
    if stage.perturb:
        check_perturb(stage.perturb, stage.learned(), f"[{name}]")


def check_values(spec: StageSpec | TrainSpec) -> None:
    """Raise SpecError where a number, a word or a path of a spec is invalid for its key."""
    for name, (field, bounds) in keys(type(spec)).items():
        value, option = getattr(spec, name), f"--{name.replace('_', '-')}"
        if field.type == "int" and value > bounds.most:
            # A number that is too large is not printed.
            raise SpecError(f"{option} takes at most {bounds.most:,}. See: {_SEE}")
        if field.type == "int" and value < bounds.least:
            raise SpecError(f"{option} {value if value > -MOST else 'that'} is below {bounds.least}.")
        if name in _PATHS:
            check_path(written(name), value, "train")
        words = value if isinstance(value, tuple) else (value,)
        unknown = [word for word in words if bounds.choices and word not in bounds.choices]
        if unknown and value != field.default:
            raise UnknownName(name, unknown[0], tuple(filter(None, bounds.choices)), _SEE)


def within(stage: StageSpec, rows: Sequence[int]) -> list[int]:
    """The numbers of examples of a stage's tasks within its limits, of those that there are."""
    from robust_xtreme.training.sampling import parse_sampling, shared_out

    limits = parse_limits(stage.limit)
    most = [limits.get(task.name, limits.get("", count)) for task, count in zip(stage.learned(), rows, strict=True)]
    counts = list(map(min, rows, most))
    if stage.total and all(counts):
        counts = list(shared_out(stage.total, counts, parse_sampling(stage.sampling).shares(counts)))
    return counts
