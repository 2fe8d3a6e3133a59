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

__all__ = ["FIELDS", "SAMPLE", "five", "place_of", "read", "record"]

_LETTERS: Final = ("A", "B", "C", "D", "E")


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line: the question is the `premise`, beside five `choices` and `label`, None where there is no answer.

    Raises DataError where a line is something else, or its answer is none of A to E.
    """
    return tuple(_row(found, place) for found, place in objects(text, path))


def _row(found: Mapping[str, Any], place: str) -> Row:
    native, asked = text_of(found, "id", place), found.get("question")
    if not isinstance(asked, dict) or not {"stem", "choices"} <= asked.keys():
        raise DataError(place, "the key 'question' takes an object with 'stem' and 'choices'.")
    values = {"premise": text_of(asked, "stem", place), "choices": _choices(asked["choices"], place)}
    label = None if found.get("answerKey") in (None, "") else place_of(found["answerKey"], place)
    return Row(native, place, {**values, "label": label})


def _choices(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(
        isinstance(one, dict) and {"label", "text"} <= one.keys() for one in value
    ):
        raise DataError(place, "the key 'choices' takes a list of objects with 'label' and 'text'.")
    return five([one["label"] for one in value], [text_of(one, "text", place) for one in value], place)


def five(letters: Sequence[Any], texts: Sequence[str], place: str) -> tuple[str, ...]:
    """The texts of the choices A to E, in that order. Raises DataError where there are others."""
    if sorted(map(str, letters)) != list(_LETTERS):
        raise DataError(place, f"has the choices {', '.join(map(str, letters))[:80]}, not A to E, each once.")
    by_letter = dict(zip(letters, texts, strict=True))
    return tuple(by_letter[letter] for letter in _LETTERS)


def place_of(letter: Any, place: str) -> int:
    """The place of an answer's letter. Raises DataError where it is none of A to E."""
    if letter not in _LETTERS:
        raise DataError(place, f"the key 'answerKey' takes one of {', '.join(_LETTERS)}, not {letter!r:.80}.")
    return _LETTERS.index(letter)
