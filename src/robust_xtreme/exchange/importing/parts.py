"""The files of the task runs of imported rows, written some rows at a time: memory has them once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

import polars as pl

from robust_xtreme.core import strict_json
from robust_xtreme.core.errors import Mismatch, UserError, shown
from robust_xtreme.exchange.importing.frames import predictions_of
from robust_xtreme.exchange.importing.scoring import Scoring, constants_of, metric_of, mixed, stats_of
from robust_xtreme.files import store
from robust_xtreme.files.frames import check_columns
from robust_xtreme.files.schema import CELL, CHANCE, PREDICTIONS, STATS, Frame
from robust_xtreme.stats.measuring import Stored

_ROWS: Final = 1 << 17
_CELL: Final = (*CELL, "noise_seed")


@final
@dataclass(frozen=True, slots=True)
class ImportedRows:
    """The rows of a task run in the order of PREDICTIONS, each once, and how they are scored.

    `metrics` has those that were found, of each model, `computed` whether each comes from predictions, `beside` what
    was computed beside what is stated.
    """

    rows: pl.DataFrame
    scoring: Scoring
    path: str
    metrics: dict[str, frozenset[str]] = field(default_factory=dict)
    computed: dict[str, bool] = field(default_factory=dict)
    beside: list[pl.DataFrame] = field(default_factory=list)

    def write(self, predictions: Path, stats: Path) -> Stored:
        """Write both files. Raises DataError and Mismatch naming an example, DiskError."""
        _write(predictions, self._predictions, PREDICTIONS)
        _write(stats, self._stats, STATS)
        return Stored(predictions, stats)

    def _predictions(self) -> Iterator[pl.DataFrame]:
        for rows in self.rows.iter_slices(_ROWS):
            yield check_columns(predictions_of(rows, self.scoring, self.path), PREDICTIONS)

    def _stats(self) -> Iterator[pl.DataFrame]:
        """STATS of the rows, and where they belong in the order of models those of constants."""
        scored = map(self._scored, self.rows.iter_slices(_ROWS))
        first = next(scored)
        constants = store.canonical(constants_of(self.rows, self.scoring, [*self.metric_names]), STATS)
        is_before = self.rows.item(0, "model") > CHANCE
        yield from (constants, first) if is_before else (first,)
        yield from scored
        yield from () if is_before else (constants,)

    def _scored(self, rows: pl.DataFrame) -> pl.DataFrame:
        stats, computed, beside = stats_of(rows, self.scoring, self.path)
        self.beside.append(beside)
        for metric in stats.get_column("metric").unique().sort():
            if self.computed.setdefault(metric, metric in computed) != (metric in computed):
                raise Mismatch(mixed(rows.item(0, "example"), metric, self.path))
        of_cells = stats.filter(pl.col("scope") == "all").group_by(_CELL).agg(pl.col("metric").unique())
        for *cell, metrics in of_cells.iter_rows():
            self._check(rows, tuple(cell), frozenset(metrics))
        return check_columns(stats, STATS)

    def _check(self, rows: pl.DataFrame, cell: tuple[object, ...], metrics: frozenset[str]) -> None:
        """Raise Mismatch where rows of a cell have other metrics than rows of the same model before."""
        before = self.metrics.setdefault(str(cell[0]), metrics)
        if other := sorted(before ^ metrics):
            of_cell = rows.filter(*(pl.col(name) == value for name, value in zip(_CELL, cell, strict=True)))
            has = "no" if other[0] in before else "a value of"
            where = f"{of_cell.item(0, 'task')}/{of_cell.item(0, 'language')} {of_cell.item(0, 'condition')}"
            what = f"the example {shown(of_cell.item(0, 'example'))} of {where} has {has} {other[0]}"
            raise Mismatch(f"{self.path}: {what}, and others do {'' if has == 'no' else 'not'}".rstrip())

    @property
    def metric_names(self) -> dict[str, None]:
        """The metrics that were found: in the order of the task, then those given, in the order of the first row."""
        there = frozenset[str]().union(*self.metrics.values())
        scores = self.rows.get_column("scores").drop_nulls().head(1)
        given = [metric_of(name) for name in strict_json.loads(scores.item())] if len(scores) else []
        return dict.fromkeys(name for name in (*self.scoring.metrics, *given, *sorted(there)) if name in there)


def _write(path: Path, chunks: Callable[[], Iterator[pl.DataFrame]], frame: Frame) -> None:
    """Write sorted rows. An error of a user is raised as it is, not as one of polars, which asks for the rows."""
    raised: list[UserError] = []

    def watched() -> Iterator[pl.DataFrame]:
        try:
            yield from chunks()
        except UserError as error:
            raised.append(error)
            raise

    try:
        store.write_sorted(path, watched(), frame)
    except pl.exceptions.PolarsError:
        if raised:
            raise raised[0] from None
        raise
    except OSError as error:
        raise store.disk_error(path, error) from error


def headline_first(metrics: Mapping[str, None], headline: str) -> list[str]:
    """The metrics of a task, the one that claims are made on first."""
    return [*([headline] if headline in metrics else []), *(name for name in metrics if name != headline)]
