"""Measures a run from the files of its task runs, some of which are in memory at a time.

A cell, what it is compared with and the strengths of its noise are in one task run, so that each is measured alone,
also where it is computed. Of all of them together only what tests and averages combine is kept: numbers of each cell
and cluster.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl

from robust_xtreme.files import store
from robust_xtreme.files.schema import CHANCE, DELTAS, SCORES, SHALLOW, empty
from robust_xtreme.stats._cells import ALL, CellLevel, cells, levels_of
from robust_xtreme.stats.averages import Counted, Drop, Drops, Key, clusters_of, counted, drops_of, numbers_of
from robust_xtreme.stats.benchmark import Task
from robust_xtreme.stats.claims import CLEAN
from robust_xtreme.stats.components import Clustered
from robust_xtreme.stats.degrade import Compared, compared, deltas_of, drops_without_risk
from robust_xtreme.stats.intervals import CPU, ArrayBackend
from robust_xtreme.stats.merging import BASE, together
from robust_xtreme.stats.score import scores_of

_UNUSED: Final = ("cluster", "fingerprint", "answer", "gold")
"""Columns of PREDICTIONS that no number is made of."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The files of a task run: its rows of PREDICTIONS and those of STATS, both sorted."""

    predictions: Path
    stats: Path


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a run that is measured.

    The metric of each task that claims are made on, the facts of the tasks, and the models, tasks, splits and languages
    whose text the model has seen in training (`stamped`).
    """

    headlines: Mapping[str, str]
    tasks: Mapping[str, Task]
    stamped: Collection[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class MeasuredPart:
    """What is measured of some task runs alone: SCORES, drops, and what tests and averages combine with other parts.

    `key` is what the first of their PREDICTIONS begins with, by which parts are ordered; `clusters` are those of the
    clean cells.
    """

    key: tuple[str, ...]
    scores: pl.DataFrame
    compared: Compared
    clusters: Sequence[tuple[Key, Clustered]]
    counted: Counted

    @property
    def nbytes(self) -> int:
        """The memory of the largest arrays: the sums of clusters."""
        sums = {id(each): each for pair in self.counted.values() for each in pair}
        return sum(int(each.nbytes) for each in sums.values())


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """SCORES and DELTAS of a run, and the drops that AVERAGES are made of."""

    scores: pl.DataFrame
    deltas: pl.DataFrame
    drops: Drops

    @property
    def levels(self) -> list[CellLevel]:
        """The cells that averages are over."""
        return levels_of(self.scores, self.deltas)


def measured(
    stored: Iterable[Stored],
    facts: Facts,
    backend: ArrayBackend = CPU,
    known: Mapping[Stored, MeasuredPart] = MappingProxyType({}),
) -> MeasuredRun:
    """Measure a run, of which some task runs are `known`. Raises Mismatch, DataError where a file cannot be read."""
    keyed = sorted((known[files].key if files in known else _key(files), at, files) for at, files in enumerate(stored))
    groups = groupby((files for *_, files in keyed), key=known.__contains__)
    sources = [source for are_known, files in groups for source in (files if are_known else together(files, _height))]
    numbers = numbers_of([clusters for source in sources for clusters in _clusters(source, facts, known)])
    scored: list[pl.DataFrame] = [empty(SCORES)]
    rows: list[Compared] = []
    drops: dict[Key, Drop] = {}
    for source in sources:
        part = known[source] if isinstance(source, Stored) else _read(source, facts, backend)
        if part:
            scored.append(part.scores)
            rows.append(part.compared)
            drops |= drops_of(part.counted, numbers)
    return MeasuredRun(pl.concat(scored).sort(SCORES.key), deltas_of(rows, backend), drops)


def _read(files: Iterable[Stored], facts: Facts, backend: ArrayBackend) -> MeasuredPart | None:
    """What is measured of task runs from their files; None where there are no statistics."""
    stats = _stats(files)
    predictions = _collected([(run.predictions, store.scan(run.predictions).drop(_UNUSED)) for run in files])
    return None if stats.is_empty() else measured_part(stats, predictions, facts, backend)


def measured_part(
    stats: pl.DataFrame, predictions: pl.DataFrame, facts: Facts, backend: ArrayBackend = CPU
) -> MeasuredPart:
    """Measure whole task runs by their STATS and PREDICTIONS. Raises Mismatch."""
    of_files = cells(stats)
    scored = scores_of(of_files, predictions, stamped=facts.stamped, backend=backend)
    without_risk = drops_without_risk(of_files, predictions, backend)
    drops = compared(of_files, scored, facts.headlines, backend, without_risk)
    sums = counted(of_files, levels_of(scored, empty(DELTAS)))
    return MeasuredPart(_first(predictions), scored, drops, [*clusters_of(of_files, facts.tasks)], sums)


def _first(predictions: pl.DataFrame) -> tuple[str, ...]:
    """What the first of the keys of predictions begins with."""
    return min(predictions.select(BASE).unique().rows(), default=())


def _key(task_run: Stored) -> tuple[str, ...]:
    """What the keys of the predictions of a task run begin with."""
    with store.reading(task_run.predictions):
        return _first(store.scan(task_run.predictions).select(BASE).head(1).collect())


def _height(task_run: Stored) -> int:
    """The rows of STATS of a task run."""
    with store.reading(task_run.stats):
        return int(store.scan(task_run.stats).select(pl.len()).collect().item())


def _stats(files: Iterable[Stored], *only: pl.Expr) -> pl.DataFrame:
    """The rows of STATS of some task runs."""
    return _collected([(task_run.stats, store.scan(task_run.stats).filter(*only)) for task_run in files])


def _collected(rows: Iterable[tuple[Path, pl.LazyFrame]]) -> pl.DataFrame:
    """The rows of several files."""
    frames = []
    for path, of_file in rows:
        with store.reading(path):
            frames.append(of_file.collect(engine="streaming"))
    return pl.concat(frames, rechunk=True)


def _clusters(
    source: Stored | Sequence[Stored], facts: Facts, known: Mapping[Stored, MeasuredPart]
) -> Iterable[tuple[Key, Clustered]]:
    """The clusters of the clean cells of the models of task runs, known or not."""
    if isinstance(source, Stored):
        return known[source].clusters
    answers = ~pl.col("model").str.contains(f"^({CHANCE}|{SHALLOW})")
    clean = _stats(source, pl.col("condition") == CLEAN, pl.col("scope") == ALL, answers)
    return clusters_of(cells(clean), facts.tasks)
