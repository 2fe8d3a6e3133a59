"""Measures attacks: how often they succeed, at what cost, and how far below random search they come."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.metric import share
from robust_xtreme.files.schema import ATTACKS, BELOW_RANDOM, CELL, build
from robust_xtreme.files.store import grouped
from robust_xtreme.stats._cells import ALL, cells
from robust_xtreme.stats.intervals import cluster_sums, estimate_difference, estimate_level

_RANDOM, _SEARCH = "@search=random", re.compile("@search=[^@]+")
CURVE: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Queries at which a curve has the success."""


def attacks_of(parts: Iterable[tuple[pl.DataFrame, pl.LazyFrame]]) -> pl.DataFrame:
    """ATTACKS from parts with rows of ATTACKED and of STATS by the headline metric; noise seeds are further items."""
    return build([row for part in parts for row in _rows(*part)], ATTACKS)


def _rows(items: pl.DataFrame, stats: pl.LazyFrame) -> Iterator[dict[str, Any]]:
    rows, keys, starts = grouped(items, CELL, ("noise_seed", "example"))
    bounds = zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    below = _below_random(stats.filter(scope=ALL).join(keys.lazy(), on=CELL, how="semi").collect())
    for key, (low, high) in zip(keys.iter_rows(), bounds, strict=True):
        yield {**dict(zip(CELL, key, strict=True)), **_measured(rows[low:high]), **below.get(key, {})}


def _below_random(stats: pl.DataFrame) -> dict[tuple[str, ...], dict[str, float | None]]:
    """By how much the level of each cell is below that of random search by the same moves, where it has one."""
    every = {cell.key: (cell, (*cell.key[:-1], _SEARCH.sub("", cell.condition))) for cell in cells(stats)}
    drawn = {moves: cell for cell, moves in every.values() if _RANDOM in cell.condition}
    below = {}
    for key, (cell, moves) in every.items():
        twin = drawn.get(moves, cell)
        if twin is not cell and twin.seeds == cell.seeds:
            estimate = estimate_difference(twin.sums, cell.sums, cell.reduce)
            below[key] = dict(zip(BELOW_RANDOM, (estimate.value, estimate.low, estimate.high), strict=True))
    return below


def _measured(items: pl.DataFrame) -> dict[str, Any]:
    attacked = items.filter(~pl.col("skipped"))
    won = attacked.filter(pl.col("first") > 0)
    return {
        "n": items.height,
        "clusters": items.get_column("cluster").n_unique(),
        "attacked": attacked.height,
        "no_edit": _mean(attacked.get_column("allowed") == 0),
        **_success(attacked),
        "queries": attacked.get_column("queries").mean(),
        "queries_to_success": won.get_column("first").mean(),
        "words": won.get_column("words").mean(),
        "graphemes": won.get_column("graphemes").mean(),
        "curve": json.dumps(_curve(attacked)),
    }


def _success(attacked: pl.DataFrame) -> dict[str, Any]:
    """The share of the attacked items with a success, and its interval, over the clusters that have such items."""
    if not attacked.height:
        return {}
    codes = attacked.get_column("cluster").rank("dense").to_numpy().astype(np.int64) - 1
    won = attacked.get_column("first").gt(0).cast(pl.Float64).to_numpy()
    sums = cluster_sums(np.stack((won, np.ones(len(won))), axis=1), codes, int(codes.max()) + 1)
    estimate = estimate_level(sums[None], share)
    return {"success": estimate.value, "success_low": estimate.low, "success_high": estimate.high}


def _curve(attacked: pl.DataFrame) -> dict[str, float]:
    """The success (points) by the number of queries, up to the most that an item has."""
    first, most = attacked.get_column("first"), int(attacked.get_column("queries").max() or 0)  # type: ignore[arg-type]  # whole numbers
    steps = [step for step in CURVE if step < most] + ([most] if most else [])
    return {str(step): 100.0 * _mean((first > 0) & (first <= step)) for step in steps}


def _mean(flags: pl.Series) -> float:
    """The share of true ones; 0 where there is none."""
    return int(flags.sum()) / max(1, len(flags))
