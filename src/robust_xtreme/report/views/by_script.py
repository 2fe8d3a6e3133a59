"""The view by_script."""

from __future__ import annotations

import polars as pl

from robust_xtreme.report.averages import CHANGE, NOISE, within_tasks
from robust_xtreme.report.cells import sectioned
from robust_xtreme.report.view import SECTION, Results, view


@view(title="By script", order=24)
def by_script(results: Results) -> pl.DataFrame:
    """Averages over the languages of one script (ISO 15924), each counted once; other languages are not covered."""
    rows = sectioned(within_tasks(results, "script"), "metric").with_columns(
        script=pl.col("name"), averaged_over=pl.col("languages")
    )
    return rows.select(SECTION, "script", *NOISE, *CHANGE, "grapheme_edit_rate", "averaged_over")
