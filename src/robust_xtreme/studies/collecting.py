"""Reads the evaluations of a study's cells: VALUES, a row of each cell and condition, and ARMS, a row of each model."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DataError, Mismatch, UserError
from robust_xtreme.core.sinks import one_line
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.files.manifest import MANIFEST, frame_of, read_manifest
from robust_xtreme.files.schema import CONDITIONS, MODELS, SCORES
from robust_xtreme.stats.degrade import without_fields
from robust_xtreme.stats.stages import OWN
from robust_xtreme.studies.frames import ARMS, CLEAN, VALUES
from robust_xtreme.studies.grid import StudyCell

_SCRIPT: Final = "rule_4_noise_belongs_to_the_script"
_LONGEST: Final = 200


def collected(cells: Iterable[StudyCell], work: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """VALUES and ARMS of complete cells. Raises DataError for a damaged evaluation, Mismatch where data changed."""
    values: list[dict[str, Any]] = []
    arms: list[dict[str, Any]] = []
    data: dict[tuple[str, str], tuple[str, Path]] = {}
    for cell in cells:
        folder = cell.evaluation(work)
        try:
            manifest = read_manifest(folder / MANIFEST)
            models = frame_of(folder, "models.csv", MODELS, manifest)
            values += _values(cell, folder, models, manifest)
            arms.append(_arm(cell, models.row(0, named=True)))
        except (UserError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
            cure = f"Remove the folder {folder}: the same command computes it again."
            raise DataError(folder, f"is damaged ({one_line(str(error))[:_LONGEST]}). {cure}") from error
        _check_data(cell, folder, manifest["units"], data)
    return _frame(values, VALUES), _frame(arms, ARMS)


def _check_data(cell: StudyCell, folder: Path, units: Any, data: dict[tuple[str, str], tuple[str, Path]]) -> None:
    """Raise Mismatch where an evaluation has other data of a target and language than one before."""
    for unit in units:
        known, other = data.setdefault((cell.target, unit["language"]), (unit["data"], folder))
        if unit["data"] != known:
            what = f"{cell.target} {unit['language']} has other data in {folder} than in {other}"
            raise Mismatch(f"{what}: the data changed meanwhile. Study them in another folder: --out DIR")


def _frame(rows: Sequence[dict[str, Any]], frame: Any) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=frame.schema, orient="row").sort(frame.key)


def _values(cell: StudyCell, folder: Path, models: pl.DataFrame, manifest: Any) -> list[dict[str, Any]]:
    task: TaskSpec = registry.load("task", cell.target)
    conditions = frame_of(folder, "conditions.csv", CONDITIONS, manifest)
    known = {row["condition"]: row for row in conditions.iter_rows(named=True)}
    flags = {flag for text in models["overlap_flags"].drop_nulls() for flag in json.loads(text)}
    flagged = f"{OWN}: {cell.target}" in flags
    scores = frame_of(folder, "scores.csv", SCORES, manifest).filter(
        pl.col("scope") == "all", pl.col("metric") == task.metrics[0], pl.col("task") == cell.target
    )
    first = ",".join(task.perturbed[0])  # the fields that the task's drop is first named by
    return [
        _value(cell, row, known[row["condition"]], flagged)
        for row in scores.iter_rows(named=True)
        if known[row["condition"]]["fields"] in (None, "", first)
    ]


def _value(cell: StudyCell, row: dict[str, Any], condition: dict[str, Any], flagged: bool) -> dict[str, Any]:
    """A row of VALUES: a condition is named without its fields, a frozen attack by its own, as all read its texts."""
    frozen = condition["kind"] == "frozen"
    return {
        "arm": cell.arm,
        "target": cell.target,
        "language": row["language"],
        "setting": row["setting"],
        "family": _family(condition),
        "condition": f"frozen {condition['name']}" if frozen else without_fields(condition["condition"]),
        "strength": float(condition["nominal"] or 0),
        "seed": cell.seed,
        "metric": row["metric"],
        "value": row["value"],
        "chance": row["chance"] or 0.0,
        "above_chance": row["above_chance"],
        "n": row["n"],
        "left_out": OWN if flagged else "overlap" if row["overlap"] else None,
    }


def _family(condition: dict[str, Any]) -> str:
    match condition["kind"]:
        case "clean":
            return CLEAN
        case "attack" | "frozen":
            return "attack"
        case "external":
            return "other"
    scripts = condition["kind"] == "transliteration" or condition["name"] in _of_other_scripts()
    return "script" if scripts else "typo"


@cache
def _of_other_scripts() -> frozenset[str]:
    """The perturbations that write letters of another script or layout."""
    return frozenset(
        name for name in registry.installed("perturbation") if _SCRIPT in registry.load("perturbation", name).waives
    )


def _arm(cell: StudyCell, model: dict[str, Any]) -> dict[str, Any]:
    """The row of ARMS of a cell's model, from its row of MODELS."""
    stages = json.loads(model["stages"] or "[]")
    learned = [stage["task"] for stage in stages if stage["kind"] == "intermediate"]
    tasks = {name for names in learned for name in names.split(",") if name}
    extra = registry.names("intermediate")
    families = {registry.load("intermediate" if name in extra else "task", name).family for name in tasks}
    kept = ("intermediate_set", "intermediate_examples", "params", "params_nonembedding", "base", "base_kind")
    return {
        "arm": cell.arm,
        "seed": cell.seed,
        "target": cell.target,
        **{name: model[name] for name in kept},
        "tasks": len(tasks),
        "diversity": model["diversity"],
        "formats": float(len(families)) if tasks else None,
        "steps": sum(int(stage.get("steps") or 0) for stage in stages),
        "model": cell.name,
    }
