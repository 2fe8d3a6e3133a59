"""The view conditions."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.view import SECTION, Results, view

_COLUMNS: Final = (
    "condition", "kind", "version", "params", "unit", "nominal", "target_axis", "target", "packs", "pairing",
    "edited_share", "victim", "query_budget", "search", "constraints",
)  # fmt: skip


@view(title="Conditions", order=49)
def conditions(results: Results) -> pl.DataFrame:
    """What each condition is: its kind, its unit, and how its strength was set."""
    noised = results.conditions.filter(pl.col("kind") != "clean").sort("condition", maintain_order=True)
    params = pl.when(pl.col("params") != "{}").then("params")  # an empty JSON says nothing
    return noised.with_columns(pl.lit("").alias(SECTION), params=params).select(SECTION, *_COLUMNS)
