"""The view by_family."""

from __future__ import annotations

import polars as pl

from robust_xtreme.report.averages import CHANGE, NOISE, within_tasks
from robust_xtreme.report.cells import sectioned
from robust_xtreme.report.view import SECTION, Results, view


@view(title="By language family", order=26)
def by_family(results: Results) -> pl.DataFrame:
    """Averages over the languages of one family, each counted once; other languages are not covered."""
    rows = sectioned(within_tasks(results, "family"), "metric").with_columns(
        family=pl.col("name"), averaged_over=pl.col("languages")
    )
    return rows.select(SECTION, "family", *NOISE, *CHANGE, "grapheme_edit_rate", "averaged_over")
