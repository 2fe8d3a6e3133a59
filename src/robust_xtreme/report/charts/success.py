"""Draws the success of attacks by the number of queries: a line for each search."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from robust_xtreme.report.cells import BUDGET, with_condition
from robust_xtreme.report.charts.style import COLOURS, config
from robust_xtreme.report.view import Results
from robust_xtreme.results.attacks import CURVE

_TITLE: Final = "queries, at most (logarithmic)"
_LEGEND: Final = {"orient": "bottom", "columns": 1, "symbolOpacity": 1}
_PANEL: Final = ("model", "task", "split", "setting", "inference", "fields")
"""What is the same in one chart, beside the strength and the moves, which are its lines."""


def successes(results: Results) -> Iterator[tuple[str, pl.DataFrame]]:
    """The points of each task's lines (of each model's): the mean over languages of `success` at so many `queries`.

    Of several budgets of a search the highest is shown, which the others are the beginning of. A language whose items
    need fewer queries stays at its last success.
    """
    rows = [
        {**row, "queries": int(queries), "success": success}
        for row in _largest(results).iter_rows(named=True)
        for queries, success in json.loads(row["curve"]).items()
    ]
    if rows:
        points = pl.DataFrame(rows, infer_schema_length=None)
        several = [name for name in ("model", "split", "inference", "fields") if _varies(points, name)]
        for names, panel in points.group_by("task", *several, maintain_order=True):
            yield " ".join(map(str, names)), _averaged(panel)


def _largest(results: Results) -> pl.DataFrame:
    """The cells with their curve that have the highest budget of their search."""
    budgets = results.conditions.select("condition", "query_budget").unique()
    cells = with_condition(results.attacks.filter(pl.col("attacked") > 0)).sort("task", "fields", "language")
    cells = cells.join(budgets, on="condition", how="left", maintain_order="left")
    cells = cells.with_columns(line=pl.col("noise").str.replace(BUDGET, ""))
    return cells.filter(pl.col("query_budget").eq_missing(pl.col("query_budget").max().over(*_PANEL, "line")))


def _varies(points: pl.DataFrame, name: str) -> bool:
    return bool(points.select((pl.col(name).n_unique().over("task") > 1).any()).item())


def _averaged(points: pl.DataFrame) -> pl.DataFrame:
    """The mean over languages at each number of queries that all curves have, and at the most of any."""
    cell = ("line", "language", "context_language")
    every = points.select("line", "queries").unique().join(points.select(cell).unique(), on="line")
    known = every.join(points, on=[*cell, "queries"], how="left")
    last = pl.col("success").forward_fill().over(cell, order_by="queries")
    means = known.with_columns(last).group_by("line", "queries").agg(pl.col("success").mean())
    shown = pl.col("queries").is_in(CURVE) | (pl.col("queries") == pl.col("queries").max().over("line"))
    return means.filter(shown).sort("line", "queries")


def success_chart(points: pl.DataFrame) -> dict[str, Any]:
    """The specification of the chart of `successes`."""
    names = points.get_column("line").unique().sort().to_list()
    scale = {"domain": names, "range": [COLOURS[index % len(COLOURS)] for index in range(len(names))]}
    encoding = {
        "x": {"field": "queries", "type": "quantitative", "title": _TITLE, "scale": {"type": "log"}},
        "y": {"field": "success", "type": "quantitative", "title": "success, %", "scale": {"domain": [0, 100]}},
        "color": {"field": "line", "type": "nominal", "scale": scale, "title": None, "legend": _LEGEND},
    }
    mark = {"type": "line", "point": {"size": 24}, "strokeWidth": 1.5}
    values = points.with_columns(pl.col(pl.Float64).round(2)).to_dicts()
    return {
        "data": {"values": values},
        "layer": [{"mark": mark, "encoding": encoding}],
        "width": 300,
        "height": 180,
        "config": config(),
    }
