"""What a terminal shows of a run after the verdict: a screen of tables, however many cells the run has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final, TypeAlias

import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.report.averages import transposed, with_curves, within_tasks
from robust_xtreme.report.blocks import Table
from robust_xtreme.report.cells import headline, highest, with_addresses, with_condition
from robust_xtreme.report.columns import noted, tables
from robust_xtreme.report.view import SECTION, Results, View
from robust_xtreme.report.views.strength_curves import spark
from robust_xtreme.stats.averages import COMMON, LANGUAGES

_HIGHEST: Final = "Averages are of headline metrics at each perturbation's highest strength. "
_REST: Final = (
    "All metrics, fields and strengths are in report.md, with what columns and marks mean; "
    "robust-xtreme report RUN --views {} prints whole tables."
)

_LINES: Final = 70
"""The lines of all tables, about; the averages by task get what others leave."""

_FEW: Final = 30
"""The lines up to which every cell is shown instead of the worst ones, where no line is broken."""

_HEAD: Final = 3
"""The lines of a table besides its rows."""

_OF_OTHERS: Final = 16
"""The lines of averages over tasks, and of what was not computed."""

_ROWS: Final = 8
"""The first rows of averages over tasks that are shown where they have no room."""

_RANDOM: Final = "search=random"
"""What names random search, whose levels are beside those of the attack."""

_BY_TASK: Final = (
    "task", "noise", "langs", "clean", "noisy", "change", "change_low", "change_high", "curve", "marked",
    "grapheme_edit_rate",
)  # fmt: skip

_OWN: Final = "By task, each noise over the languages that it reaches"
_SHARED: Final = "By task, over the languages that its noises have in common"
_FIRST: Final = pl.col("fields_rank") == pl.col("fields_rank").min().over("task")

Height: TypeAlias = Callable[[Table], int]
"""The lines that a table takes on the terminal."""


def overview(results: Results, height: Height) -> Iterator[Table]:
    """Averages over tasks, the worst cells, the averages by task with their curves, and what was not computed.

    Averages are of headline metrics at the highest strength of each perturbation. A run without noise has clean levels.
    """
    first = _perturbed(results, height) if results.deltas.height else _clean(results, height)
    left_out = _within(_OF_OTHERS, height, _of_view("not_run", results), _titled("Not computed", _reasons(results)))
    yield from first
    if results.deltas.height:
        yield from _within(_LINES - _lines([*first, *left_out], height), height, *by_task(results))
    yield from left_out


def rest(results: Results) -> str:
    """Where the rest of the tables is."""
    if results.deltas.is_empty():
        return _REST.format("clean_scores")
    return _HIGHEST + _REST.format("by_task,by_language")


def _lines(made: Iterable[Table], height: Height) -> int:
    return sum(map(height, made))


def _within(most: int, height: Height, *choices: list[Table]) -> list[Table]:
    """The first of some tables that has at most as many lines, or the last."""
    return next((made for made in choices if _lines(made, height) <= most), choices[-1])


def _perturbed(results: Results, height: Height) -> list[Table]:
    cells = _of_view("by_language", results)
    if sum(len(table.rows) + _HEAD for table in cells) > _FEW:
        cells = _of_view("worst_cells", results)
    highest_ones = _at_highest(results)
    averages = (_of_view("overall_drops", highest_ones), _of_view("overall_drops", highest_ones, _ROWS))
    searched = replace(results, attacks=results.attacks.filter(~pl.col("condition").str.contains(_RANDOM)))
    attacks = (_of_view("attacks", results), _of_view("attacks", searched), _of_view("attacks", searched, _ROWS))
    return [*_within(_OF_OTHERS, height, *averages), *cells, *_within(_OF_OTHERS, height, *attacks)]


def _clean(results: Results, height: Height) -> list[Table]:
    summary = _titled("Clean levels by task", _clean_by_task(results))
    return [*_of_view("overall", results), *_within(_LINES, height, _of_view("clean_scores", results), summary)]


def _clean_by_task(results: Results) -> pl.DataFrame:
    """A row for each table of clean levels: the number of languages, and the lowest and the highest level by name."""
    view: View = registry.load("view", "clean_scores")
    named = pl.concat_str("language", pl.lit(" "), pl.col("level").round(1).cast(pl.String)).sort_by("level")
    over = view.make(results).group_by(SECTION, maintain_order=True)
    rows = over.agg(cells=pl.len().cast(pl.String), lowest=named.first(), highest=named.last())
    return rows.with_columns(pl.lit("").alias(SECTION), task=SECTION).select(
        SECTION, "task", "cells", "lowest", "highest"
    )


def _reasons(results: Results) -> pl.DataFrame:
    """A row for each reason for which cells were not computed: their number, and the tasks."""
    asked = [(entry["reason"], str(entry["task"])) for entry in results.manifest.get("not_run", ())]
    cells = pl.DataFrame(asked, schema={"reason": pl.String, "task": pl.String}, orient="row")
    tasks = pl.col("task").unique().sort().str.join(", ")
    rows = cells.group_by("reason").agg(cells=pl.len().cast(pl.String), tasks=tasks).sort("reason")
    return rows.select(pl.lit("").alias(SECTION), "reason", "cells", "tasks")


def by_task(results: Results) -> Iterator[list[Table]]:
    """The averages over languages of headline metrics at the highest strengths, from the most rows to the fewest.

    Those of each task's first fields follow, and those of the perturbation that costs most. Noises that do not
    reach the same languages are compared over those that they have in common.
    """
    rows, common = (_with_curves(headline(within_tasks(results, kind), results)) for kind in (LANGUAGES, COMMON))
    first, compared = (each.filter(_FIRST) for each in (rows, common))
    worst = first.sort("change").unique("column", keep="first", maintain_order=True).sort("column")
    yield [*_averages(_OWN if common.height else "By task", rows), *_averages(_SHARED, common)]
    yield [*_averages("By task, noise on the headline fields", first), *_averages(_SHARED, compared)]
    yield _averages("By task, the perturbation that costs most", worst)


def _averages(title: str, rows: pl.DataFrame) -> list[Table]:
    parts = {"task": pl.col("column"), "noisy": pl.col("value"), "langs": pl.col("over").str.replace(" of ", "/")}
    return _titled(title, rows.with_columns(pl.lit("").alias(SECTION), **parts).select(SECTION, *_BY_TASK))


def _with_curves(rows: pl.DataFrame) -> pl.DataFrame:
    """The averages at the highest strengths, with the levels at rising strengths as blocks."""
    named = with_addresses(rows)
    curve = ["column", "fields", "perturbation"]
    shares = with_curves(named).sort("strength_rank").group_by(curve).agg(share=pl.col("value") / pl.col("clean"))
    sparks = [spark([1.0, *row]) for row in shares.get_column("share").to_list()]
    drawn = shares.select(curve).with_columns(pl.Series("curve", sparks, dtype=pl.String))
    return highest(named).join(drawn, on=curve, how="left", maintain_order="left")


def _at_highest(results: Results) -> Results:
    """The results with the averages at the highest strength of each perturbation."""
    averages = results.averages
    ranked = with_condition(averages).with_columns(strength_rank=pl.col("strength").cast(pl.Float64, strict=False))
    return replace(results, averages=highest(ranked).select(averages.columns))


def _of_view(name: str, results: Results, most: int | None = None) -> list[Table]:
    """The tables of a view, perhaps of the first rows of each alone."""
    view: View = registry.load("view", name)
    made = view.make(results)
    frame = transposed(made) if name == "overall" else made
    title = view.title
    if most is not None and frame.height > most:
        each = max(1, most // frame.get_column(SECTION).n_unique())
        title, frame = f"{title} (the first {each} rows)", frame.group_by(SECTION, maintain_order=True).head(each)
    return [noted(table, view.notes) for table in _titled(title, frame)]


def _titled(title: str, frame: pl.DataFrame) -> list[Table]:
    return [replace(table, title=f"{title}: {table.title}".removesuffix(": ")) for table in tables(frame)]
