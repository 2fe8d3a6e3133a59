"""Clusters that are the same in several cells: numbers of the connected components of shared items.

A cluster is the same where it has the same name (the premise in XNLI, the passage in XQuAD and LAReQA). Clusters of
different names are joined where they contain the same item, as a passage of MLQA whose questions differ by language. A
missing link makes an interval too short; a wrong one only makes it less precise.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from robust_xtreme.stats._cells import Cell, Items

_CLUSTER, _ITEM = 0, 1
"""Seeds of the hashes of names of clusters and of items, so that they are not the same."""


@dataclass(frozen=True, slots=True)
class Clustered:
    """What is known of the items of a cell to join its clusters with those of others, hashes of names as uint64.

    `clusters` (G,) are those of the sorted clusters. `items` (m,) are those of the items that have the same id in every
    language, and `codes` (m,) the numbers of their clusters.
    """

    clusters: Any
    items: Any
    codes: Any


def clustered(items: Items, pattern: str) -> Clustered:
    """The hashes of the items of a cell; `pattern` is that of the ids that name the same item in every language."""
    natives = (example.split("/", 3)[-1] for example in items.examples)
    named, is_shared = zip(natives, items.codes, strict=True), re.compile(pattern).fullmatch
    shared = [(native, code) for native, code in named if is_shared(native)] if pattern else []
    codes = np.array([code for _, code in shared], np.int64)
    return Clustered(_hashes(items.clusters, _CLUSTER), _hashes([native for native, _ in shared], _ITEM), codes)


def _hashes(names: Sequence[str], seed: int) -> Any:
    return pl.Series(names, dtype=pl.String).hash(seed).to_numpy()


def components(cells: Sequence[Clustered]) -> list[Any]:
    """The numbers (G,) of the components of the clusters of each cell, int64; the first cluster has the number 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not cells:
        return []
    sizes = np.array([[len(cell.clusters), len(cell.items)] for cell in cells])
    nodes, _ = first_seen(np.concatenate([hashes for cell in cells for hashes in (cell.clusters, cell.items)]))
    starts = np.concatenate([[0], np.cumsum(sizes.ravel())])[:-1].reshape(-1, 2)
    many = int(nodes.max(initial=-1)) + 1
    left = np.concatenate([nodes[start + cell.codes] for cell, (start, _) in zip(cells, starts, strict=True)])
    right = np.concatenate([nodes[start : start + size] for (_, start), (_, size) in zip(starts, sizes, strict=True)])
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(many, many))
    _, labels = connected_components(graph, directed=False)
    return [labels[nodes[start : start + size]] for (start, _), (size, _) in zip(starts, sizes, strict=True)]


def first_seen(values: Any) -> tuple[Any, Any]:
    """The number of each value (n,) among the distinct ones in the order of their first, and these first (k,)."""
    _, first, numbers = np.unique(values, return_index=True, return_inverse=True)
    order = np.argsort(first)
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks[numbers], first[order]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of the components of clusters, int (clusters,), by the sorted hashes of their names, uint64."""

    hashes: Any
    numbers: Any

    @property
    def names(self) -> Any:
        """How many names the clusters of each component have, (components,)."""
        return np.bincount(self.numbers)

    def of(self, clusters: Sequence[str]) -> Any:
        """The numbers (G,) of the components of clusters by their names."""
        return self.numbers[np.searchsorted(self.hashes, _hashes(clusters, _CLUSTER))]


def numbered(cells: Iterable[Cell], parallel_ids: Mapping[str, str]) -> Numbers:
    """The numbers of the components of the clusters of cells; `parallel_ids` has a regular expression by task."""
    known = [clustered(items, pattern) for items, pattern in _distinct(cells, parallel_ids)]
    if not known:
        return Numbers(_hashes((), _CLUSTER), np.zeros(0, np.int64))
    numbers = np.concatenate(components(known))
    hashes, first = np.unique(np.concatenate([of_cell.clusters for of_cell in known]), return_index=True)
    return Numbers(hashes, numbers[first])


def _distinct(cells: Iterable[Cell], parallel_ids: Mapping[str, str]) -> Iterator[tuple[Items, str]]:
    """The items of cells and the pattern of their task, but for those of the cell before."""
    last: tuple[Items, str] | None = None
    for cell in cells:
        pattern = parallel_ids.get(cell.columns["task"], "")
        if last is None or last[0] is not cell.items or last[1] != pattern:
            last = cell.items, pattern
            yield last
