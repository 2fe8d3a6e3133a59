"""Measures a run from the files of its task runs, some of which are in memory at a time.

A cell, what it is compared with and the strengths of its noise are in one task run. Of all of them together only what
tests and averages combine is kept: numbers of each cell and cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import polars as pl

from robust_xtreme.results import store
from robust_xtreme.results._cells import ALL, CLEAN, cells
from robust_xtreme.results._levels import Level, levels_of
from robust_xtreme.results.averages import Drops, clusters_of, drops_of, numbers_of
from robust_xtreme.results.averaging import Drop
from robust_xtreme.results.benchmark import Task
from robust_xtreme.results.components import Clustered
from robust_xtreme.results.degrade import Compared, compared, deltas_of
from robust_xtreme.results.intervals import CPU, Backend
from robust_xtreme.results.label_risk import drops_without_risk
from robust_xtreme.results.merging import BASE, together
from robust_xtreme.results.schema import CHANCE, DELTAS, SCORES, SHALLOW, empty
from robust_xtreme.results.score import scores_of

_UNUSED: Final = ("cluster", "fingerprint", "answer", "gold")
"""Columns of PREDICTIONS that no number is made of."""


@final
@dataclass(frozen=True, slots=True)
class Stored:
    """The files of a task run: its rows of PREDICTIONS and those of STATS, both sorted."""

    predictions: Path
    stats: Path


@final
@dataclass(frozen=True, slots=True)
class Measured:
    """SCORES and DELTAS of a run, and the drops that AVERAGES are made of."""

    scores: pl.DataFrame
    deltas: pl.DataFrame
    drops: Drops

    @property
    def levels(self) -> list[Level]:
        """The cells that averages are over."""
        return levels_of(self.scores, self.deltas)


def measured(
    stored: Iterable[Stored],
    headlines: Mapping[str, str],
    tasks: Mapping[str, Task],
    stamped: Collection[tuple[str, ...]] = (),
    backend: Backend = CPU,
) -> Measured:
    """Measure a run; see `score.scores_of`, `degrade.compared` and `averages.drops_of`.

    Raises Mismatch as they do, DataError where a file cannot be read.
    """
    batches = [*together(sorted(stored, key=_key), _height)]
    numbers = numbers_of([clusters for files in batches for clusters in _clusters(files, tasks)])
    scored: list[pl.DataFrame] = [empty(SCORES)]
    rows: list[Compared] = []
    drops: dict[tuple[tuple[str, ...], str], Drop] = {}
    for files in batches:
        stats, predictions = _stats(files), _predictions(files)
        if stats.is_empty():
            continue
        of_files = cells(stats)
        scored.append(scores_of(of_files, predictions, stamped=stamped, backend=backend))
        without_risk = drops_without_risk(stats, predictions, backend)
        rows.append(compared(of_files, scored[-1], headlines, backend, without_risk))
        drops |= drops_of(of_files, levels_of(scored[-1], empty(DELTAS)), numbers)
    return Measured(pl.concat(scored).sort(SCORES.key), deltas_of(rows, backend), drops)


def _key(task_run: Stored) -> tuple[str, ...]:
    """What the keys of the predictions of a task run begin with."""
    with store.reading(task_run.predictions):
        first = store.scan(task_run.predictions).select(BASE).head(1).collect()
        return first.row(0) if first.height else ()


def _height(task_run: Stored) -> int:
    """The rows of STATS of a task run."""
    with store.reading(task_run.stats):
        return int(store.scan(task_run.stats).select(pl.len()).collect().item())


def _stats(files: Iterable[Stored], *only: pl.Expr) -> pl.DataFrame:
    """The rows of STATS of some task runs."""
    return _collected([(task_run.stats, store.scan(task_run.stats).filter(*only)) for task_run in files])


def _predictions(files: Iterable[Stored]) -> pl.DataFrame:
    """What numbers are made of from the PREDICTIONS of some task runs."""
    return _collected([(run.predictions, store.scan(run.predictions).drop(_UNUSED)) for run in files])


def _collected(rows: Iterable[tuple[Path, pl.LazyFrame]]) -> pl.DataFrame:
    """The rows of several files."""
    frames = []
    for path, of_file in rows:
        with store.reading(path):
            frames.append(of_file.collect(engine="streaming"))
    return pl.concat(frames, rechunk=True)


def _clusters(
    files: Iterable[Stored], tasks: Mapping[str, Task]
) -> Iterator[tuple[tuple[tuple[str, ...], str], Clustered]]:
    """The clusters of the clean cells of the models of some task runs."""
    answers = ~pl.col("model").str.contains(f"^({CHANCE}|{SHALLOW})")
    return clusters_of(cells(_stats(files, pl.col("condition") == CLEAN, pl.col("scope") == ALL, answers)), tasks)
