"""Clusters that are the same in several cells: numbers of the connected components of shared items.

A cluster is the same where it has the same name (the premise in XNLI, the passage in XQuAD and LAReQA). Clusters of
different names are joined where they contain the same item, as a passage of MLQA whose questions differ by language. A
missing link makes an interval too short; a wrong one only makes it less precise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from robust_xtreme.results._cells import Cell, Items


def numbered(cells: Iterable[Cell], parallel_ids: Mapping[str, str]) -> dict[str, int]:
    """The number of each cluster's component, by the cluster's name.

    `parallel_ids` maps a task to a regular expression of the native ids that name the same item in every language.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes: dict[tuple[str, str], int] = {}
    links = []
    for cell in cells:
        clusters = [nodes.setdefault(("cluster", name), len(nodes)) for name in cell.items.clusters]
        if pattern := parallel_ids.get(cell.columns["task"]):
            links += [
                (clusters[code], nodes.setdefault(("item", native), len(nodes)))
                for native, code in _shared(cell.items, re.compile(pattern))
            ]
    ends = np.array(links, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(nodes), len(nodes)))
    _, labels = connected_components(graph, directed=False)
    return {name: int(labels[node]) for (kind, name), node in nodes.items() if kind == "cluster"}


def _shared(items: Items, pattern: re.Pattern[str]) -> Iterable[tuple[str, Any]]:
    """The native ids of items that have the same id in every language, and the number of their cluster in the cell."""
    for example, code in zip(items.examples, items.codes, strict=True):
        native = example.split("/", 3)[-1]
        if pattern.fullmatch(native):
            yield native, code
