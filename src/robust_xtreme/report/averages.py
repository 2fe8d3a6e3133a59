"""Selects the cells of an average: the languages that claim something under every compared condition."""

from __future__ import annotations

import polars as pl

from robust_xtreme.report.cells import GROUP


def common(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `averaged`: true for languages that claim something under each condition of their group."""
    conditions = pl.col("condition").n_unique().over(GROUP)
    claimed = pl.col("condition").filter(pl.col("no_claim").is_null()).n_unique().over(*GROUP, "language")
    return rows.with_columns(averaged=claimed == conditions)
