"""The charts of a page in a notebook: `evaluation.plot.heat()`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import polars as pl

from robust_xtreme.core.errors import UserError, shown
from robust_xtreme.report.cells import highest, script
from robust_xtreme.report.charts.figures import NOMINAL, REALISED, curve, forest, levels
from robust_xtreme.report.charts.style import INK, STEPS, config
from robust_xtreme.report.summary import headline_cells
from robust_xtreme.report.view import Results

if TYPE_CHECKING:
    import altair as alt

_LOSSES: Final = ("#e08a45", "#e6a36c", "#efc09a", "#f6dcc8", "#fbeee4")
_GAINS: Final = ("#e5f1f7", "#d1e6f1", "#b8d8ea", "#99c7e0", "#7ab5d6")
_INK: Final = "#1b1b1f"


def heat(results: Results) -> dict[str, Any]:
    """The specification of a chart: languages by script in rows, tasks in columns, a panel for each perturbation.

    The colours are tints of those of losses and gains on a page, with the same steps.
    """
    import altair as alt

    cells = highest(headline_cells(results)).filter(pl.col("change").is_not_null())
    scripts = pl.col("language").map_elements(script, return_dtype=pl.String)
    shown = cells.select("language", "column", "noise", pl.col("change").round(1), script=scripts)
    codes = shown.sort("script", "language").get_column("language").unique(maintain_order=True).to_list()
    axis = alt.Axis(labelAngle=0, ticks=False, domain=False, labelLimit=0)
    base = alt.Chart(alt.InlineData(shown.to_dicts())).encode(
        x=alt.X("column:N", title=None, sort=None, axis=axis),
        y=alt.Y("language:N", title=None, sort=codes, axis=alt.Axis(ticks=False, domain=False)),
    )
    bounds = [*(-step for step in reversed(STEPS)), *STEPS]
    scale = alt.Scale(type="threshold", domain=bounds, range=[*_LOSSES, "#f4f4f6", *_GAINS])
    cell = base.mark_rect(stroke="white").encode(color=alt.Color("change:Q", scale=scale, legend=None))
    text = base.mark_text(fontSize=11, color=_INK).encode(text=alt.Text("change:Q", format="+.1f"))
    sized = alt.layer(cell, text).properties(width={"step": 74}, height={"step": 22})
    title = alt.TitleParams("change in points, perturbed minus clean", fontSize=12)
    chart = sized.facet(alt.Facet("noise:N", title=None), columns=2).properties(title=title)
    return {**chart.to_dict(validate=False), "config": config()}


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
    plain["config"]["background"] = "white"
    return alt.Chart.from_dict(plain)
