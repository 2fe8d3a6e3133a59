"""Checks of the keys of a run of `train`; messages name the options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from robust_xtreme.core.errors import SpecError, UnknownName, shown
from robust_xtreme.core.keys import MOST, keys, written
from robust_xtreme.core.run_spec import check_path, parse_limits

if TYPE_CHECKING:
    from robust_xtreme.training.spec import StageSpec, TrainSpec

_SEE: Final = "robust-xtreme train --help"
_PATHS: Final = ("data", "start", "text", "out", "recipe", "translated", "pairs", "vision")
_OF_TASKS: Final = (
    *("text", "masked_lm", "text_languages", "perturb", "keep_names", "translated", "total", "sampling", "mixing"),
    "select",
)
"""Keys that a stage of images does not have."""


def check_start(spec: TrainSpec, scratch: str, sizes: tuple[str, ...], embedded: tuple[str, ...]) -> None:
    """Raise SpecError where a spec does not name what a run starts from or learns; `embedded` sizes need no text."""
    if not spec.start:
        how = "--from DIR (a transformers encoder), a model of the hub, or --from-scratch small."
        raise SpecError(f"Name where to start: {how}")
    if spec.start != scratch and spec.size:
        raise SpecError("Name where to start: either --from, or --from-scratch SIZE with --text, not both.")
    if spec.start == scratch and not spec.size:
        named = " or ".join(name for name in sizes if name not in embedded)
        raise SpecError(
            f'A start from scratch needs a size, {named}: --from-scratch {sizes[0]}, in a file size = "{sizes[0]}". '
            f"Or {embedded[0]}, which needs no text."
        )
    if spec.start == scratch and spec.size not in sizes:
        raise UnknownName("size", spec.size, sizes, _SEE)
    if spec.start == scratch and spec.size not in embedded and not spec.text:
        raise SpecError("--from-scratch needs --text: a file or folder of plain text, for the tokenizer and masked LM.")
    if not spec.stages:
        raise SpecError("There is nothing to learn. Name a task, --task xnli, or a table [mlm] in the run's file.")
    if not spec.data and any(stage.tasks for _, stage in spec.stages):
        folder = "the folder of the release files, or --data mini, world or hub."
        raise SpecError(f"No data are named. Add --data DIR, {folder}")


def check_stage(name: str, stage: StageSpec) -> None:
    """Raise SpecError where keys of a stage contradict each other or are out of bounds."""
    from robust_xtreme.training.sampling import parse_sampling

    if name in ("mlm", "images") and stage.tasks:
        what = "text" if name == "mlm" else "images with captions"
        raise SpecError(f"[{name}] learns from {what}, not from tasks. Put tasks into [intermediate] or [target].")
    _check_images(name, stage)
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


def _check_images(name: str, stage: StageSpec) -> None:
    """Raise SpecError where a stage of images has no pairs, or keys of tasks, or another stage has its keys."""
    if name != "images":
        if named := next((key for key in ("pairs", "vision") if getattr(stage, key)), ""):
            raise SpecError(f"[{name}] has the key {named}, which is one of [images].")
        return
    if not stage.pairs:
        raise SpecError('[images] needs pairs: a folder of images with captions, or pairs = "world".')
    known = keys(type(stage))
    if named := next((key for key in _OF_TASKS if getattr(stage, key) != known[key][0].default), ""):
        raise SpecError(f"[images] does not take the key {named}, which is for text or tasks.")


def _check_data(name: str, stage: StageSpec) -> None:
    from robust_xtreme.noise.suites import check_perturb

    if not 0 <= stage.lr < 1:
        raise SpecError(f"--lr {shown(stage.lr)} must be at least 0 and below 1.")
    if stage.text_languages and not stage.masked_lm:
        raise SpecError(
            "text_languages needs masked_lm, the share of text beside tasks. In [mlm] the key is languages."
        )
    unknown = parse_limits(stage.limit).keys() - {"", *stage.tasks}
    if unknown:
        stage.learned()  # a misspelt task is reported first
        raise SpecError(f"The limit {stage.limit!r} names {min(unknown)!r}, which is not a task of [{name}].")
    if stage.tasks and stage.text and not stage.masked_lm:
        raise SpecError(f"[{name}] has text but no masked_lm, the share of its steps that learn from it.")
    if stage.keep_names and not stage.perturb:
        raise SpecError(
            f"[{name}] has keep_names, which keeps names out of noise, but no perturb. Add one: char_noise:0.1"
        )
    if stage.perturb:
        check_perturb(stage.perturb, stage.learned(), f"[{name}]")


def check_values(spec: StageSpec | TrainSpec) -> None:
    """Raise SpecError where a number, a word or a path of a spec is invalid for its key."""
    for name, (field, key) in keys(type(spec)).items():
        value, option = getattr(spec, name), f"--{name.replace('_', '-')}"
        if field.type == "int" and value > key.most:
            # A number that is too large is not printed.
            raise SpecError(f"{option} takes at most {key.most:,}. See: {_SEE}")
        if field.type == "int" and value < key.least:
            raise SpecError(f"{option} {value if value > -MOST else 'that'} is below {key.least}.")
        if name in _PATHS:
            check_path(written(name), value, "train")
        words = value if isinstance(value, tuple) else (value,)
        unknown = [word for word in words if word not in key.choices] if key.choices and name != "size" else []
        if unknown:
            raise UnknownName(name, unknown[0], tuple(filter(None, key.choices)), _SEE)
