"""Draws levels over strength, the success of attacks over queries, and changes with their intervals, in one style.

The charts in a notebook, `evaluation.plot.heat()`, are Altair's.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import UserError, shown
from robust_xtreme.report.averages import with_curves, within_tasks
from robust_xtreme.report.cells import BUDGET, headline, highest, script, with_addresses, with_condition
from robust_xtreme.report.charts.drawing import svg
from robust_xtreme.report.charts.style import COLOURS, GAIN, GAINS, INK, LOSS, LOSSES, OPEN, STEPS, config
from robust_xtreme.report.columns import percent, signed
from robust_xtreme.report.summary import ALPHA, headline_cells
from robust_xtreme.report.view import Results
from robust_xtreme.stats.averages import LANGUAGES
from robust_xtreme.stats.score import CURVE

if TYPE_CHECKING:
    import altair as alt

REALISED, NOMINAL = "realised", "nominal"
"""The axes of a curve: edited characters of all, or the strength that was asked for."""

FEWEST: Final = 3
_TITLES: Final = {REALISED: "realised strength, % of characters edited", NOMINAL: "strength as given"}

_LINE: Final = {"type": "line", "point": {"size": 24}, "strokeWidth": 1.5}


def levels(results: Results) -> Iterator[tuple[str, pl.DataFrame]]:
    """The points of each task's curves (of each model's): the average over languages at each strength, from 0 on.

    A curve is called by its perturbation with how many languages it is over, and those are the same at each strength.

    `realised` is in percent; `low` and `high` bound the level, the clean one being fixed.
    """
    rows = with_curves(headline(within_tasks(results, LANGUAGES), results))
    rows = rows.with_columns(pl.format("{}, {} languages", "perturbation", "over").alias("perturbation"))
    first = pl.col("fields_rank") == pl.col("fields_rank").min().over("task")
    for (name,), averages in with_addresses(rows.filter(first)).group_by("column", maintain_order=True):
        points = _points(averages.filter(pl.col("strength_rank").is_not_null()))
        if points.height:
            yield str(name), points


def _points(rows: pl.DataFrame) -> pl.DataFrame:
    columns = {
        NOMINAL: pl.col("strength_rank"),
        REALISED: 100 * pl.col("grapheme_edit_rate"),
        "level": pl.col("value"),
        "low": pl.col("clean") + pl.col("change_low"),
        "high": pl.col("clean") + pl.col("change_high"),
    }
    points = rows.select("perturbation", "clean", **columns)
    start = points.group_by("perturbation", maintain_order=True).agg(pl.col("clean").first())
    start = start.with_columns(pl.col("clean").alias("level"), low=pl.col("clean"), high=pl.col("clean"))
    start = start.with_columns(pl.lit(0.0).alias(name) for name in (NOMINAL, REALISED))
    return pl.concat([start, points], how="diagonal").sort("perturbation", NOMINAL, maintain_order=True)


def curve(points: pl.DataFrame, axis: str = REALISED) -> dict[str, Any]:
    """The specification of the chart of `levels`, over one of the axes, each line with its name beside its end."""
    fine = [NOMINAL, *([REALISED] if points[REALISED].max() < 1 else [])]  # type: ignore[operator]  # a number
    rounded = pl.col(pl.Float64).exclude(fine).round(2)
    named = points.with_columns(pl.col("perturbation").map_elements(_short, pl.String), rounded)
    lowest, highest = pl.min_horizontal("low", "level").min(), pl.max_horizontal("high", "level").max()
    low, high = named.select(low=lowest, high=highest).row(0)
    low, color = low - (high - low) / 20, _coloured("perturbation", named)  # room for the last points
    shared = {"x": {**_number(axis), "title": _TITLES[axis]}, "color": color}
    vertical = {"scale": {"zero": False, "nice": False, "domain": [low, high]}}
    layers = [
        {
            "mark": {"type": "area", "opacity": 0.15},
            "encoding": {**shared, "y": {**_number("low"), **vertical}, "y2": {"field": "high"}},
        },
        {"mark": _LINE, "encoding": {**shared, "y": {**_number("level"), **vertical, "title": "points"}}},
    ]
    return _lines(named, layers, _ends(named, "perturbation", "level", (low, high)))


def _short(name: str) -> str:
    """The name of a line with how many languages it is over, where these are not all."""
    known = re.fullmatch(r"(.*), (\d+ of \d+) languages", name)
    every = re.fullmatch(r"(.*), (\d+) of \2 languages", name)
    return every[1] if every else f"{known[1]} ({known[2]})" if known else name


def _coloured(field: str, points: pl.DataFrame) -> dict[str, Any]:
    """A colour for each line, by the field that names it."""
    names = points.get_column(field).unique(maintain_order=True).to_list()
    scale = {"domain": names, "range": [COLOURS[index % len(COLOURS)] for index in range(len(names))]}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


_WIDE, _HIGH, _LABEL = 300, 180, 13
"""Pixels of a chart of lines, and the height that the name of a line needs."""


def _ends(points: pl.DataFrame, field: str, level: str, domain: tuple[float, float]) -> list[dict[str, Any]]:
    """The name of each line where it ends on the axis of levels, moved as far as the names above it need room."""
    low, high = domain
    ends = points.group_by(field, maintain_order=True).agg(pl.col(level).last()).sort(level, descending=True)
    each = _LABEL / _HIGH * (high - low)
    rows, above = [], high + each
    for name, value in ends.iter_rows():
        above = min(above - each, value)
        rows.append({field: name, level: above})
    below = max(0.0, low - rows[-1][level])
    return [{**row, level: round(row[level] + below, 2)} for row in rows]


def _lines(points: pl.DataFrame, layers: list[dict[str, Any]], ends: list[dict[str, Any]]) -> dict[str, Any]:
    """The specification of a chart of lines with their names at the right, in the colours of the lines."""
    *_, line = layers
    (field, level), encoding = ends[0], line["encoding"]
    text = {
        "text": {"field": field, "type": "nominal"},
        "color": encoding["color"],
        "y": {**encoding["y"], "field": level},
    }
    named = {
        "data": {"values": ends},
        "mark": {"type": "text", "align": "left", "fontSize": 10, "clip": False},
        "encoding": {"x": {"value": _WIDE + 8}, **text},
    }
    size = {"width": _WIDE, "height": _HIGH}
    return {"data": {"values": points.to_dicts()}, "layer": [*layers, named], **size, "config": config()}


def areas(points: pl.DataFrame) -> Iterator[tuple[str, float, float]]:
    """Each perturbation with its highest realised strength (%) and the area under perturbed/clean up to it (%).

    The area is by trapezoids, as a share of that range: 100 where nothing is lost. A clean level of 0 or one strength
    has none.
    """
    for (name,), rows in points.group_by("perturbation", maintain_order=True):
        strengths, shares = rows.get_column(REALISED).to_numpy(), (rows["level"] / rows["clean"]).to_numpy()
        highest = float(strengths.max())
        if rows.height >= FEWEST and highest > 0 and np.isfinite(shares).all():
            yield str(name), highest, 100 * float(np.trapezoid(shares, strengths)) / highest


_BLOCKS: Final = "▁▂▃▄▅▆▇█"


def spark(shares: Sequence[float]) -> str:
    """Shares of the clean level at rising strengths as blocks; "" with one strength, or nothing right on clean text."""
    if len(shares) < FEWEST or not all(map(math.isfinite, shares)):
        return ""
    return "".join(_BLOCKS[round(min(max(share, 0.0), 1.0) * (len(_BLOCKS) - 1))] for share in shares)


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
        names = ("model", "split", "inference", "fields")
        varies = points.select((pl.col(names).n_unique().over("task") > 1).any()).row(0, named=True)
        several = [name for name in names if varies[name]]
        for named, panel in points.group_by("task", *several, maintain_order=True):
            yield " ".join(map(str, named)), _averaged(panel)


def _largest(results: Results) -> pl.DataFrame:
    """The cells with their curve that have the highest budget of their search."""
    budgets = results.conditions.select("condition", "query_budget").unique()
    cells = with_condition(results.attacks.filter(pl.col("attacked") > 0)).sort("task", "fields", "language")
    cells = cells.join(budgets, on="condition", how="left", maintain_order="left")
    cells = cells.with_columns(line=pl.col("noise").str.replace(BUDGET, ""))
    return cells.filter(pl.col("query_budget").eq_missing(pl.col("query_budget").max().over(*_PANEL, "line")))


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
    named, domain = points.with_columns(pl.col(pl.Float64).round(2)), (0.0, 100.0)
    encoding = {
        "x": {**_number("queries"), "title": "queries, at most (logarithmic)", "scale": {"type": "log"}},
        "y": {**_number("success"), "title": "success, %", "scale": {"domain": [*domain]}},
        "color": _coloured("line", named),
    }
    return _lines(named, [{"mark": _LINE, "encoding": encoding}], _ends(named, "line", "success", domain))


# Specifications are written out: to find the class of each part of one, altair takes longer than the rest of a page.

MOST: Final = 30
"""The number of changes that one chart shows: those with the largest loss."""

_WIDTH, _ROW, _ABOVE = 340, 30, 11
"""Pixels of the chart of changes, as wide as a telephone shows, of a row, and from its interval up to its name."""

_CELLS: Final = "cells"
_POINT: Final = {"type": "point", "filled": True, "size": 36, "color": INK, "opacity": 1}
_NAME: Final = {"type": "text", "align": "left", "fontSize": 10, "dy": -_ABOVE, "color": INK}


def forest(
    cells: pl.DataFrame, title: str = "change in points (left: worse)", margins: Sequence[float] = ()
) -> dict[str, Any]:
    """The specification of the chart of cells with a change: name and edits above point, interval and tick at the MDE.

    `cells` are rows of `cells.perturbed`, or have what is drawn of them, without edits; an interval that is not
    simultaneous is drawn thin, and one that contains 0, or of a row that does not fail, grey. At each of the `margins`
    there is a dashed line.
    """
    rows = _rows(cells)
    names = rows.get_column("cell").to_list()
    row: dict[str, Any] = {"field": "cell", "type": "nominal", "sort": names, "axis": None}
    color: dict[str, Any] = {"field": "side", "type": "nominal", "scale": None, "legend": None}
    shared: dict[str, dict[str, Any]] = {"y": row, "color": color}
    layers = [
        _layer("zero", {"type": "rule", "color": INK, "opacity": 0.5}, x=_number("zero")),
        _layer(_CELLS, {"type": "rule", "strokeWidth": 1}, **_between("low", "high"), **shared),
        _layer(_CELLS, {"type": "rule", "strokeWidth": 3}, **_between("joint_low", "joint_high"), **shared),
        _layer(_CELLS, {"type": "tick", "color": INK, "thickness": 1.5, "height": 9}, x=_number("mde"), y=row),
        _layer(_CELLS, _POINT, x={**_number("change"), "title": title}, y=row),
        _layer(_CELLS, _NAME, x={"value": 0}, y=row, text={"field": "cell", "type": "nominal"}),
    ]
    if margins:
        layers.append(_layer("margins", {"type": "rule", "strokeDash": [4, 3], "color": LOSS}, x=_number("margin")))
    return {
        "datasets": {_CELLS: rows.to_dicts(), "zero": [{"zero": 0}], "margins": [{"margin": at} for at in margins]},
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
    rate, known = pl.col("grapheme_edit_rate").map_elements(percent, pl.String), "grapheme_edit_rate" in cells.columns
    edits = pl.format("  (edits {})", rate).fill_null("") if known else pl.lit("")
    low, high = (pl.coalesce(f"joint_change_{end}", f"change_{end}") for end in ("low", "high"))
    side = pl.when(high < 0).then(pl.lit(LOSS)).when(low > 0).then(pl.lit(GAIN)).otherwise(pl.lit(OPEN))
    if "p_adjusted" in cells.columns:  # the colour of what is shown
        side = pl.when((pl.col("p_adjusted") < ALPHA).fill_null(value=False)).then(side).otherwise(pl.lit(OPEN))
    if "fails" in cells.columns:
        side = pl.when("fails").then(pl.lit(LOSS)).otherwise(pl.lit(OPEN))
    return kept.select(
        side.alias("side"),
        pl.concat_str("language", pl.lit("  "), "noise", edits).alias("cell"),
        *(value.round(2).alias(name) for name, value in points.items()),
    )


_INK: Final = "#1b1b1f"


def heat(results: Results) -> dict[str, Any]:
    """The specification of a chart: languages by script in rows, tasks in columns, a panel for each perturbation.

    The colours are tints of those of losses and gains on a page, with the same steps.
    """
    import altair as alt

    cells = highest(headline_cells(results)).filter(pl.col("change").is_not_null())
    scripts = pl.col("language").map_elements(script, return_dtype=pl.String)
    text = pl.col("change").map_elements(signed, pl.String)
    shown = cells.select("language", "column", "noise", pl.col("change").round(1), text=text, script=scripts)
    codes = shown.sort("script", "language").get_column("language").unique(maintain_order=True).to_list()
    axis = alt.Axis(labelAngle=0, ticks=False, domain=False, labelLimit=0)
    base = alt.Chart(alt.InlineData(shown.to_dicts())).encode(
        x=alt.X("column:N", title=None, sort=None, axis=axis),
        y=alt.Y("language:N", title=None, sort=codes, axis=alt.Axis(ticks=False, domain=False)),
    )
    bounds = [*(-step for step in reversed(STEPS)), *STEPS]
    scale = alt.Scale(type="threshold", domain=bounds, range=[*reversed(LOSSES), "#f4f4f6", *GAINS])
    cell = base.mark_rect(stroke="white").encode(color=alt.Color("change:Q", scale=scale, legend=None))
    numbers = base.mark_text(fontSize=11, color=_INK).encode(text="text:N")
    sized = alt.layer(cell, numbers).properties(width={"step": 74}, height={"step": 22})
    title = alt.TitleParams("change in points, perturbed minus clean", fontSize=12)
    chart = sized.facet(alt.Facet("noise:N", title=None), columns=2).properties(title=title)
    return {**chart.to_dict(validate=False), "config": config()}


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart, which a notebook shows, and exports, as SVG, without a script; `chart` is Altair's."""

    chart: alt.TopLevelMixin

    def _repr_svg_(self) -> str:
        return svg(self.chart.to_dict())


@dataclass(frozen=True, slots=True)
class Plots:
    """Charts of a run; each raises UserError where the run has nothing to show."""

    results: Results

    def heat(self) -> Figure:
        """The change of each task in each language, at each perturbation's highest strength."""
        return _chart(heat(self.results), self.results.deltas.height)

    def forest(self, task: str) -> Figure:
        """The changes of a task, the largest loss first, with intervals that are valid for all tests at once."""
        cells = highest(headline_cells(self.results)).filter(pl.col("change").is_not_null())
        _check("task of the run", task, cells.get_column("task").unique().sort().to_list())
        of_task = cells.filter(pl.col("task") == task)
        return _chart(forest(of_task), of_task.height)

    def curve(self, task: str, axis: str = REALISED) -> Figure:
        """The level of a task over the strength, on average over languages; `axis` is `realised` or `nominal`."""
        points = dict(levels(self.results))
        _check("task with averages", task, [*points])
        _check("axis", axis, [REALISED, NOMINAL])
        return _chart(curve(points[task], axis), points[task].height)


def _check(kind: str, name: object, known: list[str]) -> None:
    """Raise UserError for a name that is not known."""
    if name not in known:
        raise UserError(f"There is no {kind} named {shown(name)}. There are: {', '.join(known) or 'none'}.")


def _chart(spec: dict[str, Any], rows: int) -> Figure:
    """The chart with colours of its own, since a notebook has no text around it that would give them."""
    import altair as alt

    if not rows:
        raise UserError("The run has no perturbed cells for this chart.")
    plain = json.loads(json.dumps(spec).replace(f'"{INK}"', f'"{_INK}"'))
    plain["config"]["background"] = "white"
    return Figure(alt.Chart.from_dict(plain))
