"""Draws the changes of every task in every language as coloured cells."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from robust_xtreme.report.cells import highest
from robust_xtreme.report.charts.style import STEPS, config
from robust_xtreme.report.names import script
from robust_xtreme.report.summary import headline_cells
from robust_xtreme.report.view import Results

_LOSSES: Final = ("#e08a45", "#e6a36c", "#efc09a", "#f6dcc8", "#fbeee4")
_GAINS: Final = ("#e5f1f7", "#d1e6f1", "#b8d8ea", "#99c7e0", "#7ab5d6")
_DARK: Final = "#1b1b1f"


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
    text = base.mark_text(fontSize=11, color=_DARK).encode(text=alt.Text("change:Q", format="+.1f"))
    sized = alt.layer(cell, text).properties(width={"step": 74}, height={"step": 22})
    title = alt.TitleParams("change in points, perturbed minus clean", fontSize=12)
    chart = sized.facet(alt.Facet("noise:N", title=None), columns=2).properties(title=title)
    return {**chart.to_dict(validate=False), "config": config()}
