"""What a run's stages say of its training: for the frame MODELS, the setting of a cell, and the overlap rule."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from robust_xtreme.errors import DataError, ModelError, Overlap
from robust_xtreme.examples import Example
from robust_xtreme.families._overlap import check, unit
from robust_xtreme.results import store

STAGES: Final = "stages"
TOLERATED: Final = 0.02
"""Up to this share of a split may stand in the training data; it is counted, and nothing is refused."""

_SHOWN: Final = (
    "kind",
    "task",
    "languages",
    "sampling",
    "examples",
    "seen",
    "steps",
    "seed",
    "data",
    "perturb",
    "parent",
)


def stages(run: Path) -> tuple[dict[str, Any], ...]:
    """The records of a run's stages, in order; none where the folder has none. Raises ModelError."""
    try:
        return tuple(_stage(path) for path in sorted((run / STAGES).glob("*.json")))
    except DataError as error:
        raise ModelError(str(error)) from error


def _stage(path: Path) -> dict[str, Any]:
    """One record, checked: an object whose languages are a list of texts, and whose numbers are whole."""
    found = store.read_json(path)
    languages = found.get("languages", []) if isinstance(found, dict) else None
    texts = isinstance(languages, list) and all(isinstance(one, str) for one in languages)
    if not texts or any(not isinstance(found.get(name, 0), int) for name in ("examples", "seed")):
        raise DataError(path, "is no record of a stage of `robust-xtreme train`.")
    return {**found, "recipe": str(found.get("recipe") or ""), "selected_on": str(found.get("selected_on") or "")}


def languages_of(run: Path, head: str, otherwise: Sequence[str]) -> tuple[str, ...]:
    """The languages that a head was trained on."""
    found = [one["languages"] for one in stages(run) if head in _tasks(one) and one.get("languages")]
    return tuple(found[-1] if found else otherwise)


def changed_texts(run: Path, heads: Sequence[str]) -> str:
    """A sentence about what was done to the texts that the heads were trained on; empty where they were left alone."""
    found = [str(one["perturb"]) for one in stages(run) if one.get("perturb") and not _tasks(one).isdisjoint(heads)]
    return f"{', '.join(heads)}: trained on changed texts. {'; '.join(found)}." if found else ""


def model_facts(run: Path, heads: Sequence[str]) -> dict[str, Any]:
    """The columns of MODELS that the stages tell; what they do not tell is left out."""
    every = stages(run)
    targets = [one for one in every if one.get("kind") == "target" and not _tasks(one).isdisjoint(heads)]
    if not every:
        return {}
    return {
        "stages": json.dumps([{key: one[key] for key in _SHOWN if key in one} for one in every], ensure_ascii=False),
        "pretrain_languages": _pretrained_on(every),
        **(_target(targets) if targets else {}),
    }


def _tasks(stage: Mapping[str, Any]) -> set[str]:
    """The tasks of a stage: one, or several that were learned together."""
    return set(str(stage.get("task", "")).split(","))


def _pretrained_on(every: Sequence[Mapping[str, Any]]) -> str | None:
    found = sorted({code for one in every if one.get("kind") != "target" for code in one.get("languages", ())})
    return json.dumps(found) if found else None


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
