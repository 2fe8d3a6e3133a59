"""CommonsenseQA's questions with five answers each, and no passage: a JSON object each line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats._json import objects, text_of
from robust_xtreme.formats.hellaswag_jsonl import FIELDS, record
from robust_xtreme.specs import Row

SAMPLE: Final = (
    '{"answerKey": "B", "id": "c1", "question": {"question_concept": "bread", "stem": "Where is bread made?", '
    '"choices": [{"label": "A", "text": "lake"}, {"label": "B", "text": "bakery"}, {"label": "C", "text": "moon"}, '
    '{"label": "D", "text": "bank"}, {"label": "E", "text": "sky"}]}}\n'
    '{"answerKey": "E", "id": "c2", "question": {"question_concept": "fish", "stem": "Where do fish live?", '
    '"choices": [{"label": "A", "text": "tree"}, {"label": "B", "text": "car"}, {"label": "C", "text": "oven"}, '
    '{"label": "D", "text": "hat"}, {"label": "E", "text": "river"}]}}\n'
)

__all__ = ["FIELDS", "SAMPLE", "five", "index_of", "read", "record"]

_LETTERS: Final = ("A", "B", "C", "D", "E")


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line: the question as `premise`, five `choices`, and `label`, None where there is no answer.

    Raises DataError where a line has another form, or its answer is not one of A to E.
    """
    return tuple(_row(row, location) for row, location in objects(text, path))


def _row(row: Mapping[str, Any], location: str) -> Row:
    native, asked = text_of(row, "id", location), row.get("question")
    if not isinstance(asked, dict) or not {"stem", "choices"} <= asked.keys():
        raise DataError(location, "the key 'question' takes an object with 'stem' and 'choices'.")
    values = {"premise": text_of(asked, "stem", location), "choices": _choices(asked["choices"], location)}
    label = None if row.get("answerKey") in (None, "") else index_of(row["answerKey"], location)
    return Row(native, location, {**values, "label": label})


def _choices(value: Any, location: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(
        isinstance(choice, dict) and {"label", "text"} <= choice.keys() for choice in value
    ):
        raise DataError(location, "the key 'choices' takes a list of objects with 'label' and 'text'.")
    return five(
        [choice["label"] for choice in value], [text_of(choice, "text", location) for choice in value], location
    )


def five(letters: Sequence[Any], texts: Sequence[str], location: str) -> tuple[str, ...]:
    """The texts of the choices A to E, in that order. Raises DataError for other letters."""
    if sorted(map(str, letters)) != list(_LETTERS):
        raise DataError(location, f"has the choices {', '.join(map(str, letters))[:80]}, not A to E, each once.")
    by_letter = dict(zip(letters, texts, strict=True))
    return tuple(by_letter[letter] for letter in _LETTERS)


def index_of(letter: Any, location: str) -> int:
    """The index of an answer's letter. Raises DataError where it is not one of A to E."""
    if letter not in _LETTERS:
        raise DataError(location, f"the key 'answerKey' takes one of {', '.join(_LETTERS)}, not {letter!r:.80}.")
    return _LETTERS.index(letter)
