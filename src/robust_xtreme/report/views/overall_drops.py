"""The view overall_drops."""

from __future__ import annotations

import polars as pl

from robust_xtreme.report.averages import CHANGE, with_change
from robust_xtreme.report.benchmarks import average_heading, benchmark_rows
from robust_xtreme.report.view import SECTION, Results, view


@view(title="Overall changes", order=3)
def overall_drops(results: Results) -> pl.DataFrame:
    """The averages over tasks, clean and perturbed over the same cells; other languages and tasks are not covered."""
    rows = with_change(benchmark_rows(results).filter(pl.col("task") == ""))
    headings = [average_heading(row) for row in rows.iter_rows(named=True)]
    named = rows.with_columns(average=pl.Series(headings, dtype=pl.String), noise=pl.col("condition"))
    compared = named.select("title", "average", "noise").is_duplicated().any()
    section = pl.concat_str("title", pl.lit(", "), "model") if compared else pl.col("title")
    return named.with_columns(section.alias(SECTION)).select(SECTION, "average", "noise", *CHANGE, "n", "clusters")
