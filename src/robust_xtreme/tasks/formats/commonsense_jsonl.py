"""CommonsenseQA's questions with five answers each, and no passage: a JSON object each line."""

from collections.abc import Sequence
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._json import index_of, objects, text_of
from robust_xtreme.tasks.formats.hellaswag_jsonl import FIELDS, record

__all__ = ["FIELDS", "LETTERS", "five", "read", "record"]

LETTERS: Final = ("A", "B", "C", "D", "E")
"""The letters of the choices, and the values of `answerKey`."""


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line: the question as `premise`, five `choices` and `label`, None without answer. Raises DataError."""
    rows = []
    for row, location in objects(text, path):
        native, asked = text_of(row, "id", location), row.get("question")
        if not isinstance(asked, dict) or not {"stem", "choices"} <= asked.keys():
            raise DataError(location, "the key 'question' takes an object with 'stem' and 'choices'.")
        premise, given = text_of(asked, "stem", location), asked["choices"]
        if not isinstance(given, list) or not all(
            isinstance(choice, dict) and {"label", "text"} <= choice.keys() for choice in given
        ):
            raise DataError(location, "the key 'choices' takes a list of objects with 'label' and 'text'.")
        texts = [text_of(choice, "text", location) for choice in given]
        choices = five([choice["label"] for choice in given], texts, location)
        label = None if row.get("answerKey") == "" else index_of(row, "answerKey", LETTERS, location)
        rows.append(Row(native, location, {"premise": premise, "choices": choices, "label": label}))
    return tuple(rows)


def five(letters: Sequence[Any], texts: Sequence[str], location: str) -> tuple[str, ...]:
    """The texts of the choices A to E, in that order. Raises DataError for other letters."""
    if sorted(map(str, letters)) != list(LETTERS):
        raise DataError(location, f"has the choices {', '.join(map(str, letters))[:80]}, not A to E, each once.")
    by_letter = dict(zip(letters, texts, strict=True))
    return tuple(by_letter[letter] for letter in LETTERS)
