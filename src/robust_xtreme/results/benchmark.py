"""The averages of the benchmarks: XTREME's over its tasks, XTREME-R's over tasks and over categories.

A task's score is the unweighted mean over the benchmark's languages of the task, English among them, of the metrics
that make its score (of questions exact match and F1, each with half). XTREME averages its nine tasks (evaluate.py).
XTREME-R's own script prints no average, and both the mean of its ten tasks and the mean of the four means of its
categories are in use: here each has its name. Missing cells are named; the average then has no value, and the mean over
the present cells is given beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, final

import polars as pl

from robust_xtreme.errors import Mismatch, SpecError
from robust_xtreme.results._cells import ALL, CLEAN
from robust_xtreme.specs import PerturbationSpec

CATEGORIES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "xtreme": {
        "classification": ("xnli", "pawsx"),
        "structured prediction": ("udpos", "panx"),
        "question answering": ("xquad", "mlqa", "tydiqa"),
        "retrieval": ("bucc", "tatoeba"),
    },
    "xtreme-r": {
        "classification": ("xnli", "xcopa"),
        "structured prediction": ("udpos", "panx"),
        "question answering": ("xquad", "mlqa", "tydiqa"),
        "retrieval": ("tatoeba", "mewsli_x", "lareqa"),
    },
}
"""The tasks of each benchmark by category: evaluate.py, GROUP2TASK and its like for XTREME-R.

There XCOPA is in two categories and LAReQA in none; here each task is in one.
"""

TASKS: Final = {name: tuple(chain.from_iterable(each.values())) for name, each in CATEGORIES.items()}
"""The tasks of each benchmark."""

AVERAGES: Final[Mapping[str, tuple[str, bool]]] = {
    "XTREME": ("xtreme", False),
    "XTREME-R over tasks": ("xtreme-r", False),
    "XTREME-R over categories": ("xtreme-r", True),
}
"""The name of each average: its benchmark, and whether tasks are averaged by category first."""


@final
@dataclass(frozen=True, slots=True)
class Task:
    """What an average needs of a task: the metrics of its score, its headline fields, its languages by benchmark."""

    score: tuple[str, ...]
    headline: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]


@final
@dataclass(frozen=True, slots=True)
class Average:
    """One average in points, of one model and noise (`clean`: none).

    `tasks` and `categories` contain their scores: None where one of their cells is missing, and then `value` is None,
    too. `missing` names those cells, as `task/language`, or as a task whose languages are not known. `value_of_present`
    is the same mean over the present cells: the present languages of each task, the tasks and categories with any.
    `splits` names the split of each task's cells; `metrics` contains, for each task with any cell, the means of its
    score's metrics over the present languages.
    """

    name: str
    model: str
    noise: str
    value: float | None
    value_of_present: float | None
    tasks: Mapping[str, float | None]
    categories: Mapping[str, float | None]
    missing: tuple[str, ...]
    splits: Mapping[str, str]
    metrics: Mapping[str, tuple[float, ...]]


def tasks_of(tasks: Mapping[str, Any]) -> dict[str, Task]:
    """The tasks of a manifest, from its `tasks`.

    The keys `metrics`, `score`, `perturbed` and `groups` are those of TaskSpec; a task without `groups`, as runs of
    older versions have it, belongs to no benchmark.
    """
    return {
        name: Task(
            tuple(entry.get("score") or entry["metrics"][:1]),
            tuple(entry["perturbed"][0]) if entry["perturbed"] else (),
            {group: tuple(languages) for group, languages in entry.get("groups", {}).items()},
        )
        for name, entry in tasks.items()
    }


def averages(scores: pl.DataFrame, tasks: Mapping[str, Task]) -> list[Average]:
    """Every average of SCORES with at least one cell, by model and noise; clean first, then as sorted.

    Under a noise each task counts with the condition that noises its headline fields.
    """
    all_cells = _cells(scores, tasks)
    keys = sorted({(cell.model, cell.noise != CLEAN, cell.noise) for cell in all_cells})
    return [
        average
        for name in AVERAGES
        for model, _, noise in keys
        if (average := _average(name, model, noise, all_cells, tasks)) is not None
    ]


@final
@dataclass(frozen=True, slots=True)
class _Cell:
    model: str
    noise: str
    task: str
    split: str
    language: str
    metric: str
    value: float


def _cells(scores: pl.DataFrame, tasks: Mapping[str, Task]) -> list[_Cell]:
    """The cells that averages are over: whole items, one language, a score's metric, the headline's condition."""
    rows = scores.filter(
        pl.col("scope") == ALL,
        pl.col("language") == pl.col("context_language"),
        pl.col("task").is_in(list(tasks)),
        pl.col("not_applicable") < 1,
    )
    columns = ("condition", "model", "task", "split", "language", "metric", "value")
    averaged = []
    for condition, model, task, *cell in rows.select(columns).iter_rows():
        try:
            spec = PerturbationSpec.parse(condition)
            noise, fields = str(spec.on()), spec.fields
        except SpecError:  # the condition names no noise
            noise, fields = condition, ()
        if cell[2] in tasks[task].score and (not fields or set(fields) == set(tasks[task].headline)):
            averaged.append(_Cell(model, noise, task, *cell))
    return averaged


def _average(name: str, model: str, noise: str, cells: Sequence[_Cell], tasks: Mapping[str, Task]) -> Average | None:
    benchmark, by_category = AVERAGES[name]
    members = {task: tasks[task] for task in TASKS[benchmark] if task in tasks and tasks[task].groups.get(benchmark)}
    run_cells = [cell for cell in cells if (cell.model, cell.noise) == (model, noise) and cell.task in members]
    measured = {name: _part(name, task, benchmark, run_cells) for name, task in members.items()}
    parts = {task: measured.get(task, _Part((), (task,), "")) for task in TASKS[benchmark]}
    if not any(part.present for part in parts.values()):
        return None
    values = {task: part.value for task, part in parts.items()}
    present = {task: _known_mean(part.present) for task, part in parts.items()}
    means = {kind: _strict_mean(map(values.get, several)) for kind, several in CATEGORIES[benchmark].items()}
    some = {kind: _known_mean(map(present.get, several)) for kind, several in CATEGORIES[benchmark].items()}
    return Average(
        name,
        model,
        noise,
        _strict_mean((means if by_category else values).values()),
        _known_mean((some if by_category else present).values()),
        values,
        means,
        tuple(cell for part in parts.values() for cell in part.missing),
        {task: part.split for task, part in parts.items() if part.present},
        {task: part.means for task, part in parts.items() if part.present},
    )


@final
@dataclass(frozen=True, slots=True)
class _Part:
    """A task in an average: the scores of the present languages, and the missing cells.

    `means` are the means of each metric over the present languages.
    """

    present: tuple[float, ...]
    missing: tuple[str, ...]
    split: str
    means: tuple[float, ...] = ()

    @property
    def value(self) -> float | None:
        return None if self.missing else _known_mean(self.present)


def _part(name: str, task: Task, benchmark: str, cells: Iterable[_Cell]) -> _Part:
    """The cells of a task from one split: that with most cells, of equals `test`. Raises Mismatch if one repeats."""
    languages = task.groups[benchmark]
    task_cells = [cell for cell in cells if cell.task == name and cell.language in languages]
    splits = [cell.split for cell in task_cells]
    split = max(sorted(set(splits)), key=lambda candidate: (splits.count(candidate), candidate == "test"), default="")
    values: dict[tuple[str, str], float] = {}
    for cell in task_cells:
        if cell.split == split:
            if (cell.language, cell.metric) in values:
                what = f"{cell.task}/{cell.language} {cell.noise} {cell.metric} ({cell.model})"
                raise Mismatch(f"An average would count {what} twice. Take one data set and one way of inference.")
            values[cell.language, cell.metric] = cell.value
    whole = {
        language: [values[language, metric] for metric in task.score]
        for language in languages
        if all((language, metric) in values for metric in task.score)
    }
    return _Part(
        tuple(sum(scores) / len(scores) for scores in whole.values()),
        tuple(f"{name}/{language}" for language in languages if language not in whole),
        split,
        tuple(sum(column) / len(column) for column in zip(*whole.values(), strict=True)),
    )


def _strict_mean(values: Iterable[float | None]) -> float | None:
    """The unweighted mean; None where a value is missing."""
    known = list(values)
    return None if None in known else _known_mean(known)


def _known_mean(values: Iterable[float | None]) -> float | None:
    """The unweighted mean of the values that are not None; None if there are none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
