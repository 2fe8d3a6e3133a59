"""The drop of each perturbed cell over the items in which noise edits no number and no listed negator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from robust_xtreme.files.schema import CELL
from robust_xtreme.files.store import grouped
from robust_xtreme.stats._cells import ALL, CLEAN, Cell
from robust_xtreme.stats._realised import at_risk
from robust_xtreme.stats.intervals import CPU, ArrayBackend, Estimate, cluster_sums, estimate_difference

Drops = Mapping[tuple[str, ...], Estimate]
"""Drops by the values of CELL and the metric."""

Item = tuple[int, str]
"""A noise seed and an example."""


def drops_without_risk(all_cells: Sequence[Cell], predictions: pl.DataFrame, backend: ArrayBackend = CPU) -> Drops:
    """The drop, with its interval, of each cell with items at risk and others.

    Of each noise seed the sums of the items without risk are compared, perturbed and clean; the drop is the mean over
    the seeds that have such items. Its interval is that of any drop, over the clusters that have such items.
    """
    risky = dict(_risky(predictions))
    whole = [cell for cell in all_cells if cell.scope == ALL and cell.answers]
    clean = {(*cell.key[:-1], cell.metric): cell for cell in whole if cell.condition == CLEAN}
    pairs = [(clean.get((*cell.key[:-1], cell.metric)), cell) for cell in whole if cell.key in risky]
    drops = [(cell, _drop(twin, cell, _without(cell, risky[cell.key]), backend)) for twin, cell in pairs if twin]
    return {(*cell.key, cell.metric): drop for cell, drop in drops if drop}


def _risky(predictions: pl.DataFrame) -> Iterator[tuple[tuple[str, ...], list[Item]]]:
    """The cells in which noise edits a number or a negator, and the items of which it does."""
    items, cells, starts = grouped(predictions.filter(at_risk()), CELL, ("noise_seed", "example"))
    rows = items.select("noise_seed", "example").rows()
    for at, key in enumerate(cells.iter_rows()):
        yield key, rows[starts[at] : starts[at + 1]]


def _without(cell: Cell, risky: Iterable[Item]) -> Any:
    """Which items of a cell are left without some (noise seeds, items) bool."""
    kept = np.ones(cell.values.shape[:2], np.bool_)
    seeds, examples = ({value: at for at, value in enumerate(of)} for of in (cell.seeds, cell.items.examples))
    known = [(seeds[seed], examples[example]) for seed, example in risky if seed in seeds and example in examples]
    kept[tuple(np.array(known, np.int64).reshape(-1, 2).T)] = False
    return kept


def _drop(clean: Cell, noisy: Cell, kept: Any, backend: ArrayBackend) -> Estimate | None:
    """The drop over some items of a cell (noise seeds, items); None of none, and where the clean cell has others."""
    seeds, items = np.nonzero(kept)
    if not len(items) or not np.array_equal(clean.items.examples, noisy.items.examples):
        return None
    arms, clusters = (np.unique(of, return_inverse=True)[1] for of in (seeds, noisy.items.codes[items]))
    shape = int(arms.max()) + 1, int(clusters.max()) + 1
    slots = arms * shape[1] + clusters
    values = clean.values[0, items], noisy.values[seeds, items]
    before, after = (cluster_sums(each, slots, shape[0] * shape[1]).reshape(*shape, -1) for each in values)
    return estimate_difference(before, after, noisy.reduce, backend)
