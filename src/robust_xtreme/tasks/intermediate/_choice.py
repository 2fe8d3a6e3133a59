"""Adapt questions with choices to learn from; questions on one passage share its text and are one cluster."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.examples import UNLABELLED, Choice, Example, Text, digest
from robust_xtreme.core.specs import Origin, Row

LENGTH: Final = 256
_QUESTION: Final = "question"


def fields(count: int, *, question: bool = True) -> tuple[str, ...]:
    """The fields of items with `count` choices; without `question`, the premise is the question."""
    return ("premise", *([_QUESTION] if question else []), *(f"choice{number}" for number in range(1, count + 1)))


def by_premise(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    """Examples with the fields `premise`, `question` where there is one, `choice1`, `choice2` and so on.

    The cluster is the row's own, or its premise; the label is a choice's index.
    """
    return tuple(_example(row, origin) for row in rows)


def _example(row: Row, origin: Origin) -> Example:
    id, premise = origin.id(row.native), row.values["premise"]
    fields = {_QUESTION: row.values[_QUESTION]} if _QUESTION in row.values else {}
    fields |= {f"choice{number}": value for number, value in enumerate(row.values["choices"], start=1)}
    texts = {name: Text(f"{id}/{name}", origin.language, value) for name, value in fields.items()}
    shared = Text(origin.shared("premise", digest(premise)), origin.language, premise)
    label = row.values["label"]
    target = UNLABELLED if label is None else Choice(label)
    return Example(id, {"premise": shared, **texts}, target, row.cluster or f"premise/{digest(premise)}")
