"""The view clean_scores."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.cells import floor_note, headline, sectioned, with_condition, with_language
from robust_xtreme.report.columns import OVERLAP
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.stages import OWN

_COLUMNS: Final = (
    "language", "level", "low", "high", "baseline", "baseline_name", "floor_note", "setting", "n", "clusters",
    "truncated",
)  # fmt: skip


@view(title="Clean", order=5)
def clean_scores(results: Results) -> pl.DataFrame:
    """The clean level of each language with its interval, beside its floor."""
    rows = with_condition(results.scores.filter(pl.col("condition") == "clean", pl.col("scope") == "all"))
    own_data = pl.col("task").is_in(list(results.manifest.get("own_data", ())))
    notes = [floor_note(), pl.when("overlap").then(pl.lit(OVERLAP)), pl.when(own_data).then(pl.lit(OWN))]
    shown = headline(rows, results).with_columns(
        level=pl.col("value"), floor_note=pl.concat_str(notes, separator=", ", ignore_nulls=True)
    )
    named = with_language(shown).sort("model", "task", "split", "translated", "inference", "language")
    return sectioned(named, "metric", noise=False).select(SECTION, *_COLUMNS)
