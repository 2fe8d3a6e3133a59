"""The drop of each perturbed cell over the items in which noise edits no number and no listed negator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import polars as pl

from robust_xtreme.metric import named
from robust_xtreme.results._cells import ALL, CLEAN
from robust_xtreme.results._realised import at_risk
from robust_xtreme.results.intervals import CPU, Backend, Estimate, cluster_sums, estimate_difference
from robust_xtreme.results.schema import CELL, CHANCE, SHALLOW
from robust_xtreme.results.sorting import grouped

_ITEM: Final = (*CELL, "noise_seed", "example")
_TWIN: Final = (*CELL[:-1], "example")

Drops = Mapping[tuple[str, ...], Estimate]
"""Drops by the values of CELL and the metric."""


def drops_without_risk(stats: pl.DataFrame, predictions: pl.DataFrame, backend: Backend = CPU) -> Drops:
    """The drop, with its interval, of each cell with items at risk and others.

    Of each noise seed the sums of the items without risk are compared, perturbed and clean; the drop is the mean over
    the seeds that have such items. Its interval is that of any drop, over the clusters that have such items.
    """
    answers = ~(pl.col("model").str.starts_with(CHANCE) | pl.col("model").str.starts_with(SHALLOW))
    whole = stats.filter((pl.col("scope") == ALL) & answers)
    risky = predictions.filter(at_risk())
    if risky.is_empty():
        return {}
    noisy = whole.join(risky.select(CELL).unique(), on=CELL, how="semi").join(risky, on=_ITEM, how="anti")
    clean = whole.filter(pl.col("condition") == CLEAN).select(*_TWIN, "metric", clean="stats")
    pairs = noisy.join(clean, on=[*_TWIN, "metric"], how="inner")
    by_metric = pairs.partition_by("metric", as_dict=True).items()
    return {key: drop for (metric,), rows in by_metric for key, drop in _drops(rows, str(metric), backend)}


def _drops(pairs: pl.DataFrame, metric: str, backend: Backend) -> Iterator[tuple[tuple[str, ...], Estimate]]:
    """The drops of one metric's cells, from rows with the sums of an item, perturbed (`stats`) and `clean`."""
    reduce = named(metric).reduce
    rows, cells, starts = grouped(pairs, CELL, ("noise_seed", "example"))
    for number, key in enumerate(cells.iter_rows()):
        of_cell = rows[int(starts[number]) : int(starts[number + 1])]
        # arms, clusters (n,): the number of the noise seed and of the cluster of each row.
        arms, clusters = (of_cell.get_column(name).rank("dense").to_numpy() - 1 for name in ("noise_seed", "cluster"))
        shape = int(arms.max()) + 1, int(clusters.max()) + 1
        slots = arms.astype(np.int64) * shape[1] + clusters
        values = (of_cell.get_column(name).explode().to_numpy().reshape(len(slots), -1) for name in ("clean", "stats"))
        before, after = (cluster_sums(sums, slots, shape[0] * shape[1]).reshape(*shape, -1) for sums in values)
        yield (*key, metric), estimate_difference(before, after, reduce, backend)
