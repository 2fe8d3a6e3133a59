"""The view clean_scores."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.cells import few_clusters, headline, sectioned, with_condition, with_language
from robust_xtreme.report.columns import OVERLAP
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.degrade import CONSTANT
from robust_xtreme.results.stages import OWN

_COLUMNS: Final = (
    "language", "level", "low", "high", "chance", "chance_name", "above_chance", "shallow", "shallow_name", "note",
    "setting", "n", "clusters", "truncated",
)  # fmt: skip


@view(title="Clean", order=5)
def clean_scores(results: Results) -> pl.DataFrame:
    """The clean level of each language with its interval, beside chance and the shallow predictor."""
    rows = with_condition(results.scores.filter(pl.col("condition") == "clean", pl.col("scope") == "all"))
    own_data = pl.col("task").is_in(list(results.manifest.get("own_data", ())))
    marks = [
        pl.when("near_chance").then(pl.lit("not shown above chance")),
        pl.when(pl.col("constant") >= CONSTANT).then(pl.lit("constant")),
    ]
    notes = [few_clusters(), *marks, pl.when("overlap").then(pl.lit(OVERLAP)), pl.when(own_data).then(pl.lit(OWN))]
    shown = headline(rows, results).with_columns(
        level=pl.col("value"), note=pl.concat_str(notes, separator=", ", ignore_nulls=True)
    )
    named = with_language(shown).sort("model", "task", "split", "translated", "inference", "language")
    return sectioned(named, "metric", noise=False).select(SECTION, *_COLUMNS)
