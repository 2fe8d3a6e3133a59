"""The view by_scope."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.reporting._cells import headline, highest, perturbed, sectioned
from robust_xtreme.reporting._view import SECTION, Results, view

_NAMES: Final = {"noised_gold": "gold spans that noise touched", "untouched": "gold spans left as they were"}
_COLUMNS: Final = ("language", "perturbation", "strength", "clean", "value", "change", "no_claim")
_BOUNDS: Final = ("change_low", "change_high", "n", "clusters")


@view(title="Noised and untouched", order=30)
def by_scope(results: Results) -> pl.DataFrame:
    """Gold spans that noise changed and those it left, apart, at each perturbation's highest strength."""
    rows = headline(highest(perturbed(results)), results).filter(pl.col("scope") != "all")
    named = rows.with_columns(pl.col("scope").replace(_NAMES))
    return sectioned(named, "metric", "scope").select(SECTION, *_COLUMNS, *_BOUNDS)
