"""The view averaged_languages."""

from __future__ import annotations

import polars as pl

from robust_xtreme.report.averages import within_tasks
from robust_xtreme.report.cells import sectioned
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.averages import LANGUAGES


@view(title="What the averages are over", order=15)
def averaged_languages(results: Results) -> pl.DataFrame:
    """The languages of each average by name, the same in all models, and those left out with the reason."""
    rows = sectioned(within_tasks(results, LANGUAGES), noise=False).with_columns(
        averaged_over=pl.col("languages"), left_out_named=pl.col("missing").fill_null("")
    )
    columns = (SECTION, "metric", "fields", "averaged_over", "left_out_named")
    return rows.select(columns).unique(maintain_order=True)
