"""Views of attacks, and of models under the same ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from robust_xtreme.external.condition import CLEAN, RANDOM, beside_attack
from robust_xtreme.report.blocks import Chart
from robust_xtreme.report.cells import BUDGET, headline, perturbed, sectioned, with_condition
from robust_xtreme.report.charts.style import COLOURS, config
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.attacks import CURVE
from robust_xtreme.results.schema import CELL
from robust_xtreme.specs import PerturbationSpec

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


_SCORED: Final = (*CELL[:-1], "metric", "scope")
LEVELS: Final = ("clean", "robust", "random", "noise")
"""The level on clean text, that which an attack leaves, and those that it is compared with."""


def attacked(results: Results) -> pl.DataFrame:
    """The cells of attacks by their headline metric, with the LEVELS, each with `_level`, `_low` and `_high`.

    The two that an attack is compared with are null for random search itself, and that of random search for recipes,
    which have none.
    """
    named = results.attacks.get_column("condition").unique().to_list()
    beside = pl.DataFrame(
        [(name, CLEAN, name, *_beside(name)) for name in named],
        {"condition": pl.String, **dict.fromkeys((f"of_{level}" for level in LEVELS), pl.String)},
        orient="row",
    )
    rows = headline(perturbed(results), results).filter(pl.col("scope") == "all").drop("words", strict=False)
    whole = rows.filter(pl.col("condition").is_in(named)).join(beside, on="condition", maintain_order="left")
    for level in LEVELS:
        bounds = {f"{level}_level": "value", f"{level}_low": "low", f"{level}_high": "high"}
        twin = results.scores.select(*_SCORED, pl.col("condition").alias(f"of_{level}"), **bounds)
        whole = whole.join(twin, on=[*_SCORED, f"of_{level}"], how="left", maintain_order="left")
    return whole


def _beside(condition: str) -> tuple[str | None, str | None]:
    """Random search and the noise that an attack is compared with; None where it is random search, or has none."""
    spec = PerturbationSpec.parse(condition)
    if dict(spec.links[0].params).get("search") == RANDOM:
        return None, None
    *random, drawn = beside_attack(spec, ())
    return (random[0].name if random else None), drawn.name


_ATTACKS_COLUMNS: Final = (
    "language", "noise", *(f"{level}_{part}" for level in LEVELS for part in ("level", "low", "high")),
    "success", "success_low", "success_high", "queries", "queries_to_success", "words", "graphemes", "no_edit",
    "attacked", "n", "label_risk",
)  # fmt: skip


_DESCRIPTION: Final = (
    "The share of items that are right when clean and wrong after at most so many queries, on average over languages."
)


def _charts(results: Results) -> Iterator[Chart]:
    """The success of each task by queries."""
    for task, points in successes(results):
        yield Chart(task, _DESCRIPTION, success_chart(points), task.split(" ")[0])


@view(title="Attacks", order=36, charts=_charts)
def attacks(results: Results) -> pl.DataFrame:
    """The score that an attack leaves; random search has as many queries, and one draw of noise as many edits."""
    whole = attacked(results)
    cost = results.attacks.drop("n", "clusters").rename({"words": "edited_words"})
    whole = whole.drop("success", "queries").join(cost, on=CELL, maintain_order="left")
    return sectioned(whole.rename({"edited_words": "words"}), "metric").select(SECTION, *_ATTACKS_COLUMNS)


_LEVELS: Final = ("clean", "noise", "random", "robust")
_BESIDE: Final = tuple(f"{name}_{part}" for name in _LEVELS for part in ("level", "low", "high"))


@view(title="Defences", order=37)
def defences(results: Results) -> pl.DataFrame:
    """Models under the same attack: clean, under noise with as many edits, random search, and the robust level."""
    whole = attacked(results).filter(pl.col("of_noise").is_not_null())
    several = pl.col("model").n_unique().over("task", "split", "language", "condition") > 1
    shown = whole.filter(several)
    section = pl.concat_str(pl.col("task"), pl.lit(", "), "split", pl.lit(", "), "metric", pl.lit(", "), "condition")
    ordered = shown.with_columns(section.alias(SECTION)).sort(
        "task", "split", "metric", "fields_rank", "condition", "language", "run_rank", "model"
    )
    return ordered.select(SECTION, "language", "model", *_BESIDE)
