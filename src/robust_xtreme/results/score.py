"""SCORES: the value of each cell over its noise seeds, with interval, floor and what noise did."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.errors import Mismatch
from robust_xtreme.results._cells import ALL, CLEAN, FLOOR, Cell, cells, check_same
from robust_xtreme.results._realised import Row, realised
from robust_xtreme.results.intervals import CPU, Backend, Estimate, estimate_difference, estimate_level
from robust_xtreme.results.schema import CELL, FLOORS, SCORES, build

Split = tuple[str, ...]
"""What a floor and a cell share: data, task, split, language, metric."""

_SPLIT: Final = ("data", "task", "split", "language")


def scores(
    stats: pl.DataFrame, predictions: pl.DataFrame, *, stamped: Collection[tuple[str, ...]] = (), backend: Backend = CPU
) -> pl.DataFrame:
    """SCORES from STATS and PREDICTIONS, one row per cell, metric and scope, sorted; baselines come from floors' STATS.

    The statistics of each noise seed are summed and reduced; the value is the mean over seeds. The baseline of a cell
    is the floor with the greatest value on the same split; a cell is `at_floor` unless the lower 97.5 % bound of
    (model - baseline) is above 0. `stamped` are the models, tasks, splits and languages whose text the model has
    seen in training. Raises Mismatch, naming the example, where the items of a cell, of its noise seeds and of the
    floors are not the same.
    """
    all_cells = cells(stats)
    floors = _floors(cell for cell in all_cells if cell.model.startswith(FLOOR))
    noise = realised(predictions)
    rows = [
        _row(cell, floors.get(_split(cell), ()), noise, backend)
        | {"overlap": (cell.model, *map(cell.columns.get, _SPLIT[1:])) in stamped}
        for cell in all_cells
        if not cell.model.startswith(FLOOR)
    ]
    return build(_inherited(rows), SCORES).sort(SCORES.key)


def floor_values(stats: pl.DataFrame) -> pl.DataFrame:
    """FLOORS from STATS: the value of every floor and metric on every clean split, sorted."""
    floor_cells = cells(stats.filter(pl.col("model").str.starts_with(FLOOR)))
    rows = [
        {
            **{name: floor.columns[name] for name in _SPLIT},
            "metric": floor.metric,
            "floor": floor.model.removeprefix(FLOOR),
            "source": floor.columns["inference"],
            "value": _value(floor),
            "n": len(floor.items.examples),
            "clusters": len(floor.items.clusters),
        }
        for several in _floors(floor_cells).values()
        for floor in several
    ]
    return build(rows, FLOORS).sort(FLOORS.key)


def _split(cell: Cell) -> Split:
    return (*(cell.columns[name] for name in _SPLIT), cell.metric)


def _floors(floor_cells: Iterable[Cell]) -> dict[Split, list[Cell]]:
    floors: dict[Split, list[Cell]] = {}
    for cell in floor_cells:
        if cell.condition == CLEAN and cell.scope == ALL:
            floors.setdefault(_split(cell), []).append(cell)
    return floors


def _row(cell: Cell, floors: Iterable[Cell], noise: Mapping[tuple[str, ...], Row], backend: Backend) -> Row:
    if cell.key not in noise:
        raise Mismatch(f"STATS contain {cell.named()}, which PREDICTIONS do not.")
    estimate = estimate_level(cell.sums, cell.reduce, backend)
    values = [float(cell.reduce(sums.sum(0))) for sums in cell.sums]
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
        **_baseline(cell, floors, backend),
        **noise[cell.key],
    }


def interval(estimate: Estimate) -> Row:
    """The columns of an interval."""
    return {name: getattr(estimate, name) for name in ("se", "low", "high", "method")}


def _baseline(cell: Cell, floors: Iterable[Cell], backend: Backend) -> Row:
    best = max(floors, key=lambda floor: (_value(floor), floor.model), default=None)
    if best is None or cell.scope != ALL:
        return {"at_floor": False}
    check_same(cell, best)
    estimate = estimate_difference(cell.sums, best.sums, cell.reduce, backend)
    return {
        "baseline": _value(best),
        "baseline_name": best.model.removeprefix(FLOOR),
        "baseline_source": best.columns["inference"],
        "at_floor": estimate.low is None or estimate.low <= 0,
    }


def _value(cell: Cell) -> float:
    return float(cell.reduce(cell.sums.sum(-2)).mean())


def _inherited(rows: list[Row]) -> list[Row]:
    """The rows with `at_floor` of the clean cell also in its parts and its perturbed cells."""
    clean = {_key(row): row["at_floor"] for row in rows if row["scope"] == ALL and row["condition"] == CLEAN}
    at_floor = {(_key(row), row["condition"]): row["at_floor"] for row in rows if row["scope"] == ALL}
    return [
        {**row, "at_floor": clean.get(_key(row), at_floor.get((_key(row), row["condition"]), False))} for row in rows
    ]


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The cell without its condition, and the metric."""
    return (*(row[name] for name in CELL[:-1]), row["metric"])
