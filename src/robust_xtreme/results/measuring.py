"""Measures a run from the files of its task runs, one of which is in memory at a time.

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
from robust_xtreme.results.merging import BASE
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
    files = sorted(stored, key=_key)
    numbers = numbers_of([clusters for task_run in files for clusters in _clusters(task_run, tasks)])
    scored: list[pl.DataFrame] = [empty(SCORES)]
    rows: list[Compared] = []
    drops: dict[tuple[tuple[str, ...], str], Drop] = {}
    for task_run in files:
        stats, predictions = _rows(task_run)
        if stats.is_empty():
            continue
        of_run = cells(stats)
        scored.append(scores_of(of_run, predictions, stamped=stamped, backend=backend))
        without_risk = drops_without_risk(stats, predictions, backend)
        rows.append(compared(of_run, scored[-1], headlines, backend, without_risk))
        drops |= drops_of(of_run, levels_of(scored[-1], empty(DELTAS)), numbers)
    return Measured(pl.concat(scored).sort(SCORES.key), deltas_of(rows, backend), drops)


def _key(task_run: Stored) -> tuple[str, ...]:
    """What the keys of the predictions of a task run begin with."""
    with store.reading(task_run.predictions):
        first = store.scan(task_run.predictions).select(BASE).head(1).collect()
        return first.row(0) if first.height else ()


def _rows(task_run: Stored) -> tuple[pl.DataFrame, pl.DataFrame]:
    """STATS of a task run, and what numbers are made of from its PREDICTIONS."""
    with store.reading(task_run.stats):
        stats = store.scan(task_run.stats).collect(engine="streaming")
    with store.reading(task_run.predictions):
        return stats, store.scan(task_run.predictions).drop(_UNUSED).collect(engine="streaming")


def _clusters(task_run: Stored, tasks: Mapping[str, Task]) -> Iterator[tuple[tuple[tuple[str, ...], str], Clustered]]:
    """The clusters of the clean cells of a task run's model."""
    answers = ~pl.col("model").str.contains(f"^({CHANCE}|{SHALLOW})")
    clean = store.scan(task_run.stats).filter(pl.col("condition") == CLEAN, pl.col("scope") == ALL, answers)
    with store.reading(task_run.stats):
        return clusters_of(cells(clean.collect(engine="streaming")), tasks)
