"""The drop of each perturbed cell over the items in which noise edits no number and no listed negator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from robust_xtreme.errors import Mismatch
from robust_xtreme.results._cells import ALL, CLEAN, Cell
from robust_xtreme.results._realised import ByCell, at_risk
from robust_xtreme.results.intervals import CPU, Backend, Estimate, cluster_sums, estimate_difference

Drops = Mapping[tuple[str, ...], Estimate]
"""Drops by the values of CELL and the metric."""


def drops_without_risk(all_cells: Sequence[Cell], predictions: ByCell, backend: Backend = CPU) -> Drops:
    """The drop, with its interval, of each cell with items at risk and others.

    Of each noise seed the sums of the items without risk are compared, perturbed and clean; the drop is the mean over
    the seeds that have such items. Its interval is that of any drop, over the clusters that have such items. Raises
    Mismatch where a cell has other items in PREDICTIONS.
    """
    risky = dict(_risky(predictions))
    whole = [cell for cell in all_cells if cell.scope == ALL and cell.answers]
    clean = {(*cell.key[:-1], cell.metric): cell for cell in whole if cell.condition == CLEAN}
    pairs = [(clean.get((*cell.key[:-1], cell.metric)), cell) for cell in whole if cell.key in risky]
    drops = [(cell, _drop(twin, cell, ~risky[cell.key], backend)) for twin, cell in pairs if twin]
    return {(*cell.key, cell.metric): drop for cell, drop in drops if drop}


def _risky(predictions: ByCell) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The cells in which noise edits a number or a negator, and of which of its rows (n,) it does."""
    risks = predictions.rows.select(at_risk()).to_series().to_numpy()
    for at, key in enumerate(predictions.keys):
        of_cell = risks[predictions.starts[at] : predictions.starts[at + 1]]
        if of_cell.any():
            yield key, of_cell


def _drop(clean: Cell, noisy: Cell, kept: Any, backend: Backend) -> Estimate | None:
    """The drop over some items of a cell, by noise seed and item (n,); None where there is none."""
    if kept.size != noisy.values[..., 0].size or not np.array_equal(clean.items.examples, noisy.items.examples):
        raise Mismatch(f"{noisy.named()} has other items in PREDICTIONS, or another clean cell, than in STATS.")
    seeds, items = np.nonzero(kept.reshape(noisy.values.shape[:2]))
    if not len(items):
        return None
    arms, clusters = (np.unique(of, return_inverse=True)[1] for of in (seeds, noisy.items.codes[items]))
    shape = int(arms.max()) + 1, int(clusters.max()) + 1
    slots = arms * shape[1] + clusters
    values = clean.values[0, items], noisy.values[seeds, items]
    before, after = (cluster_sums(each, slots, shape[0] * shape[1]).reshape(*shape, -1) for each in values)
    return estimate_difference(before, after, noisy.reduce, backend)
