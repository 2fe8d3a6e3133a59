"""Puts the results of several runs beside each other, as if they were models of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import polars as pl

from robust_xtreme.report.cells import named_beside
from robust_xtreme.report.view import Results

_OF_MODELS: Final = ("scores", "deltas", "averages", "attacks")
"""The frames whose rows name a model."""


def beside(runs: Mapping[str, Results]) -> Results:
    """The results of all runs, whose names are before those of their models; of one run its own."""
    if len(runs) == 1:
        return next(iter(runs.values()))
    named = []
    for name, results in runs.items():
        model = pl.col("model").replace(named_beside(name, results.scores.get_column("model")))
        renamed = {frame: getattr(results, frame).with_columns(model) for frame in _OF_MODELS}
        named.append(replace(results, **renamed))
    frames = ([getattr(results, name) for results in named] for name in (*_OF_MODELS, "conditions"))
    scores, deltas, averages, attacks, conditions = map(pl.concat, frames)
    return Results(scores, deltas, _manifest(runs), averages, conditions.unique(maintain_order=True), attacks)


def _manifest(runs: Mapping[str, Results]) -> dict[str, Any]:
    """What a page says of all runs together; each line that is of one run begins with its name."""
    manifests = {name: results.manifest for name, results in runs.items()}
    first = next(iter(manifests.values()))
    notes = [f"{name}: {note}" for name, manifest in manifests.items() for note in manifest.get("notes", ())]
    specs = {f"{name}: {key}": value for name, each in manifests.items() for key, value in each.get("spec", {}).items()}
    names = {name: named_beside(name, results.scores.get_column("model")) for name, results in runs.items()}
    models = [
        {**model, "model": names[name].get(str(model.get("model")), model.get("model"))}
        for name, manifest in manifests.items()
        for model in manifest.get("models", ())
    ]
    return {
        **{key: [row for each in manifests.values() for row in each.get(key, ())] for key in ("units", "not_run")},
        "runs": [*runs],
        "version": first.get("version", "unknown"),
        "spec_hash": ", ".join(str(each.get("spec_hash")) for each in manifests.values()),
        "tasks": {task: facts for each in manifests.values() for task, facts in each.get("tasks", {}).items()},
        "spec": specs,
        "models": models,
        "notes": notes,
        "commands": [command for each in manifests.values() for command in each.get("commands", ())],
    }


def names(folders: Sequence[str]) -> list[str]:
    """A name for each run: the last parts of their paths, as many as tell them apart."""
    parts = [folder.rstrip("/").split("/") for folder in folders]
    longest = max(map(len, parts))
    for size in range(1, longest + 1):
        short = ["/".join(part[-size:]) for part in parts]
        if len(set(short)) == len(short):
            return short
    return [f"{number}: {'/'.join(part)}" for number, part in enumerate(parts, 1)]
