"""Draws the changes of every task in every language as coloured cells."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from robust_xtreme.report.cells import highest
from robust_xtreme.report.charts.style import GAIN, LOSS, config
from robust_xtreme.report.names import script, with_addresses
from robust_xtreme.report.summary import headline_cells
from robust_xtreme.report.view import Results

_WIDEST: Final = 24.0
"""The change in points that has the darkest colour, on every chart."""


def heat(results: Results) -> dict[str, Any]:
    """The specification of a chart: languages by script in rows, tasks in columns, a panel for each perturbation."""
    import altair as alt

    cells = with_addresses(highest(headline_cells(results))).filter(pl.col("change").is_not_null())
    scripts = pl.col("language").map_elements(script, return_dtype=pl.String)
    shown = cells.select("language", "column", "noise", pl.col("change").round(1), script=scripts)
    codes = shown.sort("script", "language").get_column("language").unique(maintain_order=True).to_list()
    base = alt.Chart(alt.InlineData(shown.to_dicts())).encode(
        x=alt.X("column:N", title=None, sort=None), y=alt.Y("language:N", title=None, sort=codes)
    )
    scale = alt.Scale(domain=[-_WIDEST, 0, _WIDEST], range=[LOSS, "#f4f4f6", GAIN], clamp=True)
    cell = base.mark_rect().encode(color=alt.Color("change:Q", title="change in points", scale=scale))
    text = base.mark_text(fontSize=9, color="#1b1b1f").encode(text=alt.Text("change:Q", format="+.1f"))
    chart = alt.layer(cell, text).facet(alt.Facet("noise:N", title=None), columns=2)
    return {**chart.to_dict(), "config": config()}
