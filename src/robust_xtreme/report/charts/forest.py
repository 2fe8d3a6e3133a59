"""Draws changes of one task sorted by loss, each with its interval."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from robust_xtreme.report.charts.style import INK, LOSS, config, extent

MOST: Final = 60
"""The number of changes that one chart shows: those with the largest loss."""

_WIDTH: Final = 340
_ROW: Final = 16
_BESIDE: Final = 88
"""Pixels right of the rows for how much the noise edits, in any font: the chart has the same size on all machines."""


def forest(cells: pl.DataFrame, title: str = "change in points (left: worse)") -> dict[str, Any]:
    """The specification of the chart of cells with a change: point, simultaneous interval, tick at the MDE, edits.

    `cells` are rows of `cells.perturbed`, or have what is drawn of them, without edits; an interval that is not
    simultaneous is drawn thin.
    """
    import altair as alt

    # Channels are objects: to find the class of a string or of `alt.value`, altair reads its schema each time.
    channels: Any = alt  # classes of values have no types
    rows = _rows(cells)
    names = rows.get_column("cell").to_list()
    axis = alt.Axis(ticks=False, domain=False, minExtent=extent(names))
    y = alt.Y("cell:N", sort=names, title=None, axis=axis)
    base = alt.Chart(alt.InlineData(rows.to_dicts())).encode(y=y)
    x = alt.X("change:Q", title=title)
    layers = (
        alt.Chart(alt.InlineData([{"zero": 0}])).mark_rule(color=INK, opacity=0.5).encode(x=alt.X("zero:Q")),
        base.mark_rule(strokeWidth=1, color=LOSS).encode(x=alt.X("low:Q"), x2=alt.X2("high:Q")),
        base.mark_rule(strokeWidth=3, color=LOSS).encode(x=alt.X("joint_low:Q"), x2=alt.X2("joint_high:Q")),
        base.mark_tick(color=INK, thickness=1.5, height=9).encode(x=alt.X("mde:Q")),
        base.mark_point(filled=True, size=36, color=INK, opacity=1).encode(x=x),
        base.mark_text(align="left", fontSize=10, color=INK).encode(
            x=channels.XValue(_WIDTH + 8), text=alt.Text("edits:N")
        ),
        alt.Chart(alt.InlineData([{}])).mark_rule(opacity=0).encode(**_from_to(channels, _WIDTH + _BESIDE)),
    )
    chart = alt.layer(*layers).properties(width=_WIDTH, height=_ROW * rows.height)
    return {
        **chart.to_dict(validate=False),
        "config": config(),
        "padding": {"left": 4, "right": 4, "top": 4, "bottom": 4},
    }


def _from_to(channels: Any, end: int) -> dict[str, Any]:
    """The line at the top from the left edge to `end`."""
    return {"x": channels.XValue(0), "x2": channels.X2Value(end), "y": channels.YValue(0)}


def _rows(cells: pl.DataFrame) -> pl.DataFrame:
    """What the chart draws, the largest loss first; an interval of tested cells replaces the pointwise one."""
    joint = pl.col("joint_change_low").is_not_null()
    kept = cells.filter(pl.col("change").is_not_null()).sort("change", "language", "condition").head(MOST)
    points = {
        "change": pl.col("change"),
        "low": pl.when(~joint).then("change_low"),
        "high": pl.when(~joint).then("change_high"),
        "joint_low": pl.col("joint_change_low"),
        "joint_high": pl.col("joint_change_high"),
        "mde": -pl.col("mde"),
    }
    return kept.select(
        pl.concat_str("language", pl.lit("  "), "noise").alias("cell"),
        *(value.round(2).alias(name) for name, value in points.items()),
        _edits(cells).alias("edits"),
    )


def _edits(cells: pl.DataFrame) -> pl.Expr:
    """What is beside a row: how much the noise edits."""
    if "grapheme_edit_rate" not in cells.columns:
        return pl.lit("")
    rate = (100 * pl.col("grapheme_edit_rate")).round(1).cast(pl.String)
    return pl.concat_str(pl.lit("edits "), rate, pl.lit(" %"))
