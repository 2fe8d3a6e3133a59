"""The record of a run of `train`: the hashes of its files, and its stages.

`train.json` contains the hashes since the run is complete. The stages give the frame MODELS, the setting of a cell, and
the contamination rule.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import registry, resources
from robust_xtreme.core.contamination import check, unit
from robust_xtreme.core.errors import Contamination, DataError, ModelError
from robust_xtreme.core.examples import Example
from robust_xtreme.files.journal import JOURNAL
from robust_xtreme.files.manifest import read_manifest
from robust_xtreme.models.config import MONOLINGUAL, MULTILINGUAL, TOWER, base_kind
from robust_xtreme.models.folder import MODEL_FILES, ModelFolder, file_hash
from robust_xtreme.stats.stages import own_data

CLAIM: Final = "train.json"
FILES: Final = "files"
"""The key of train.json: the sha256 of each file by its path in the run; empty until the run is complete."""

UNVERIFIED: Final = "its files are not verified"
"""What the sentence of `unverified` says."""

_MODEL, _STAGES = "model", "stages"
_READ: Final[Mapping[str, Collection[str]]] = {
    _MODEL: MODEL_FILES,
    "heads": ("*.safetensors",),
    _STAGES: ("*.json", "*.hashes"),
}
"""The files of each folder that are read, so that one that the run did not write is refused; others are not."""

SCRATCH: Final = "scratch"
INTERMEDIATE: Final = "intermediate"
TARGET: Final = "target"
TOLERATED: Final = 0.02
"""The share of a split that may be in the training data: it is counted, and the split is not refused."""

_SHOWN: Final = (
    *("kind", "task", "control", "languages", "sampling", "mixing", "masked_lm", "text_languages", "limit", "total"),
    *("examples", "seen", "per_task", "steps", "batch_size", "lr", "precision", "selected_step", "seed", "data"),
    *("pairs", "images", "contrast", "vision"),
    *("perturb", "translated", "lora", "diversity", "parent"),
)
_ADDED: Final = (
    *("control", "mixing", "masked_lm", "text_languages", "limit", "total"),
    *("per_task", "selected_step", "translated", "lora", "diversity"),
    *("pairs", "images", "contrast", "vision"),
)
"""Keys that are shown only where their value is not empty."""


def claim_of(run: Path) -> dict[str, Any] | None:
    """The content of a run's train.json: empty where it is damaged; None where there is none."""
    if not (run / CLAIM).is_file():
        return None
    try:
        return read_manifest(run / CLAIM)
    except DataError:
        return {}


def hashes(run: Path, kept: Collection[str] = ()) -> dict[str, str]:
    """The sha256 of each file of a run's model, heads and stages but the `kept`. Raises ModelError."""
    return {name: file_hash(run / name) for name in names_of(run) if name not in kept}


def _remedy(run: Path) -> str:
    if resources.is_mini(run):
        return "It is part of robust-xtreme: reinstall it (in a checkout: make mini)."
    return "Copy the run again from where it was trained, or move it away and train it again."


def names_of(run: Path) -> list[str]:
    """The files of a run's model, heads and stages, relative to the run; hidden ones are left out."""
    paths = [path.relative_to(run) for folder in _READ for path in (run / folder).rglob("*") if path.is_file()]
    return sorted(path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts))


def check_encoder(folder: Path) -> None:
    """Raise ModelError as `check_hashes` where a folder is the encoder of a run, RUN/model, and is not as trained."""
    if is_of_run(folder):
        check_hashes(folder.resolve().parent, f"{_MODEL}/")


def is_of_run(folder: Path) -> bool:
    """Whether a folder is the encoder of a run, RUN/model."""
    path = folder.resolve()
    return path.name == _MODEL and (path.parent / _STAGES).is_dir()


def check_hashes(run: Path, inside: str = "") -> None:
    """Raise ModelError where a file of a run, `inside` a folder, is missing, added or changed, or it is not complete.

    Where there is no train.json, `unverified` says so; a run with a journal must have one.
    """
    recorded = _recorded(run)
    if recorded is None:
        if not (run / CLAIM).exists() and (run / JOURNAL).exists() and (run / _MODEL).is_dir():
            what = f"{run}: {CLAIM} is missing, which contains the hashes of its files"
            raise ModelError(f"{what}. {_remedy(run)}")
        return
    if not recorded:
        what = f"{run} is not complete: its training stopped or still runs"
        raise ModelError(f"{what}. Continue it with the `train` command that began it.")
    names = [name for name in names_of(run) if name.startswith(inside)]
    for name in filter(lambda name: name.startswith(inside), recorded):
        if name not in names:
            raise ModelError(f"{run}: {name[:200]} is missing. {_remedy(run)}")
        if file_hash(run / name) != recorded[name]:
            raise ModelError(f"{run}: {name} is damaged or was changed after training (sha256). {_remedy(run)}")
    for folder, _, file in (name.partition("/") for name in names if name not in recorded):
        if "/" not in file and any(fnmatchcase(file, pattern) for pattern in _READ[folder]):
            raise ModelError(f"{run}: {folder}/{file} is not a file of this run. Move it elsewhere.")


def unverified(run: Path) -> str:
    """A sentence where a run has no hashes of its files; else empty."""
    if _recorded(run) is not None:
        return ""
    name = run.resolve().name  # the sentence is stored, and what is stored contains no path
    return f"{name}: {UNVERIFIED}, because it has no {CLAIM}."


def _recorded(run: Path) -> dict[str, str] | None:
    """The hashes in a run's train.json; None where there is none. Raises ModelError where the file is damaged."""
    path = run / CLAIM
    if not path.is_file():
        return None
    try:
        recorded: Any = read_manifest(path).get(FILES)
    except DataError as error:
        raise ModelError(f"{path} is damaged or was changed after training. {_remedy(run)}") from error
    if not isinstance(recorded, dict) or not all(isinstance(value, str) for value in recorded.values()):
        raise ModelError(f"{path} is damaged: {FILES!r} does not list hashes. {_remedy(run)}")
    return recorded


def languages_of(model: ModelFolder, head: str) -> tuple[str, ...] | None:
    """The languages that a head was trained on; None where no stage records them."""
    learned = [stage["languages"] for stage in model.stages if head in _tasks(stage) and stage.get("languages")]
    return tuple(learned[-1]) if learned else None


def changed_texts(model: ModelFolder, heads: Sequence[str]) -> str:
    """A sentence on how the texts that the heads were trained on were changed; empty where they were not."""
    stages = [stage for stage in model.stages if not _tasks(stage).isdisjoint(heads)]
    changes = [str(stage["perturb"]) for stage in stages if stage.get("perturb")]
    return f"{', '.join(heads)}: trained on changed texts. {'; '.join(changes)}." if changes else ""


def own_training(model: ModelFolder, task: str) -> str:
    """A sentence where the model learned the task's training data before its target; empty where it did not."""
    own_stages = [stage for stage in _of_kind(model.stages, INTERMEDIATE) if own_data(task) in _flags(stage)]
    if not own_stages:
        return ""
    learned = ", ".join(sorted(name for stage in own_stages for name in _tasks(stage) if task in _trains(name)))
    return f"{task}: the model learned {learned or 'them'} before, {task}'s own training data: this is not transfer."


def model_facts(model: ModelFolder, heads: Sequence[str], config: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The columns of MODELS that the stages, or the encoder's `config`, give; unknown ones are left out.

    Only targets whose heads are used count; where none is, all of them, since each trained the representation.
    """
    every = model.stages
    if not every:
        return {}
    targets = [stage for stage in _of_kind(every, TARGET) if not (heads and _tasks(stage).isdisjoint(heads))]
    intermediate = _of_kind(every, INTERMEDIATE)
    shown = [{key: s[key] for key in _SHOWN if key in s and (s[key] or key not in _ADDED)} for s in every]
    facts = {
        "stages": json.dumps(shown, ensure_ascii=False),
        "pretrain_languages": _pretrained_on(every, beside=True),
        **_base(every, config or {}),
        **(_intermediate(intermediate) if intermediate else {}),
    }
    if targets:
        facts["target"] = ",".join(dict.fromkeys(str(stage["task"]) for stage in targets))
        facts["target_examples"] = sum(int(stage.get("examples", 0)) for stage in targets)
    for last in (targets or intermediate)[-1:]:
        selected_on = last.get("selected_on") or None
        facts |= {"recipe": last.get("recipe") or None, "train_seed": last.get("seed"), "selected_on": selected_on}
    return facts


def _of_kind(every: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [stage for stage in every if stage.get("kind") == kind]


def stage_flags(model: ModelFolder) -> list[str]:
    """The parts of a run's training data that are evaluated, for `overlap_flags`: allowed splits, data of tasks."""
    return sorted({flag for stage in model.stages for flag in (*stage.get("allowed", ()), *_flags(stage))})


def _tasks(stage: Mapping[str, Any]) -> set[str]:
    """The tasks of a stage: one, or several that were learned together."""
    return set(str(stage.get("task", "")).split(","))


def _trains(name: str) -> tuple[str, ...]:
    """The tasks whose training data an intermediate task uses; empty where the intermediate task is unknown."""
    if name not in registry.names("intermediate"):
        return ()
    return tuple(registry.load("intermediate", name).trains)


def _flags(stage: Mapping[str, Any]) -> set[str]:
    """The flags of a stage's data, and those of its intermediate tasks."""
    named = stage.get("kind") == INTERMEDIATE
    trained_on = {own_data(target) for name in _tasks(stage) for target in _trains(name)} if named else set()
    return {*stage.get("flags", ()), *trained_on}


def _pretrained_on(every: Sequence[Mapping[str, Any]], beside: bool) -> str | None:
    """The languages of masked LM, as JSON; `beside` adds those of text that was learned together with tasks."""
    learned = (TARGET, INTERMEDIATE)
    codes = {code for stage in every if stage.get("kind") not in learned for code in stage.get("languages", ())}
    codes |= {code for stage in every if beside for code in stage.get("text_languages", ())}
    return json.dumps(sorted(codes)) if codes else None


def _base(every: Sequence[Mapping[str, Any]], config: Mapping[str, Any]) -> dict[str, Any]:
    """Name, of a folder without its path, revision and kind of the first stage's encoder; or `scratch`."""
    first = every[0]
    base = {key: value for key, value in first.get("base", {}).items() if isinstance(value, str) and value}
    name = base.get("name") or (None if first.get("parent") else SCRATCH)
    languages = json.loads(_pretrained_on(every, beside=False) or "[]")
    if name and not base.get("revision"):
        name = Path(name).name
    if name and name.split()[0] == SCRATCH:
        kind = (MULTILINGUAL if len(languages) > 1 else MONOLINGUAL) if languages else None
    else:
        kind = base_kind(config)
    if any(stage.get("contrast") and not stage.get("control") for stage in every):
        kind = TOWER  # it learned from images with their captions
    columns = {"base": name, "revision": base.get("revision"), "base_kind": kind}
    return {key: value for key, value in columns.items() if value}


def _intermediate(intermediate: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The intermediate stages together: tasks, each with its control; diversity only where there is one stage."""
    distance = (intermediate[0].get("diversity") or {}).get("distance")
    known = len(intermediate) == 1 and isinstance(distance, float) and math.isfinite(distance)
    return {
        "intermediate_set": ",".join(map(_with_control, intermediate)),
        "intermediate_examples": sum(int(stage.get("examples", 0)) for stage in intermediate),
        "diversity": distance if known else None,
    }


def _with_control(stage: Mapping[str, Any]) -> str:
    """The tasks of a stage, the share of masked LM beside them, and the control: `mnli+masked_lm:0.5`, `mnli@...`."""
    control, share = stage.get("control"), stage.get("masked_lm")
    beside = f"+masked_lm:{share:g}" if isinstance(share, float) and share and control != "masked_lm" else ""
    return "+".join(sorted(_tasks(stage))) + beside + (f"@{control}" if control else "")


def overlap(run: Path, label: str, examples: Sequence[Example], allowed: bool) -> str:
    """A sentence on the examples that the run was trained on; empty where there are none.

    Raises Contamination where those of 8 words and more exceed the tolerated share of the split, unless `allowed`.
    """
    shared = check(run, examples)
    if not shared.count:
        return ""
    long = check(run, [example for example in examples if not unit(example).short])
    what = f"{label}: {shared.count} of {shared.total} {shared.kind}s are in the model's training data"
    if long.count > TOLERATED * shared.total and not allowed:
        raise Contamination(f"{what} (first: {long.first}). Leave it out, or stamp its results with --allow-overlap.")
    return f"{what}."
