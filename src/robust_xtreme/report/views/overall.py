"""The view overall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from robust_xtreme.report.benchmarks import (
    TITLE,
    average_heading,
    average_text,
    benchmark_rows,
    score_text,
    tasks_in_order,
)
from robust_xtreme.report.columns import SCORE
from robust_xtreme.report.view import SECTION, Results, view


@view(title="Overall", order=2)
def overall(results: Results) -> pl.DataFrame:
    """Means over languages as papers print them: F1 / EM for questions, F1 for udpos; * is over a part."""
    rows = benchmark_rows(results)
    compared = (
        rows.select("name", "condition", "task", "metric").is_duplicated().any()
    )  # several models, the same tasks
    section = pl.concat_str(TITLE, pl.lit(", "), "model") if compared else pl.col(TITLE)
    groups = rows.with_columns(section.alias(SECTION)).group_by(SECTION, "condition", maintain_order=True)
    orders = {task: entry.get("score", entry["metrics"]) for task, entry in results.manifest.get("tasks", {}).items()}
    made = [pl.DataFrame([_row(group.rows(named=True), orders)]) for _, group in groups]
    return pl.concat(made, how="diagonal") if made else pl.DataFrame(schema={SECTION: pl.String})


def _row(rows: Sequence[Mapping[str, Any]], orders: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """One noise: the score of each task of the benchmark, and its averages."""
    row = {SECTION: rows[0][SECTION], "noise": rows[0]["condition"]}
    for task in tasks_in_order(rows[0][TITLE]):
        of_task = [each for each in rows if each["task"] == task]
        row[SCORE + task] = score_text(of_task, orders[task]) if of_task else ""
    whole = [each for each in rows if not each["task"]]
    return row | {SCORE + average_heading(each): average_text(each) for each in whole}
