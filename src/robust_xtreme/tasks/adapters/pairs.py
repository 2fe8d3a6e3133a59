"""Adapt rows of sentence pairs as examples of classification, where pairs do not share sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from robust_xtreme.core.errors import DataError, nearest
from robust_xtreme.core.examples import UNLABELLED, Choice, Example, Text
from robust_xtreme.core.specs import Adapt, Origin, Row

_SHOWN: Final = 20
"""The most labels that a message lists."""


def pairs(labels: tuple[str, ...], called: Mapping[str, str]) -> Adapt:
    """An adapter with the fields `sentence1` and `sentence2`; its labels are indices of `labels`.

    `called` maps the labels of files to their names. The cluster is the row's own, or the item: translations of an
    item, which have the same index in their files, are one cluster.
    """

    def adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
        examples = []
        for row in rows:
            id, label = origin.id(row.native), row.values["label"]
            values = {"sentence1": row.values["first"], "sentence2": row.values["second"]}
            texts = {name: Text(f"{id}/{name}", origin.language, value) for name, value in values.items()}
            cluster = row.cluster or f"{origin.task}-{origin.split}/{row.native}"
            target = labelled(called.get(label, label), labels, row.location, called)
            examples.append(Example(id, texts, target, cluster))
        return tuple(examples)

    return adapt


def none_of(labels: Sequence[str], label: str) -> str:
    """The end of a message on an unknown label: the known ones, or the first of many, and the nearest."""
    more = f" and {len(labels) - _SHOWN} others" if len(labels) > _SHOWN else ""
    return f"is none of: {', '.join(labels[:_SHOWN])}{more}.{nearest(label[:80], labels)}"


def labelled(label: str | None, labels: Sequence[str], location: str, called: Iterable[str] = ()) -> Choice:
    """The index of a label in `labels`; `called` are further names that files may have. Raises DataError."""
    if label is None:
        return UNLABELLED
    if label not in labels:
        raise DataError(location, f"the label {label!r:.80} {none_of((*called, *labels), label)}")
    return Choice(labels.index(label))
