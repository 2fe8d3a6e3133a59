"""Adapt rows of sentence pairs as examples of natural language inference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.examples import Choice, Example, Text, digest
from robust_xtreme.specs import Origin, Row

UNLABELLED: Final = Choice(-1)
_PER_PREMISE: Final = 3
_TELLING: Final = 30
_SYNONYMS: Final = {"contradictory": "contradiction"}


def nli(labels: tuple[str, ...]) -> Callable[[tuple[Row, ...], Origin], tuple[Example, ...]]:
    """An adapter with the fields `premise` and `hypothesis`; its labels are indices of `labels`.

    In validation and test each premise has three hypotheses, and the cluster is `row // 3`, because distinct items may
    have equal premises. In train rows do not have this order, and equal premises are one cluster. Rows that name
    their cluster keep it, and equal premises are one text.
    """

    def adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
        if rows[0].cluster:
            return tuple(_example(row, row.cluster, _premise(row, origin), labels, origin) for row in rows)
        if origin.split == "train":
            clusters = [f"premise/{digest(row.values['first'])}" for row in rows]
            return tuple(
                _example(row, cluster, origin.shared("premise", cluster), labels, origin)
                for row, cluster in zip(rows, clusters, strict=True)
            )
        _check_order(rows)
        return tuple(_in_triple(index, rows, labels, origin) for index in range(len(rows)))

    return adapt


def _premise(row: Row, origin: Origin) -> str:
    return origin.shared("premise", digest(row.values["first"]))


def _in_triple(index: int, rows: tuple[Row, ...], labels: tuple[str, ...], origin: Origin) -> Example:
    """One pair; a premise that differs from the first of its three is a separate text."""
    first = rows[index - index % _PER_PREMISE].values["first"]
    cluster = f"{origin.task}-{origin.split}/{index // _PER_PREMISE}"
    row = rows[index]
    premise_id = f"{origin.id(row.native)}/premise"
    premise = origin.shared("premise", cluster) if row.values["first"] == first else premise_id
    return _example(row, cluster, premise, labels, origin)


def _example(row: Row, cluster: str, premise: str, labels: tuple[str, ...], origin: Origin) -> Example:
    """One pair; `premise` is the id of that text."""
    id = origin.id(row.native)
    texts = {
        "premise": Text(premise, origin.language, row.values["first"]),
        "hypothesis": Text(f"{id}/hypothesis", origin.language, row.values["second"]),
    }
    return Example(id, texts, _target(row, labels), cluster)


def _target(row: Row, labels: tuple[str, ...]) -> Choice:
    label = row.values["label"]
    if label is None:
        return UNLABELLED
    label = _SYNONYMS.get(label, label)
    if label not in labels:
        raise DataError(row.location, f"the label {label!r} is none of: {', '.join(labels)}.")
    return Choice(labels.index(label))


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
        raise DataError(
            location, "the premises do not change every third row, as in XNLI: a row is missing or was added."
        )
