"""Convert rows of the hub's training datasets into the values that the readers of release files yield."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.tasks.adapters import hub
from robust_xtreme.tasks.formats import index_of
from robust_xtreme.tasks.formats.commonsense_jsonl import LETTERS, five
from robust_xtreme.tasks.formats.cosmos_csv import asked
from robust_xtreme.tasks.formats.hellaswag_jsonl import completed

_SITUATION: Final = ("context", "question", "answerA", "answerB", "answerC")
_PASSAGE: Final = ("context", "question", "answer0", "answer1", "answer2", "answer3")


def labelled_pair(row: Mapping[str, Any], location: str) -> dict[str, Any] | None:
    """A pair of sentences with its label; None where annotators did not agree on a label."""
    return None if row.get("label") is None else hub.pair(row, location)


def questions(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """Two questions: `question1`, `question2` and `label`, the name of a class."""
    first, second, label = _texts(row, ("question1", "question2", "label"), location)
    return {"first": first.strip(), "second": second.strip(), "label": label}


def question_or_none(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A question in SQuAD's columns; a question without an answer is marked as impossible."""
    question = hub.question(row, location)
    return question if question["answers"] else {**question, "impossible": True}


def ending(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The beginning of a text and four endings: `ctx_a`, `ctx_b`, `endings` and `label`, a number as a text."""
    _texts(row, ("ctx_a", "ctx_b"), location)
    hub.value(row, "endings", list, location)
    return {**completed(row, location), "label": _index(row, 4, location)}


def passage(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A question on a passage: `context`, `question`, `answer0` to `answer3` and `label`."""
    _texts(row, _PASSAGE, location)
    return {**asked(row, location), "label": _index(row, 4, location)}


def commonsense(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A question: `question`, `choices` with lists of `label` and `text`, and `answerKey`, one of A to E."""
    premise, _ = _texts(row, ("question", "answerKey"), location)
    letters, texts = _lists(row.get("choices"), location)
    label = index_of(row, "answerKey", LETTERS, location)
    return {"premise": premise, "choices": five(letters, texts, location), "label": label}


def _lists(choices: Any, location: str) -> tuple[list[str], list[str]]:
    """The labels and the texts of choices, which must be equally many."""
    values = [choices.get(key) for key in ("label", "text")] if isinstance(choices, dict) else []
    lists = [value for value in values if isinstance(value, list) and all(isinstance(text, str) for text in value)]
    if len(lists) != 2 or len(lists[0]) != len(lists[1]):
        raise DataError(
            location, f"expected the column 'choices' to contain as many labels as texts, not {choices!r:.80}."
        )
    return lists[0], lists[1]


def situation(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """A question on a situation: `context`, `question`, `answerA` to `answerC` and `label`, a number from 1."""
    premise, question, *choices = _texts(row, _SITUATION, location)
    label = _index(row, len(choices) + 1, location)
    if not label:
        raise DataError(location, f"expected the column 'label' to contain a number from 1 to {len(choices)}, not 0.")
    return {"premise": premise, "question": question, "choices": tuple(choices), "label": label - 1}


def _texts(row: Mapping[str, Any], keys: tuple[str, ...], location: str) -> tuple[str, ...]:
    for key in keys:
        if not isinstance(row.get(key), str):
            raise DataError(location, f"expected the column {key!r} to contain a text, not {row.get(key)!r:.80}.")
    return tuple(row[key] for key in keys)


def _index(row: Mapping[str, Any], count: int, location: str) -> int:
    """The number in the column `label`, or in its text. Raises DataError where it is not below `count`."""
    value = row.get("label")
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
    if type(number) is not int or not 0 <= number < count:
        raise DataError(location, f"expected the column 'label' to contain a number below {count}, not {value!r:.80}.")
    return number
