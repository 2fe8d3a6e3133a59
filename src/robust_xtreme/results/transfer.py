"""Selects the cells that show transfer: their model learned neither their text nor their task's own training data.

An intermediate task whose examples are a target's own training data (MNLI and ANLI+ for XNLI; SQuAD for XQuAD, MLQA and
LAReQA) makes that target's score more training, not transfer: the cell is flagged, keeps its score, and is left out of
averages titled transfer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

import polars as pl

OWN: Final = "own training data"
OVERLAP: Final = "overlap"


def own_data(task: str) -> str:
    """The flag of a model that learned a task's own training data in an intermediate stage."""
    return f"{OWN}: {task}"


def with_transfer(scores: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """SCORES with `left_out`: why a cell shows no transfer (`own training data`, `overlap`), null where it does.

    `models` is MODELS, whose `overlap_flags` say what the intermediate stages learned.
    """
    flagged = set(_flagged(models))
    own_data = [(model, task) in flagged for model, task in scores.select("model", "task").iter_rows()]
    reason = pl.when(pl.Series(own_data, dtype=pl.Boolean)).then(pl.lit(OWN)).when("overlap").then(pl.lit(OVERLAP))
    return scores.with_columns(left_out=reason.otherwise(None))


def transfer_average(scores: pl.DataFrame, models: pl.DataFrame, tasks: Iterable[str]) -> float | None:
    """The mean over tasks of the mean over languages of one model's clean headline scores; None where a task has none.

    `scores` contains one metric a task. Flagged cells are left out, so a task whose every cell is flagged has none.
    """
    kept = with_transfer(scores, models).filter(
        pl.col("left_out").is_null(), pl.col("condition") == "clean", pl.col("scope") == "all"
    )
    means = dict(kept.group_by("task").agg(pl.col("value").mean()).iter_rows())
    task_means = [means.get(task) for task in tasks]
    known = [mean for mean in task_means if mean is not None]
    return sum(known) / len(known) if known and len(known) == len(task_means) else None


def _flagged(models: pl.DataFrame) -> Iterable[tuple[str, str]]:
    """Models and the tasks whose own training data they learned."""
    for model, flags in models.select("model", "overlap_flags").iter_rows():
        for flag in json.loads(flags or "[]"):
            kind, _, task = flag.partition(": ")
            if kind == OWN:
                yield model, task
