"""Adapt rows of sentence pairs as examples of natural language inference."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Example, Text, digest
from robust_xtreme.core.specs import Adapt, Origin, Row
from robust_xtreme.tasks.adapters.pairs import labelled

_PER_PREMISE: Final = 3
_TELLING: Final = 30
_SYNONYMS: Final = {"contradictory": "contradiction"}


def nli(labels: tuple[str, ...]) -> Adapt:
    """An adapter with the fields `premise` and `hypothesis`; its labels are indices of `labels`.

    In validation and test each premise has three hypotheses, and the cluster is `row // 3`, because distinct items may
    have equal premises. In train rows do not have this order, and equal premises are one cluster. Rows that name
    their cluster keep it, and equal premises are one text.
    """

    def adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
        if not rows[0].cluster and origin.split != "train":
            _check_order(rows)
        return tuple(_example(index, rows, labels, origin) for index in range(len(rows)))

    return adapt


def _example(index: int, rows: tuple[Row, ...], labels: tuple[str, ...], origin: Origin) -> Example:
    row = rows[index]
    id, first = origin.id(row.native), row.values["first"]
    if row.cluster:
        cluster, premise = row.cluster, origin.shared("premise", digest(first))
    elif origin.split == "train":
        cluster = f"premise/{digest(first)}"
        premise = origin.shared("premise", cluster)
    else:
        cluster = f"{origin.task}-{origin.split}/{index // _PER_PREMISE}"
        is_shared = first == rows[index - index % _PER_PREMISE].values["first"]
        premise = origin.shared("premise", cluster) if is_shared else f"{id}/premise"
    texts = {
        "premise": Text(premise, origin.language, first),
        "hypothesis": Text(f"{id}/hypothesis", origin.language, row.values["second"]),
    }
    label = row.values["label"]
    return Example(id, texts, labelled(_SYNONYMS.get(label, label), labels, row.location), cluster)


def _check_order(rows: Sequence[Row]) -> None:
    """Refuse files with a missing or added row: premises then change within threes and continue between them.

    Files in another order are refused too: in them premises recur, but not in threes.
    """
    within, between = 0, 0
    for index, (first, other) in enumerate(pairwise(rows)):
        same = first.values["first"] == other.values["first"]
        if index % _PER_PREMISE == _PER_PREMISE - 1:
            between += same
        else:
            within += not same
    few = len(rows) // _PER_PREMISE
    location = rows[0].location.rpartition(":")[0]
    recur = len(rows) >= _TELLING and 2 * len({row.values["first"] for row in rows}) < len(rows)
    if recur and within * 10 > few >= between * 10:
        raise DataError(location, "equal premises are not in threes, as in XNLI: the rows are in another order.")
    if min(within, between) * 10 > few:
        what = "the premises do not change every third row, as in XNLI: a row is missing or was added."
        raise DataError(location, what)
