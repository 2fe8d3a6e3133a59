"""The view worst_cells."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.cells import highest
from robust_xtreme.report.summary import headline_cells
from robust_xtreme.report.view import SECTION, Results, view

_MOST: Final = 12
_COLUMNS: Final = (
    "task", "language", "noise", "clean", "value", "change", "change_low", "change_high", "p_adjusted", "marks",
    "grapheme_edit_rate",
)  # fmt: skip


@view(title="Worst cells", order=1)
def worst_cells(results: Results) -> pl.DataFrame:
    """The largest losses of all tasks and languages, at each perturbation's highest strength."""
    cells = highest(headline_cells(results)).filter(pl.col("change") < 0)
    rows = cells.sort("change", "address").head(_MOST).with_columns(pl.lit("").alias(SECTION), task=pl.col("column"))
    return rows.select(SECTION, *_COLUMNS)
