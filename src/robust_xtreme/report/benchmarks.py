"""The averages of benchmarks for views: those of one run, regardless of the number of its models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from robust_xtreme.report.columns import SCORE, points
from robust_xtreme.report.view import Results
from robust_xtreme.results.benchmark import AVERAGES, Average, averages, tasks_of

PARTIAL: Final = "*"
"""The mark after a mean over a part of its benchmark or task."""

TITLES: Final[Mapping[str, str]] = {"xtreme": "XTREME", "xtreme-r": "XTREME-R"}


def averages_of(results: Results) -> dict[str, list[Average]]:
    """The averages of the benchmarks that the run names, or that are complete, by benchmark.

    Each task counts, regardless of which of the run's models answered it.
    """
    tasks = {name: task for name, task in tasks_of(results.manifest.get("tasks", {})).items() if task.groups}
    benchmark_averages = averages(results.scores.with_columns(model=pl.lit("run")), tasks)
    named: dict[str, list[Average]] = {}
    for average in benchmark_averages:
        named.setdefault(AVERAGES[average.name][0], []).append(average)
    asked = results.manifest.get("spec", {}).get("tasks", ())
    return {
        name: member_averages
        for name, member_averages in named.items()
        if name in asked or not any(average.missing for average in member_averages)
    }


def score_text(average: Average, task: str) -> str:
    """A task's score as papers print it: one number, or F1 / EM; marked where languages are missing."""
    if task not in average.metrics:
        return ""
    mark = "" if average.tasks.get(task) is not None else PARTIAL
    return " / ".join(map(points, reversed(average.metrics[task]))) + mark


def average_text(average: Average) -> str:
    """The average, or the marked mean over the present tasks, with their number if some tasks are missing."""
    if average.value is not None:
        return points(average.value)
    if average.value_of_present is None:
        return ""
    there, every = len(average.metrics), len(average.tasks)
    return points(average.value_of_present) + PARTIAL + (f" ({there} of {every} tasks)" if there < every else "")


def named_missing(missing: tuple[str, ...]) -> str:
    """Cells by task: `xnli (af bg), lareqa`."""
    languages_of: dict[str, list[str]] = {}
    for cell in missing:
        task, _, language = cell.partition("/")
        languages_of.setdefault(task, []).extend([language] if language else [])
    return ", ".join(f"{task} ({' '.join(codes)})" if codes else task for task, codes in languages_of.items())


def transposed(frame: pl.DataFrame) -> pl.DataFrame:
    """The overall table with one row per task, for a terminal without room for one column per task."""
    if frame.is_empty():
        return frame
    noises = frame.get_column("noise").unique(maintain_order=True).to_list()
    scores = [name for name in frame.columns if name.startswith(SCORE)]
    rows = []
    for (section,), section_rows in frame.group_by("section", maintain_order=True):
        values = {row["noise"]: row for row in section_rows.iter_rows(named=True)}
        named = [name for name in scores if any(row[name] for row in values.values())]
        rows += [[section, name.removeprefix(SCORE), *(values[noise][name] for noise in noises)] for name in named]
    schema = dict.fromkeys(("section", "task", *(SCORE + noise for noise in noises)), pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row")
