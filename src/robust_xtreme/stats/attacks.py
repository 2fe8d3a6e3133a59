"""Measures attacks: how often they succeed, at what cost, how far below random search; and what none can change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.metric import Array, share
from robust_xtreme.files.schema import ATTACKS, BELOW_RANDOM, CELL, CERTIFIED, build
from robust_xtreme.files.store import grouped
from robust_xtreme.stats._cells import ALL, cells
from robust_xtreme.stats.intervals import Estimate, cluster_sums, estimate_difference, estimate_level

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
    estimate = _share(attacked.get_column("first") > 0, attacked.get_column("cluster"))
    return {"success": estimate.value, "success_low": estimate.low, "success_high": estimate.high}


def _share(flags: pl.Series, clusters: pl.Series) -> Estimate:
    """The share of true ones, with its interval over clusters."""
    codes = clusters.rank("dense").to_numpy().astype(np.int64) - 1
    won = flags.cast(pl.Float64).to_numpy()
    sums = cluster_sums(np.stack((won, np.ones(len(won))), axis=1), codes, int(codes.max()) + 1)
    return estimate_level(sums[None], share)


def _curve(attacked: pl.DataFrame) -> dict[str, float]:
    """The success (points) by the number of queries, up to the most that an item has."""
    first, most = attacked.get_column("first"), int(attacked.get_column("queries").max() or 0)  # type: ignore[arg-type]  # whole numbers
    steps = [step for step in CURVE if step < most] + ([most] if most else [])
    return {str(step): 100.0 * _mean((first > 0) & (first <= step)) for step in steps}


def _mean(flags: pl.Series) -> float:
    """The share of true ones; 0 where there is none."""
    return int(flags.sum()) / max(1, len(flags))


_TIE: Final = 1e-12
"""How far above one half a probability must stay, so that rounding certifies nothing."""


def radius_of(bound: Any, deletion: float) -> Array:
    """The edits (n,) int64 of a text that leave an answer of a probability of at least `bound` (n,); -1: it abstains.

    The probability is over deletions of each unit with the probability `deletion`, from 0 to 1 without both. It is the
    greatest r with bound - 1 + deletion^r > 1/2 (docs/method.md; CERT-ED, arXiv 2408.00728).
    """
    powers = deletion ** np.arange(int(np.log(0.5) / np.log(deletion)) + 2)
    kept = np.asarray(bound)[..., None] - 1 + powers > 0.5 + _TIE
    return np.asarray(kept.sum(-1) - 1)


def certificates_of(items: pl.DataFrame, radii: Sequence[int]) -> pl.DataFrame:
    """The levels in points of each task and language at some radii (edits), from rows of CERTIFIED.

    `constant` is the share of the most frequent gold answer, `clean` and `smoothed` those of right answers, `certified`
    that of right smoothed ones with such a radius, `low` and `high` its interval over items, null below 20 clusters.
    """
    parts = items.partition_by(CERTIFIED.key[:-2], maintain_order=True)
    return pl.DataFrame([row for part in parts for row in _kept(part, radii)], infer_schema_length=None)


def _kept(items: pl.DataFrame, radii: Sequence[int]) -> Iterator[dict[str, Any]]:
    right, clean = (items[name].eq_missing(items["gold"]) for name in ("smoothed", "answer"))
    constant = items["gold"] == items["gold"].mode().sort()[0]
    levels = {name: 100.0 * _mean(it) for name, it in (("constant", constant), ("clean", clean), ("smoothed", right))}
    for radius in radii:
        estimate = _share(right & (items["radius"] >= radius).fill_null(value=False), items["cluster"])
        yield {
            **{name: items[name][0] for name in CERTIFIED.key[:-2]},
            "radius": radius,
            "items": items.height,
            "clusters": estimate.clusters,
            **levels,
            "certified": estimate.value,
            "low": estimate.low,
            "high": estimate.high,
            "abstained": _mean(items["radius"].is_null()),
        }
