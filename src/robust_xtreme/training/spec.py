"""TrainSpec: one training run as a value, its stages, and the TOML file that holds it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

from robust_xtreme import groups, packs, registry, resources
from robust_xtreme.errors import SpecError, UnknownName
from robust_xtreme.noise._suites import check_perturb
from robust_xtreme.run_spec import parse_limits
from robust_xtreme.specs import TaskSpec, check_keys
from robust_xtreme.training import recipes
from robust_xtreme.training._bounds import MOST_PARTS, check_number, check_path, check_seed
from robust_xtreme.training.sampling import parse_sampling

SCRATCH: Final = "scratch"
STAGE_NAMES: Final = ("mlm", "intermediate", "target")
SIZE_NAMES: Final = ("small", "tiny")
DEVICES: Final = ("auto", "cpu", "cuda")
STRATEGIES: Final = ("auto", "ddp")
PRECISIONS: Final = ("fp32", "bf16", "fp16")
SCHEDULES: Final = ("linear", "cosine", "constant")
OPTIMIZERS: Final = ("adamw_fused", "adamw")
LOGS: Final = ("csv", "tensorboard")
OVERLAPS: Final = ("refuse", "drop", "allow")
MIXINGS: Final = ("steps", "batches")
CONTROLS: Final = ("", "masked_lm", "shuffled_labels")
SELECTIONS: Final = ("none", "dev")
_SEE: Final = "robust-xtreme train --help"
Tell = Callable[[str], None]
_SHORT: Final = ("from", "task", "encoder", "scratch", "mlm_steps", "allow_overlap")


@final
@dataclass(frozen=True, slots=True)
class StageSpec:
    """One stage: masked LM on `text`, or `tasks` that are learned together. 0 and "" take the recipe's value.

    `languages` are those of the text or, where they are not the tasks' own, of the training data; `limit` is in
    examples of a task, whole clusters (`5000` or `mnli=5000,squad=2000`), and `total` in examples of all tasks
    together, shared out by the sampling. `sampling` says how often each task is drawn (`proportional`,
    `temperature:T`, `capped:N`), `mixing` whether a step is of one task or its batch of several. `perturb` noises
    training texts anew in each pass, `translated` names translations, `masked_lm` is the share of steps that are
    masked LM on `text`, of which `text_languages` are read. `control` is `masked_lm` (the tasks' texts, no labels) or
    `shuffled_labels`, `select` `dev` keeps the weights with the best score on validation data. `seed` -1 is the run's.
    """

    tasks: tuple[str, ...] = ()
    text: str = ""
    languages: tuple[str, ...] = ()
    epochs: int = 0
    steps: int = 0
    batch_size: int = 0
    lr: float = 0.0
    seed: int = -1
    limit: str = ""
    total: int = 0
    sampling: str = "proportional"
    mixing: str = "steps"
    perturb: tuple[str, ...] = ()
    translated: str = ""
    control: str = ""
    masked_lm: float = 0.0
    text_languages: tuple[str, ...] = ()
    select: str = "none"

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
    """One run of `train`: where it starts, up to three stages one after the other, and how they are computed.

    `start` is a transformers folder, a run of `train`, a model of the hub (with `revision`), or `scratch`: an encoder
    of a `size` (`small`, `tiny`), whose tokenizer is made of `text`. `data` is a folder of release files or of a suite,
    `mini`, or `hub`, which `offline` reads from the cache alone. `reported` are the tasks that the overlap rule guards;
    none named means every task found under `data`; `overlap` says what becomes of training data that they contain.
    `recipe` "" is xtreme, or scratch for an encoder from scratch; `clip` 0 is 1.0. `accumulate` splits the batch of a
    step, `devices` shares it out; neither changes what is computed but in the last bits and in what dropout draws.
    `adamw_fused` is `adamw` but for rounding, and faster; it is for fp32. `packs` are folders of linguistic data that
    noise looks into before the bundled ones. Raises SpecError, naming the key.
    """

    data: str = ""
    start: str = ""
    mlm: StageSpec | None = None
    intermediate: StageSpec | None = None
    target: StageSpec | None = None
    out: str = ""
    size: str = ""
    text: str = ""
    revision: str = ""
    recipe: str = ""
    seed: int = 0
    reported: tuple[str, ...] = ()
    overlap: str = "refuse"
    offline: bool = False
    device: str = "auto"
    devices: int = 1
    strategy: str = "auto"
    precision: str = "fp32"
    accumulate: int = 1
    clip: float = 0.0
    schedule: str = "linear"
    optimizer: str = "adamw_fused"
    log: tuple[str, ...] = ("csv",)
    lora: int = 0
    packs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_start(self)
        with packs.using(*self.packs):
            for name, stage in self.stages:
                _check_stage(name, stage)
        _check_values(self)

    @property
    def stages(self) -> tuple[tuple[str, StageSpec], ...]:
        """The stages in order, each by its name."""
        found = ((name, getattr(self, name)) for name in STAGE_NAMES)
        return tuple((name, stage) for name, stage in found if stage is not None)

    @property
    def folder(self) -> Path:
        """Where the last stage is written: `out`, or `runs/TASK-FROM-sSEED`."""
        start = self.size if self.start == SCRATCH else Path(self.start).name
        name, last = self.stages[-1]
        before = f"{'+'.join(self.intermediate.tasks)}-" if self.intermediate and self.target else ""
        tasks = before + ("+".join(last.tasks) or name)
        return Path(self.out) if self.out else Path("runs") / f"{tasks}-{start}-s{self.seed}"

    def resolved(self) -> TrainSpec:
        """The same spec with the recipe's values filled in. Raises SpecError where there is no recipe."""
        recipe = self.recipe or (SCRATCH if self.start == SCRATCH else "xtreme")
        stages: Any = {name: _resolved(stage, recipe, self.seed) for name, stage in self.stages}
        return replace(self, recipe=recipe, clip=self.clip or 1.0, **stages)


def defaults(stage: StageSpec, recipe: str) -> recipes.Recipe:
    """What the recipe says of a stage."""
    return recipes.of_tasks(recipe, stage.learned()) if stage.tasks else recipes.of_text(recipe)


def _resolved(stage: StageSpec, recipe: str, seed: int) -> StageSpec:
    filled = defaults(stage, recipe)
    told = stage.epochs or stage.steps
    return replace(
        stage,
        epochs=stage.epochs if told else filled.epochs,
        steps=stage.steps if told else filled.steps,
        batch_size=stage.batch_size or filled.batch_size,
        lr=stage.lr or filled.lr,
        seed=seed if stage.seed < 0 else stage.seed,
    )


def learnable(name: str) -> TaskSpec:
    """A task to learn, a target or an intermediate one.

    Raises UnknownName, and SpecError for a group of tasks and for a task without a head.
    """
    if name in registry.names("intermediate"):
        found: TaskSpec = registry.load("intermediate", name)
        return found
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
    tasks = [registry.load("task", one) for one in groups.chosen([name])]
    named = ",".join(one.name for one in tasks if one.head and one.train_languages)
    what = f"Name those to train: --task {named}" if named else "None of its tasks is trained."
    return SpecError(f"train takes tasks, and {name} is a group of them. {what}")


# -------------------------------------------------------------------------------------------------------------- checks


def _check_start(spec: TrainSpec) -> None:
    if not spec.start:
        how = "--from DIR (a transformers encoder), a model of the hub, or --from-scratch small."
        raise SpecError(f"Name where to start: {how}")
    if spec.start != SCRATCH and spec.size:
        raise SpecError("Name where to start: either --from, or --from-scratch SIZE with --text, not both.")
    if spec.start == SCRATCH and spec.size not in SIZE_NAMES:
        raise UnknownName("size", spec.size, SIZE_NAMES, _SEE)
    if spec.start == SCRATCH and not spec.text:
        raise SpecError("--from-scratch needs --text: a file or folder of plain text, for the tokenizer and masked LM.")
    if not spec.stages:
        raise SpecError("Nothing is to be learned. Name a task, --task xnli, or a table [mlm] in the run's file.")
    if not spec.data and any(stage.tasks for _, stage in spec.stages):
        raise SpecError("No data are named. Add --data DIR, the folder of the release files, or --data mini or hub.")


def _check_stage(name: str, stage: StageSpec) -> None:
    if name == "mlm" and stage.tasks:
        raise SpecError("[mlm] learns from text, not from tasks. Put tasks into [intermediate] or [target].")
    if name != "mlm" and not stage.tasks:
        raise SpecError(f'[{name}] names no tasks, as in tasks = ["xnli"].')
    if len(set(stage.tasks)) < len(stage.tasks):
        raise SpecError(f"[{name}] names a task twice: {', '.join(stage.tasks)}.")
    if (name == "mlm" or stage.masked_lm) and not stage.text:
        raise SpecError(f"[{name}] needs text, a file or folder of plain text, for masked LM.")
    if stage.epochs and stage.steps:
        raise SpecError("--epochs and --steps both say how long to train. Name one.")
    if stage.limit and stage.total:
        raise SpecError(f"[{name}] has a limit and a total. Name one.")
    _check_numbers(stage)
    for key, allowed in (("mixing", MIXINGS), ("control", CONTROLS), ("select", SELECTIONS)):
        _check_word(key, getattr(stage, key), allowed)
    parse_sampling(stage.sampling)
    _check_data(name, stage)


def _check_data(name: str, stage: StageSpec) -> None:
    unknown = parse_limits(stage.limit).keys() - {"", *stage.tasks}
    if unknown:
        stage.learned()  # a misspelt task is told first
        raise SpecError(f"The limit {stage.limit!r} names {min(unknown)!r}, which is no task of [{name}].")
    if stage.tasks and stage.text and not stage.masked_lm:
        raise SpecError(f"[{name}] has text but no masked_lm, the share of its steps that learn from it.")
    if stage.perturb:
        check_perturb(stage.perturb, stage.learned(), f"[{name}]")


def _check_numbers(stage: StageSpec) -> None:
    for name in ("epochs", "steps", "batch_size", "total"):
        check_number(name, getattr(stage, name), 0)
    if not 0 <= stage.lr < 1:
        raise SpecError(f"--lr {stage.lr} is not between 0 and 1.")
    if not 0 <= stage.masked_lm < 1:
        raise SpecError(f"The share masked_lm {stage.masked_lm} is not from 0 to below 1.")
    if stage.text_languages and not stage.masked_lm:
        raise SpecError("text_languages are of text beside tasks: name its share, masked_lm. [mlm] has languages.")
    check_seed(stage.seed, -1)
    for name in ("text", "translated"):
        check_path(name, getattr(stage, name))


def _check_values(spec: TrainSpec) -> None:
    check_seed(spec.seed, 0)
    for name, least in (("devices", 1), ("accumulate", 1), ("lora", 0)):
        check_number(name, getattr(spec, name), least, MOST_PARTS)
    for name in ("data", "start", "text", "out", "recipe"):
        check_path(name.replace("start", "from"), getattr(spec, name))
    if not 0 <= spec.clip < float("inf"):
        raise SpecError(f"--clip {spec.clip} is no norm of gradients: name a number above 0.")
    words = {"device": DEVICES, "strategy": STRATEGIES, "precision": PRECISIONS, "schedule": SCHEDULES}
    for key, allowed in (words | {"overlap": OVERLAPS, "optimizer": OPTIMIZERS}).items():
        _check_word(key, getattr(spec, key), allowed)
    for one in spec.log:
        _check_word("log", one, LOGS)


def _check_word(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UnknownName(key, value, tuple(filter(None, allowed)), _SEE)


# ------------------------------------------------------------------------------------------------- from words and files


def from_values(values: Mapping[str, Any], place: str = "train") -> TrainSpec:
    """A TrainSpec from its keys by name; `mlm`, `intermediate` and `target` are mappings of a StageSpec's keys.

    Short forms: `task` and every key of a stage are those of the target, `intermediate` may be names with commas,
    `encoder` is `from`, `scratch` a size to start from, `mlm_steps` those of masked LM on `text`. Paths may be Paths,
    lists of one a string. Raises SpecError naming the key that is unknown or of another type.
    """
    check_keys(values, list(dict.fromkeys([*_SHORT, *_run_keys(), *_kinds(StageSpec), *STAGE_NAMES])), (), place)
    return from_tables(tables_of(values), place)


def from_tables(tables: Mapping[str, Any], place: str = "train") -> TrainSpec:
    """A TrainSpec from the keys and tables of a run's file. Raises SpecError naming the place and the key."""
    told = {key: value for key, value in tables.items() if value is not None or key not in STAGE_NAMES}
    values = {("start" if key == "from" else key): value for key, value in told.items()}
    stages: Any = {name: _stage(values.pop(name), f"{place}: [{name}]") for name in STAGE_NAMES if name in values}
    check_keys(told, [*_run_keys(), *STAGE_NAMES], (), place)
    return TrainSpec(**{key: _typed(key, one, _kinds(TrainSpec)[key], place) for key, one in values.items()}, **stages)


def _stage(values: Any, place: str) -> StageSpec:
    if not isinstance(values, Mapping):
        raise SpecError(f'{place} is no table of keys, as in tasks = ["xnli"].')
    known = _kinds(StageSpec)
    check_keys(values, known, (), place)
    return StageSpec(**{key: _typed(key, value, known[key], place) for key, value in values.items()})


def _kinds(kind: Any) -> dict[str, str]:
    return {one.name: str(one.type) for one in dataclasses.fields(kind) if one.name not in STAGE_NAMES}


def _run_keys() -> list[str]:
    """The keys of a run as they are written."""
    return [("from" if name == "start" else name) for name in _kinds(TrainSpec)]


def read_tables(path: Path) -> dict[str, Any]:
    """The keys and tables of a run's file. Raises SpecError naming the file."""
    return resources.toml(path)


def merged(tables: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A run's file with changes: keys and, within tables of stages, keys of these stand for the file's."""
    found = dict(tables)
    for key, value in changes.items():
        if key in STAGE_NAMES and isinstance(found.get(key), dict) and isinstance(value, Mapping):
            found[key] = {**_without(found[key], value), **value}
        else:
            found[key] = value
    return found


def _without(stage: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """How long a stage trains is one thing: steps stand for epochs, and the other way round."""
    other = {"steps": "epochs", "epochs": "steps"}
    return {key: value for key, value in stage.items() if other.get(key) not in changes}


def tables_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Short forms as the keys and tables of a run's file."""
    found = dict(values)
    target = _names(found.pop("target", None) or {})
    if "task" in found:
        target = {**target, **_names(found.pop("task"))}
    target |= {key: found.pop(key) for key in _kinds(StageSpec) if key in found and key not in _kinds(TrainSpec)}
    if found.get("intermediate") is not None:
        found["intermediate"] = _names(found["intermediate"])
    if found.pop("allow_overlap", False):
        found["overlap"] = "allow"
    if "encoder" in found:
        found["from"] = found.pop("encoder")
    if found.get("scratch"):
        if found.get("from"):
            raise SpecError("Name where to start: either --from, or --from-scratch SIZE with --text, not both.")
        found |= {"from": SCRATCH, "size": found["scratch"]}
    steps = found.pop("mlm_steps", None if found.pop("scratch", "") else 0)
    if steps != 0 and found.get("text"):
        found.setdefault("mlm", {"text": found["text"], **({"steps": steps} if steps else {})})
    return {**found, **({"target": target} if target else {})}


def _names(value: Any) -> dict[str, Any]:
    """A stage by the names of its tasks, with commas between them."""
    if isinstance(value, str):
        return {"tasks": [one.strip() for one in value.split(",")]}
    return dict(value) if isinstance(value, Mapping) else {"tasks": value}


def _typed(name: str, value: Any, kind: str, place: str) -> Any:
    match kind, value:
        case ("str", str()) | ("bool", bool()) | ("float", float()):
            return value
        case "str", Path():
            return str(value)
        case "str", int() if name == "limit" and not isinstance(value, bool):
            return str(value or "")
        case ("int", int()) | ("float", int()) if not isinstance(value, bool):
            return value
        case "tuple[str, ...]", str() | Path():
            return (str(value),)
        case "tuple[str, ...]", list() | tuple() if all(isinstance(one, (str, Path)) for one in value):
            return tuple(map(str, value))
        case _:
            raise SpecError(f"{place}: the value {name!r} takes {_KINDS[kind]}, not {value!r}.")


_KINDS: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "True or False",
    "tuple[str, ...]": "a list of strings",
}
