"""The charts of a page in a notebook: `evaluation.plot.heat()`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import polars as pl

from robust_xtreme.errors import UserError
from robust_xtreme.report.cells import highest
from robust_xtreme.report.charts.curve import REALISED, curve, levels
from robust_xtreme.report.charts.forest import forest
from robust_xtreme.report.charts.heat import heat
from robust_xtreme.report.charts.style import INK
from robust_xtreme.report.summary import headline_cells
from robust_xtreme.report.view import Results

if TYPE_CHECKING:
    import altair as alt

_INK: Final = "#1b1b1f"
_PAPER: Final = "white"


@final
@dataclass(frozen=True, slots=True)
class Plots:
    """Charts of a run, as Altair draws them; each raises UserError where the run has nothing to show."""

    results: Results

    def heat(self) -> alt.TopLevelMixin:
        """The change of each task in each language, at each perturbation's highest strength."""
        return _chart(heat(self.results), self.results.deltas.height)

    def forest(self, task: str) -> alt.TopLevelMixin:
        """The changes of a task, the largest loss first, with intervals that are valid for all tests at once."""
        cells = highest(headline_cells(self.results)).filter(pl.col("task") == task, pl.col("change").is_not_null())
        return _chart(forest(cells), cells.height)

    def curve(self, task: str, axis: str = REALISED) -> alt.TopLevelMixin:
        """The level of a task over the strength, on average over languages; `axis` is `realised` or `nominal`."""
        points = dict(levels(self.results)).get(task)
        return _chart({} if points is None else curve(points, axis), 0 if points is None else points.height)


def _chart(spec: dict[str, Any], rows: int) -> alt.TopLevelMixin:
    """The chart with colours of its own, since a notebook has no text around it that would give them."""
    import altair as alt

    if not rows:
        raise UserError("The run has no perturbed cells for this chart.")
    plain = json.loads(json.dumps(spec).replace(f'"{INK}"', f'"{_INK}"'))
    plain["config"]["background"] = _PAPER
    return alt.Chart.from_dict(plain)
