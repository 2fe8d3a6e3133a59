"""Defines views: a view is a function from the results of a run to one frame, with its position on the page."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import polars as pl

from robust_xtreme.files.schema import ATTACKS, AVERAGES, CALIBRATION, CONDITIONS, empty
from robust_xtreme.report.blocks import Chart

SECTION: Final = "section"
"""The first column of every view's frame: rows of one section are together under its name."""


@dataclass(frozen=True, slots=True, eq=False)  # compared as objects, so that what is made of them can be kept
class Results:
    """The input of a page: SCORES, DELTAS, AVERAGES, CONDITIONS, ATTACKS and CALIBRATION, and the run's manifest."""

    scores: pl.DataFrame
    deltas: pl.DataFrame
    manifest: Mapping[str, Any]
    averages: pl.DataFrame = field(default_factory=lambda: empty(AVERAGES))
    conditions: pl.DataFrame = field(default_factory=lambda: empty(CONDITIONS))
    attacks: pl.DataFrame = field(default_factory=lambda: empty(ATTACKS))
    calibration: pl.DataFrame = field(default_factory=lambda: empty(CALIBRATION))

    def metrics(self, task: str) -> tuple[str, ...]:
        """The metrics of a task, the headline first."""
        named = self.manifest.get("tasks", {}).get(task, {}).get("metrics", ())
        measured = self.scores.filter(pl.col("task") == task).get_column("metric").unique().to_list()
        return tuple(dict.fromkeys([*(metric for metric in named if metric in measured), *sorted(measured)]))

    def field_groups(self, task: str) -> tuple[str, ...]:
        """The groups of fields that the task noises together, joined by commas, the headline first."""
        return tuple(",".join(group) for group in self.manifest.get("tasks", {}).get(task, {}).get("perturbed", ()))


@dataclass(frozen=True, slots=True)
class View:
    """One view. `make` gives a frame whose columns, after `section`, are shown as `columns` says.

    `charts` gives the charts of the run that belong to it, which only HTML and notebooks show. `notes` explains
    signs of its cells, under the tables that have them.
    """

    name: str
    title: str
    order: int
    summary: str
    make: Callable[[Results], pl.DataFrame]
    charts: Callable[[Results], Iterable[Chart]] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


def view(
    title: str,
    order: int,
    charts: Callable[[Results], Iterable[Chart]] | None = None,
    notes: Mapping[str, str] | None = None,
) -> Callable[[Callable[[Results], pl.DataFrame]], View]:
    """Make a view of a function; the first line of its docstring is printed under the title."""

    def made(make: Callable[[Results], pl.DataFrame]) -> View:
        summary = (inspect.getdoc(make) or "").split("\n", 1)[0]
        kept = lru_cache(maxsize=1)(make)  # of the same results for report.md and the page
        return View(make.__name__, title, order, summary, kept, charts, notes or {})

    return made
