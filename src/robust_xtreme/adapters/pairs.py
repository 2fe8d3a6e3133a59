"""Adapt rows of sentence pairs as examples of classification, where pairs do not share sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from robust_xtreme.errors import DataError
from robust_xtreme.examples import UNLABELLED, Choice, Example, Text
from robust_xtreme.specs import Adapt, Origin, Row


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


def labelled(label: str | None, labels: Sequence[str], location: str, called: Iterable[str] = ()) -> Choice:
    """The index of a label in `labels`; `called` are further names that files may have. Raises DataError."""
    if label is None:
        return UNLABELLED
    if label not in labels:
        raise DataError(location, f"the label {label!r:.80} is none of: {', '.join((*called, *labels))}.")
    return Choice(labels.index(label))
