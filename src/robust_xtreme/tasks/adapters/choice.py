"""Adapt rows of questions with choices: the premise, the question and each choice become a field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from robust_xtreme.core.examples import UNLABELLED, Choice, Example, Text
from robust_xtreme.core.specs import Adapt, Origin, Row

_ENGLISH: Final = "en"


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
            language = _ENGLISH if asked in questions else origin.language
            texts["question"] = Text(f"{id}/question", language, questions.get(asked, asked))
            cluster = row.cluster or f"{origin.task}-{origin.split}/{row.native}"
            examples.append(Example(id, texts, UNLABELLED if label is None else Choice(label), cluster))
        return tuple(examples)

    return adapt
