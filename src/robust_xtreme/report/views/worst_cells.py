"""The view worst_cells."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.cells import highest
from robust_xtreme.report.columns import signed
from robust_xtreme.report.summary import MARKED, UNDECIDED, headline_cells, mark
from robust_xtreme.report.view import SECTION, Results, view

_MOST: Final = 12
_COLUMNS: Final = (
    "task", "language", "noise", "clean", "value", "marked_change", "tested_change_low", "tested_change_high",
    "p_adjusted", "marks", "grapheme_edit_rate",
)  # fmt: skip


_NOTES: Final = {MARKED: "has marks, such as not shown above chance", UNDECIDED: "tested without a verdict"}


@view(title="Worst cells", order=1, notes=_NOTES)
def worst_cells(results: Results) -> pl.DataFrame:
    """The largest losses at each perturbation's highest strength; the intervals are valid for all tests at once."""
    cells = highest(headline_cells(results)).filter(pl.col("change") < 0).sort("change", "address").head(_MOST)
    changes = [signed(row["change"]) + mark(row) for row in cells.iter_rows(named=True)]
    parts = {"task": pl.col("column"), SECTION: pl.lit("")}
    joint = {f"tested_change_{end}": pl.col(f"joint_change_{end}") for end in ("low", "high")}
    marked = pl.Series("marked_change", changes, dtype=pl.String)
    return cells.with_columns(marked, **parts, **joint).select(SECTION, *_COLUMNS)
