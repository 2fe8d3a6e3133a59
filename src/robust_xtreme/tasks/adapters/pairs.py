"""Adapt rows of sentence pairs and of choices as examples of classification."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

from robust_xtreme.core.errors import DataError, nearest
from robust_xtreme.core.examples import UNLABELLED, Choice, Example, Text, digest
from robust_xtreme.core.specs import Adapt, Origin, Row, TaskSpec

labelled_task = partial(TaskSpec, family="classification", metrics=("accuracy",))
choice_task = partial(TaskSpec, family="choice", metrics=("accuracy",))


def choice(questions: Mapping[str, str]) -> Adapt:
    """An adapter with the fields `premise`, `question`, `choice1`, `choice2` and so on; the label is a choice's index.

    `questions` gives the English question where a row names only its kind. The cluster is the row's own, or the item:
    translations of an item, which have the same index in their files, are one cluster.
    """

    def adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
        examples = []
        for row in rows:
            id, asked, label = origin.id(row.native), row.values["question"], row.values["label"]
            fields = {"premise": row.values["premise"]}
            fields |= {f"choice{number}": value for number, value in enumerate(row.values["choices"], start=1)}
            texts = {name: Text(f"{id}/{name}", origin.language, value) for name, value in fields.items()}
            language = "en" if asked in questions else origin.language
            texts["question"] = Text(f"{id}/question", language, questions.get(asked, asked))
            cluster = row.cluster or f"{origin.task}-{origin.split}/{row.native}"
            examples.append(Example(id, texts, UNLABELLED if label is None else Choice(label), cluster))
        return tuple(examples)

    return adapt


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


_PER_PREMISE: Final = 3


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
    target = labelled("contradiction" if label == "contradictory" else label, labels, row.location)
    return Example(id, texts, target, cluster)


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
    recur = len(rows) >= 30 and 2 * len({row.values["first"] for row in rows}) < len(rows)
    if recur and within * 10 > few >= between * 10:
        raise DataError(location, "equal premises are not in threes, as in XNLI: the rows are in another order.")
    if min(within, between) * 10 > few:
        what = "the premises do not change every third row, as in XNLI: a row is missing or was added."
        raise DataError(location, what)
