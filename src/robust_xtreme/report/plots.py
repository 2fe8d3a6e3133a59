"""The charts of a page in a notebook: `evaluation.plot.heat()`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import polars as pl

from robust_xtreme.errors import UserError, shown
from robust_xtreme.report.cells import highest
from robust_xtreme.report.charts.curve import NOMINAL, REALISED, curve, levels
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
        cells = highest(headline_cells(self.results)).filter(pl.col("change").is_not_null())
        _check("task of the run", task, cells.get_column("task").unique().sort().to_list())
        of_task = cells.filter(pl.col("task") == task)
        return _chart(forest(of_task), of_task.height)

    def curve(self, task: str, axis: str = REALISED) -> alt.TopLevelMixin:
        """The level of a task over the strength, on average over languages; `axis` is `realised` or `nominal`."""
        points = dict(levels(self.results))
        _check("task with averages", task, [*points])
        _check("axis", axis, [REALISED, NOMINAL])
        return _chart(curve(points[task], axis), points[task].height)


def _check(kind: str, name: object, known: list[str]) -> None:
    """Raise UserError for a name that is not known."""
    if name not in known:
        raise UserError(f"There is no {kind} named {shown(name)}. There are: {', '.join(known) or 'none'}.")


def _chart(spec: dict[str, Any], rows: int) -> alt.TopLevelMixin:
    """The chart with colours of its own, since a notebook has no text around it that would give them."""
    import altair as alt

    if not rows:
        raise UserError("The run has no perturbed cells for this chart.")
    plain = json.loads(json.dumps(spec).replace(f'"{INK}"', f'"{_INK}"'))
    plain["config"]["background"] = _PAPER
    return alt.Chart.from_dict(plain)
