"""Draws changes of one task sorted by loss, each with its interval.

The specification is written out: to find the class of each part of it, altair takes longer than the rest of a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from robust_xtreme.report.charts.style import INK, LOSS, config, extent

MOST: Final = 60
"""The number of changes that one chart shows: those with the largest loss."""

_WIDTH: Final = 340
_ROW: Final = 16
_BESIDE: Final = 88
"""Pixels right of the rows for how much the noise edits, in any font: the chart has the same size on all machines."""

_CELLS: Final = "cells"
_POINT: Final = {"type": "point", "filled": True, "size": 36, "color": INK, "opacity": 1}
_TEXT: Final = {"type": "text", "align": "left", "fontSize": 10, "color": INK}
_TO_THE_END: Final = {"x": {"value": 0}, "x2": {"value": _WIDTH + _BESIDE}, "y": {"value": 0}}
"""The line at the top from the left edge to the end of what is beside the rows."""


def forest(cells: pl.DataFrame, title: str = "change in points (left: worse)") -> dict[str, Any]:
    """The specification of the chart of cells with a change: point, simultaneous interval, tick at the MDE, edits.

    `cells` are rows of `cells.perturbed`, or have what is drawn of them, without edits; an interval that is not
    simultaneous is drawn thin.
    """
    rows = _rows(cells)
    names = rows.get_column("cell").to_list()
    axis = {"ticks": False, "domain": False, "minExtent": extent(names)}
    row = {"field": "cell", "type": "nominal", "sort": names, "title": None, "axis": axis}
    layers = [
        _layer("zero", {"type": "rule", "color": INK, "opacity": 0.5}, x=_number("zero")),
        _layer(_CELLS, {"type": "rule", "strokeWidth": 1, "color": LOSS}, **_between("low", "high"), y=row),
        _layer(_CELLS, {"type": "rule", "strokeWidth": 3, "color": LOSS}, **_between("joint_low", "joint_high"), y=row),
        _layer(_CELLS, {"type": "tick", "color": INK, "thickness": 1.5, "height": 9}, x=_number("mde"), y=row),
        _layer(_CELLS, _POINT, x={**_number("change"), "title": title}, y=row),
        _layer(_CELLS, _TEXT, x={"value": _WIDTH + 8}, y=row, text={"field": "edits", "type": "nominal"}),
        _layer("empty", {"type": "rule", "opacity": 0}, **_TO_THE_END),
    ]
    return {
        "datasets": {_CELLS: rows.to_dicts(), "zero": [{"zero": 0}], "empty": [{}]},
        "layer": layers,
        "width": _WIDTH,
        "height": _ROW * rows.height,
        "config": config(),
        "padding": {"left": 4, "right": 4, "top": 4, "bottom": 4},
    }


def _layer(data: str, mark: Mapping[str, Any], **encoding: Mapping[str, Any]) -> dict[str, Any]:
    """One kind of mark for the rows of a dataset."""
    return {"data": {"name": data}, "mark": dict(mark), "encoding": encoding}


def _number(field: str) -> dict[str, Any]:
    """A field along an axis."""
    return {"field": field, "type": "quantitative"}


def _between(low: str, high: str) -> dict[str, dict[str, Any]]:
    """Two fields as the ends of a line."""
    return {"x": _number(low), "x2": {"field": high}}


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
    return pl.concat_str(pl.lit("edits "), rate, pl.lit(" %")).fill_null("")
