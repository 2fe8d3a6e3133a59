"""The view worst_of_seeds."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.cells import highest, sectioned
from robust_xtreme.report.summary import headline_cells
from robust_xtreme.report.view import SECTION, Results, view

_COLUMNS: Final = (
    "language", "perturbation", "strength", "clean", "value", "worst", "seeds", "seed_spread",
)  # fmt: skip


@view(title="Worst case over noise seeds", order=28)
def worst_of_seeds(results: Results) -> pl.DataFrame:
    """Levels if each item counts under its worst noise seed, at each perturbation's highest strength."""
    cells = highest(headline_cells(results)).filter(pl.col("worst").is_not_null())
    return sectioned(cells, "metric").select(SECTION, *_COLUMNS)
