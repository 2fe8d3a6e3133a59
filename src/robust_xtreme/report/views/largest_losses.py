"""The view largest_losses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from robust_xtreme.report.blocks import Chart
from robust_xtreme.report.cells import highest, sectioned
from robust_xtreme.report.charts.forest import forest
from robust_xtreme.report.summary import headline_cells
from robust_xtreme.report.view import SECTION, Results, view

_MOST: Final = 20
_COLUMNS: Final = (
    "language", "noise", "clean", "value", "change", "tested_change_low", "tested_change_high", "mde", "p_adjusted",
    "marks", "grapheme_edit_rate",
)  # fmt: skip
_DESCRIPTION: Final = (
    "Change in points, the largest loss first. Thick: the interval that is valid for all tests at once; thin: that of "
    "a cell which is not tested; the tick is the mde."
)


def _cells(results: Results) -> pl.DataFrame:
    """The cells with a change at each perturbation's highest strength, by section, the largest loss first."""
    cells = highest(headline_cells(results)).filter(pl.col("change").is_not_null())
    named = sectioned(cells, "metric").with_columns(rank=pl.col(SECTION).rank("dense"))
    return named.sort("rank", "change", "language", "noise")


def _charts(results: Results) -> Iterator[Chart]:
    for (section, task), cells in _cells(results).group_by(SECTION, "task", maintain_order=True):
        yield Chart(str(section), _DESCRIPTION, forest(cells), str(task))


@view(title="Largest losses", order=6, charts=_charts)
def largest_losses(results: Results) -> pl.DataFrame:
    """The tested changes that are worst, with intervals that are valid for all tests at once."""
    rows = _cells(results).group_by(SECTION, maintain_order=True).head(_MOST)
    rows = rows.with_columns(pl.col("joint_change_low", "joint_change_high").name.replace("joint", "tested"))
    return rows.select(SECTION, *_COLUMNS)
