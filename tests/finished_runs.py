"""Folders of finished runs made by hand: accuracy of a made-up model on a clean and a perturbed text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tests.stats_rows import NOISE, prediction_rows, scores, stats_rows

from robust_xtreme.files import store
from robust_xtreme.files.manifest import MANIFEST, write_manifest
from robust_xtreme.files.schema import (
    AVERAGES,
    CONDITIONS,
    DELTAS,
    PREDICTIONS,
    SCHEMA_VERSION,
    SCORES,
    STATS,
    Frame,
    build,
    empty,
)

COUNT = 120
"""Items of a cell, in 40 clusters."""


def finished_run(
    folder: Path,
    share: float = 0.8,
    draw: int = 0,
    *,
    languages: Sequence[str] = ("de", "sw"),
    noise: str = NOISE,
    seeds: int = 1,
    count: int = COUNT,
    inference: str = "len128",
    **changes: Any,
) -> Path:
    """The folder of a run of xnli whose answers are right with the given share, 0.1 less under noise.

    `draw` is the seed of the answers, and the identity of the model. `changes` replace keys of the manifest; those
    of `spec` and `unit` are added to the spec, and to what each task and language has.
    """
    random = np.random.default_rng(draw)
    arms = [("clean", -1, share), *((noise, seed, share - 0.1) for seed in range(seeds))]
    stats, predictions = [], []
    for language in languages:
        named = {"language": language, "context_language": language, "inference": inference}
        for condition, seed, right in arms:
            stats += stats_rows([*(random.random(count) < right)], condition, seed, **named)
            predictions += prediction_rows(count, condition, seed, **named)
    folder.mkdir(parents=True)
    made = (build(stats, STATS), build(predictions, PREDICTIONS))
    known = (build(_conditions(noise), CONDITIONS), scores(*made))
    frames = ((STATS, made[0]), (PREDICTIONS, made[1]), (CONDITIONS, known[0]), (SCORES, known[1]))
    every = (*frames, (DELTAS, empty(DELTAS)), (AVERAGES, empty(AVERAGES)))
    files = {_name(frame): store.write_frame(folder / _name(frame), data, frame) for frame, data in every}
    write_manifest(folder / MANIFEST, {**_manifest(languages, count, str(draw), changes), "files": files})
    return folder


def _name(frame: Frame) -> str:
    return f"{frame.name}.{'parquet' if frame.name in ('stats', 'predictions') else 'csv'}"


def _conditions(noise: str) -> list[dict[str, Any]]:
    named = {"name": "char_noise", "version": "2", "params": "{}", "fields": "premise", "nominal": "0.1"}
    return [{"condition": "clean", "kind": "clean"}, {"condition": noise, "kind": "noise", **named}]


def _manifest(languages: Sequence[str], count: int, identity: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    spec = {"tasks": ["xnli"], "seeds": 1, "limit": "", **changes.get("spec", {})}
    unit = {"task": "xnli", "split": "test", "data": "x", "rows": count, **changes.get("unit", {})}
    task = {"family": "classification", "metrics": ["accuracy"], "perturbed": [["premise"]]}
    return {
        "schema_version": SCHEMA_VERSION,
        "version": "0.1.0",
        "spec": spec,
        "tasks": {"xnli": task},
        "models": [{"task": "xnli", "model": "m", "identity": identity}],
        "units": [{**unit, "language": language} for language in languages],
        "not_run": [],
        "complete": True,
        **{key: value for key, value in changes.items() if key not in ("spec", "unit")},
    }
