"""Adapt rows of questions with choices: the premise, the question and each choice become a field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from robust_xtreme.examples import Choice, Example, Text
from robust_xtreme.specs import Origin, Row

UNLABELLED: Final = Choice(-1)
_ENGLISH: Final = "en"


def choice(questions: Mapping[str, str]) -> Callable[[tuple[Row, ...], Origin], tuple[Example, ...]]:
    """An adapter with the fields `premise`, `question`, `choice1`, `choice2` and so on; the label is a choice's index.

    `questions` gives the English question where a row names only its kind. The cluster is the row's own, or the item:
    translations of an item, which have the same index in their files, are one cluster.
    """

    def adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
        return tuple(_example(row, questions, origin) for row in rows)

    return adapt


def _example(row: Row, questions: Mapping[str, str], origin: Origin) -> Example:
    id = origin.id(row.native)
    fields = {"premise": row.values["premise"]}
    fields |= {f"choice{number}": value for number, value in enumerate(row.values["choices"], start=1)}
    texts = {name: Text(f"{id}/{name}", origin.language, value) for name, value in fields.items()}
    texts["question"] = _question(f"{id}/question", row.values["question"], questions, origin)
    label = row.values["label"]
    cluster = row.cluster or f"{origin.task}-{origin.split}/{row.native}"
    return Example(id, texts, UNLABELLED if label is None else Choice(label), cluster)


def _question(id: str, value: str, questions: Mapping[str, str], origin: Origin) -> Text:
    return Text(id, _ENGLISH, questions[value]) if value in questions else Text(id, origin.language, value)
