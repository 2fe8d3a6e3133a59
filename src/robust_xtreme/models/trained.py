"""What a run's stages say of its training: for the frame MODELS, the setting of a cell, and the overlap rule."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from robust_xtreme import registry
from robust_xtreme.errors import DataError, ModelError, Overlap
from robust_xtreme.examples import Example
from robust_xtreme.models.kinds import MONOLINGUAL, MULTILINGUAL, base_kind
from robust_xtreme.results.stages import read_stages
from robust_xtreme.results.transfer import own_data
from robust_xtreme.targets.contamination import check, unit

STAGES: Final = "stages"
SCRATCH: Final = "scratch"
INTERMEDIATE: Final = "intermediate"
TARGET: Final = "target"
TOLERATED: Final = 0.02
"""Up to this share of a split may be in the training data; it is counted, and nothing is refused."""

_SHOWN: Final = (
    "kind",
    "task",
    "control",
    "languages",
    "sampling",
    "mixing",
    "masked_lm",
    "text_languages",
    "limit",
    "total",
    "examples",
    "seen",
    "per_task",
    "steps",
    "batch_size",
    "lr",
    "precision",
    "selected_step",
    "seed",
    "data",
    "perturb",
    "translated",
    "lora",
    "diversity",
    "parent",
)
_ADDED: Final = frozenset(
    {
        *("control", "mixing", "masked_lm", "text_languages", "limit", "total"),
        *("per_task", "selected_step", "translated", "lora", "diversity"),
    }
)
"""Shown only where it says something."""


def stages(run: Path) -> tuple[dict[str, Any], ...]:
    """The records of a run's stages, in order; none where the folder has none. Raises ModelError."""
    try:
        return read_stages(run)
    except DataError as error:
        raise ModelError(str(error)) from error


def languages_of(run: Path, head: str, otherwise: Sequence[str]) -> tuple[str, ...]:
    """The languages that a head was trained on."""
    found = [one["languages"] for one in stages(run) if head in _tasks(one) and one.get("languages")]
    return tuple(found[-1] if found else otherwise)


def changed_texts(run: Path, heads: Sequence[str]) -> str:
    """A sentence about what was done to the texts that the heads were trained on; empty where they were left alone."""
    found = [str(one["perturb"]) for one in stages(run) if one.get("perturb") and not _tasks(one).isdisjoint(heads)]
    return f"{', '.join(heads)}: trained on changed texts. {'; '.join(found)}." if found else ""


def own_training(run: Path, task: str) -> str:
    """A sentence where the model learned the task's own training data before its target; empty where it did not."""
    found = [one for one in stages(run) if one.get("kind") == INTERMEDIATE and own_data(task) in _flags(one)]
    if not found:
        return ""
    learned = ", ".join(sorted(one for stage in found for one in _tasks(stage) if task in _trains(one)))
    return f"{task}: the model learned {learned or 'them'} before, {task}'s own training data: this is not transfer."


def model_facts(run: Path, heads: Sequence[str], config: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The columns of MODELS that the stages tell; what they do not tell is left out.

    Of the targets those count whose heads are used; where none is, every one, since the representation is of them all.
    `config` is the encoder's: where no stage says which kind of encoder was the first, its type does.
    """
    every = stages(run)
    targets = [one for one in every if one.get("kind") == TARGET and not (heads and _tasks(one).isdisjoint(heads))]
    if not every:
        return {}
    return {
        "stages": json.dumps([_shown(one) for one in every], ensure_ascii=False),
        "pretrain_languages": _pretrained_on(every, beside=True),
        **_base(every, config or {}),
        **_intermediate([one for one in every if one.get("kind") == INTERMEDIATE]),
        **(_target(targets) if targets else {}),
    }


def stage_flags(run: Path) -> list[str]:
    """What of a run's training data is evaluated somewhere, for `overlap_flags`: allowed splits, and own data."""
    found = {flag for one in stages(run) for flag in (*one.get("allowed", ()), *_flags(one))}
    return sorted(found)


def _shown(stage: Mapping[str, Any]) -> dict[str, Any]:
    return {key: stage[key] for key in _SHOWN if key in stage and (stage[key] or key not in _ADDED)}


def _tasks(stage: Mapping[str, Any]) -> set[str]:
    """The tasks of a stage: one, or several that were learned together."""
    return set(str(stage.get("task", "")).split(","))


def _trains(name: str) -> tuple[str, ...]:
    """The tasks whose own training data those of an intermediate task are; none where it is not known here."""
    if name not in registry.names("intermediate"):
        return ()
    trains: tuple[str, ...] = registry.load("intermediate", name).trains
    return trains


def _flags(stage: Mapping[str, Any]) -> set[str]:
    """What a stage says of its data, and of intermediate tasks what these say themselves."""
    named = stage.get("kind") == INTERMEDIATE
    own = {own_data(target) for name in _tasks(stage) for target in _trains(name)} if named else set()
    return {*stage.get("flags", ()), *own}


def _pretrained_on(every: Sequence[Mapping[str, Any]], beside: bool) -> str | None:
    """The languages of masked LM, with those of the text that was learned beside tasks or without them."""
    learned = (TARGET, INTERMEDIATE)
    found = {code for one in every if one.get("kind") not in learned for code in one.get("languages", ())}
    found |= {code for one in every if beside for code in one.get("text_languages", ())}
    return json.dumps(sorted(found)) if found else None


def _base(every: Sequence[Mapping[str, Any]], config: Mapping[str, Any]) -> dict[str, Any]:
    """Name, revision and kind of what the first stage started from; `scratch` where that was nothing.

    Of a folder only its own name is told, so that no table contains a path.
    """
    first = every[0]
    said = {key: value for key, value in first.get("base", {}).items() if isinstance(value, str) and value}
    name = said.get("name") or (None if first.get("parent") else SCRATCH)
    languages = json.loads(_pretrained_on(every, beside=False) or "[]")
    if name and not said.get("revision"):
        name = Path(name).name
    if name and name.split()[0] == SCRATCH:
        kind = (MULTILINGUAL if len(languages) > 1 else MONOLINGUAL) if languages else None
    else:
        kind = said.get("kind") or base_kind(config)
    found = {"base": name, "revision": said.get("revision"), "base_kind": kind}
    return {key: value for key, value in found.items() if value}


def _intermediate(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The intermediate stages as one: tasks, an ablation after them; diversity only where one stage tells it."""
    if not found:
        return {}
    return {
        "intermediate_set": ",".join(_with_control(one) for one in found),
        "intermediate_examples": sum(int(one.get("examples", 0)) for one in found),
        "diversity": _distance(found[0]) if len(found) == 1 else None,
        "recipe": found[-1].get("recipe") or None,
        "train_seed": found[-1].get("seed"),
        "selected_on": found[-1].get("selected_on") or None,
    }


def _with_control(stage: Mapping[str, Any]) -> str:
    """The tasks of a stage, the share of masked LM beside them, and the control: `mnli+masked_lm:0.5`, `mnli@...`."""
    control, share = stage.get("control"), stage.get("masked_lm")
    beside = f"+masked_lm:{share:g}" if isinstance(share, float) and share and control != "masked_lm" else ""
    return "+".join(sorted(_tasks(stage))) + beside + (f"@{control}" if control else "")


def _distance(stage: Mapping[str, Any]) -> float | None:
    found = (stage.get("diversity") or {}).get("distance")
    return found if isinstance(found, float) and math.isfinite(found) else None


def _target(targets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    last = targets[-1]
    return {
        "recipe": last.get("recipe") or None,
        "target": ",".join(dict.fromkeys(str(one["task"]) for one in targets)),
        "target_examples": sum(int(one.get("examples", 0)) for one in targets),
        "train_seed": last.get("seed"),
        "selected_on": last.get("selected_on") or None,
    }


def overlap(run: Path, label: str, examples: Sequence[Example], allowed: bool) -> str:
    """A sentence about what of the examples the run was trained on; empty where there is nothing.

    Raises Overlap where passages, pairs or sentences of 8 words and more make up too much of them, unless `allowed`.
    """
    found = check(run, examples)
    if not found.count:
        return ""
    long = check(run, [one for one in examples if not unit(one).short])
    what = f"{label}: {found.count} of {found.total} {found.kind}s are in the model's training data"
    if long.count > TOLERATED * found.total and not allowed:
        raise Overlap(f"{what} (first: {long.first}). Leave it out, or stamp its results with --allow-overlap.")
    return f"{what}."
