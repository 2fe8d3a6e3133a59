"""The view floors."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.cells import floor_note, headline, sectioned, with_condition, with_language
from robust_xtreme.report.columns import FLOOR
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.floors import SUMMARIES

_SPLIT: Final = ("data", "task", "split", "language", "metric")
_FITTED: Final = ("folds", "examples")


@view(title="Floors", order=6)
def floors(results: Results) -> pl.DataFrame:
    """The scores of shallow predictors on the same clean text, beside the model; the best of them is a cell's floor."""
    clean = with_condition(results.scores.filter(pl.col("condition") == "clean", pl.col("scope") == "all"))
    rows = headline(clean, results).with_columns(level=pl.col("value"), floor_note=floor_note())
    values = results.floors.with_columns(named=pl.lit(FLOOR) + pl.col("floor")).pivot(
        "named", index=_SPLIT, values="value"
    )
    learned = results.floors.filter(pl.any_horizontal(pl.col("source").str.contains(word) for word in _FITTED))
    fitted = learned.group_by(_SPLIT).agg(pl.col("source").unique().sort().str.join(", ").alias("fitted_on"))
    beside = with_language(rows.join(values, on=_SPLIT, how="inner").join(fitted, on=_SPLIT, how="left"))
    named = beside.sort("model", "task", "split", "translated", "inference", "language")
    columns = sorted((name for name in values.columns if name.startswith(FLOOR)), key=_rank)
    return sectioned(named, "metric", noise=False).select(
        SECTION, "language", "level", *columns, "floor_note", "fitted_on"
    )


def _rank(column: str) -> tuple[int, str]:
    """The sort key of a floor's column: the order of SUMMARIES, then floors of other packages."""
    name = column.removeprefix(FLOOR)
    known = [name.startswith(summary) for summary in SUMMARIES]
    return known.index(True) if True in known else len(known), name
