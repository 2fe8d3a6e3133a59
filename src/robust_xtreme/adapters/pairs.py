"""Adapt rows of sentence pairs as examples of classification, where pairs do not share sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.examples import Choice, Example, Text
from robust_xtreme.specs import Origin, Row

UNLABELLED: Final = Choice(-1)


def pairs(
    labels: tuple[str, ...], called: Mapping[str, str]
) -> Callable[[tuple[Row, ...], Origin], tuple[Example, ...]]:
    """An adapter with the fields `sentence1` and `sentence2`; its labels are indices of `labels`.

    `called` maps the labels of files to their names. The cluster is the row's own, or the item: translations of an
    item, which have the same index in their files, are one cluster.
    """

    def adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
        return tuple(_example(row, labels, called, origin) for row in rows)

    return adapt


def _example(row: Row, labels: tuple[str, ...], called: Mapping[str, str], origin: Origin) -> Example:
    id = origin.id(row.native)
    texts = {
        "sentence1": Text(f"{id}/sentence1", origin.language, row.values["first"]),
        "sentence2": Text(f"{id}/sentence2", origin.language, row.values["second"]),
    }
    cluster = row.cluster or f"{origin.task}-{origin.split}/{row.native}"
    return Example(id, texts, _target(row, labels, called), cluster)


def _target(row: Row, labels: tuple[str, ...], called: Mapping[str, str]) -> Choice:
    label = row.values["label"]
    if label is None:
        return UNLABELLED
    name = called.get(label, label)
    if name not in labels:
        raise DataError(row.location, f"the label {label!r:.80} is none of: {', '.join((*called, *labels))}.")
    return Choice(labels.index(name))
