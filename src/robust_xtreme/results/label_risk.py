"""The drop of each perturbed cell over the items in which noise edits no number and no listed negator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme import registry
from robust_xtreme.results._cells import ALL, CLEAN, grouped
from robust_xtreme.results._realised import at_risk
from robust_xtreme.results.schema import CELL, CHANCE, SHALLOW

_ITEM: Final = (*CELL, "noise_seed", "example")
_TWIN: Final = (*CELL[:-1], "example")


def drops_without_risk(stats: pl.DataFrame, predictions: pl.DataFrame) -> Mapping[tuple[str, ...], float]:
    """The drop in points, by the values of CELL and the metric, of each cell with items at risk and others.

    Of each noise seed the sums of the items without risk are reduced, perturbed and clean; the drop is the mean of the
    differences over the seeds that have such items.
    """
    answers = ~(pl.col("model").str.starts_with(CHANCE) | pl.col("model").str.starts_with(SHALLOW))
    whole = stats.filter((pl.col("scope") == ALL) & answers)
    risky = predictions.filter(at_risk())
    noisy = whole.join(risky.select(CELL).unique(), on=CELL, how="semi").join(risky, on=_ITEM, how="anti")
    clean = whole.filter(pl.col("condition") == CLEAN).select(*_TWIN, "metric", clean="stats")
    pairs = noisy.join(clean, on=[*_TWIN, "metric"], how="inner")
    drops: dict[tuple[str, ...], float] = {}
    for (metric,), rows in pairs.partition_by("metric", as_dict=True).items():
        drops |= _drops(rows, str(metric))
    return drops


def _drops(pairs: pl.DataFrame, metric: str) -> dict[tuple[str, ...], float]:
    """The drops of one metric's cells, from rows with the sums of an item, perturbed (`stats`) and `clean`."""
    reduce = registry.load("metric", metric).reduce
    rows, groups, starts = grouped(pairs, (*CELL, "noise_seed"), ("example",))
    values, clean = (reduce(_summed(rows.get_column(name), starts)) for name in ("stats", "clean"))
    by_cell: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
    for key, drop in zip(groups.drop("noise_seed").iter_rows(), (clean - values).tolist(), strict=True):
        by_cell[*key, metric].append(drop)
    return {key: float(np.mean(drops)) for key, drops in by_cell.items()}


def _summed(sums: pl.Series, starts: Any) -> Any:
    """The sums of each group of rows (g, k), added in the order of the rows."""
    values = sums.explode().to_numpy().reshape(len(sums), -1)
    return np.add.reduceat(values, starts[:-1], axis=0)
