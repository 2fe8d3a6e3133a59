"""SCORES: the value of each cell over its noise seeds, with interval, chance, shallow level and what noise did."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.files.schema import CHANCE, SCORES, SHALLOW, build
from robust_xtreme.stats._cells import ALL, Cell, cells, check_same
from robust_xtreme.stats._realised import ByCell, Row, by_cell, realised
from robust_xtreme.stats.claims import CLEAN
from robust_xtreme.stats.intervals import CPU, ArrayBackend, Estimate, estimate_difference, estimate_level

Split = tuple[str, ...]
"""What the cells of a model, of chance and of a shallow predictor share: data, task, split, languages, metric."""

_SPLIT: Final = ("data", "task", "split", "language", "context_language")


def scores(
    stats: pl.DataFrame,
    predictions: pl.DataFrame,
    *,
    stamped: Collection[tuple[str, ...]] = (),
    backend: ArrayBackend = CPU,
) -> pl.DataFrame:
    """SCORES from STATS and PREDICTIONS, one row per cell, metric and scope, sorted; see `scores_of`."""
    return scores_of(cells(stats), by_cell(predictions), stamped=stamped, backend=backend)


def scores_of(
    all_cells: Sequence[Cell],
    predictions: ByCell,
    *,
    stamped: Collection[tuple[str, ...]] = (),
    backend: ArrayBackend = CPU,
) -> pl.DataFrame:
    """SCORES of cells and their PREDICTIONS.

    The statistics of each noise seed are summed and reduced; the value is the mean over seeds. STATS contain those of
    the constants and of the shallow predictor, too; the chance of a cell is the best constant of its split. `stamped`
    are the models, tasks, splits and languages whose text the model has seen in training. Raises Mismatch, naming the
    example, where the items of a cell, of its noise seeds and of the constants are not the same.
    """
    levels = _Levels.of(all_cells)
    noise = realised(predictions)
    rows = [
        _row(cell, levels, noise, backend)
        | {"overlap": (cell.model, *(cell.columns[name] for name in _SPLIT[1:4])) in stamped}
        for cell in all_cells
        if cell.answers
    ]
    return build(rows, SCORES).sort(SCORES.key)


@final
@dataclass(frozen=True, slots=True)
class _Levels:
    """The best constant of each split, and the shallow predictor's cell on each split under each condition."""

    chance: Mapping[Split, Cell]
    shallow: Mapping[tuple[Split, str], Cell]

    @classmethod
    def of(cls, all_cells: Iterable[Cell]) -> _Levels:
        chance: dict[Split, Cell] = {}
        shallow: dict[tuple[Split, str], Cell] = {}
        for cell in all_cells:
            if cell.scope == ALL and cell.model.startswith(SHALLOW):
                shallow[_split(cell), cell.condition] = cell
            if cell.scope == ALL and cell.model.startswith(CHANCE):
                chance[_split(cell)] = max(chance.get(_split(cell), cell), cell, key=_rank)
        return cls(chance, shallow)


def _rank(cell: Cell) -> tuple[float, str]:
    return _value(cell), cell.model


def _split(cell: Cell) -> Split:
    return (*(cell.columns[name] for name in _SPLIT), cell.metric)


def _row(cell: Cell, levels: _Levels, noise: Mapping[tuple[str, ...], Row], backend: ArrayBackend) -> Row:
    if cell.key not in noise:
        raise Mismatch(f"STATS contain {cell.named()}, which PREDICTIONS do not.")
    estimate = estimate_level(cell.sums, cell.reduce, backend)
    values = [float(cell.reduce(sums.sum(0))) for sums in cell.sums]
    compared = cell.scope == ALL
    return {
        **cell.columns,
        "metric": cell.metric,
        "scope": cell.scope,
        "value": estimate.value,
        **interval(estimate),
        "n": len(cell.items.examples),
        "clusters": len(cell.items.clusters),
        "seeds": len(cell.seeds),
        "seed_spread": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "worst": None if cell.worst is None else float(cell.reduce(cell.worst)),
        **(_chance(cell, levels.chance.get(_split(cell)), backend) | _shallow(cell, levels) if compared else {}),
        **noise[cell.key],
    }


def interval(estimate: Estimate) -> Row:
    """The columns of an interval."""
    return {name: getattr(estimate, name) for name in ("se", "low", "high", "method")}


def _chance(cell: Cell, chance: Cell | None, backend: ArrayBackend) -> Row:
    if chance is None:
        return {}
    check_same(cell, chance)
    low = estimate_difference(cell.sums, chance.sums, cell.reduce, backend).low
    return {
        "chance": _value(chance),
        "chance_name": chance.model.removeprefix(CHANCE),
        "above_chance": low,
        "near_chance": None if low is None else low <= 0,
    }


def _shallow(cell: Cell, levels: _Levels) -> Row:
    clean, noisy = (levels.shallow.get((_split(cell), condition)) for condition in (CLEAN, cell.condition))
    if clean is None or noisy is None:
        return {}
    return {
        "shallow": _value(clean),
        "shallow_noisy": None if cell.condition == CLEAN else _value(noisy),
        "shallow_name": clean.model.removeprefix(SHALLOW),
        "shallow_source": clean.columns["inference"],
    }


def _value(cell: Cell) -> float:
    return float(cell.reduce(cell.sums.sum(-2)).mean())
