"""Questions with a choice of answers, a JSON object each line: XCOPA, COPA and Social IQa."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from robust_xtreme.errors import DataError
from robust_xtreme.formats._json import objects, text_of, texts_of
from robust_xtreme.specs import Row

SAMPLE: Final = (
    '{"premise": "It rained.", "choice1": "The street dried.", "choice2": "The street got wet.", '
    '"question": "effect", "label": 1, "idx": 0}\n'
    '{"premise": "The lamp went out.", "choice1": "The bulb broke.", "choice2": "Anna sang.", '
    '"question": "cause", "label": 0, "idx": 1}\n'
)

FIELDS: Final = ("premise", "question", "choices", "label")
WRITTEN: Final = "jsonl"

_ASKED: Final = ("cause", "effect")
_PAIR: Final = ("choice1", "choice2")
_ANSWERS: Final = ("answerA", "answerB", "answerC")
_LETTERS: Final = ("A", "B", "C")
_LEAST: Final = 2


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line: `premise`, `question`, `choices` and `label`, the index of the right choice or None.

    XCOPA's question is `cause` or `effect`, Social IQa's a text. Rows with a number (`idx`) are sorted by it. Raises
    DataError where a line has another form, or where a number is missing or occurs twice.
    """
    rows = [_numbered(row, location) for row, location in objects(text, path)]
    return _in_order(rows, path) if any(number is not None for number, _ in rows) else tuple(row for _, row in rows)


def _numbered(row: Mapping[str, Any], location: str) -> tuple[int | None, Row]:
    values = _values(row, location)
    number = row.get("idx")
    if number is not None and (type(number) is not int or number < 0):
        raise DataError(location, f"the key 'idx' takes a whole number from 0, not {number!r:.80}.")
    return number, Row("", location, values)


def _values(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    if "premise" in row:
        return _causal(row, location)
    if "context" in row:
        return _social(row, location)
    raise DataError(location, "has no key 'premise', as in XCOPA, and no key 'context', as in Social IQa.")


def _causal(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    if row.get("question") not in _ASKED:
        raise DataError(location, f"the key 'question' takes 'cause' or 'effect', not {row.get('question')!r:.80}.")
    label = row.get("label")
    if label is not None and (type(label) is not int or label not in (-1, 0, 1)):
        raise DataError(location, f"the key 'label' takes 0 or 1, not {label!r:.80}.")
    return _asked(row, "premise", _PAIR, None if label == -1 else label, location)


def _social(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    letter = row.get("correct")
    if letter is not None and letter not in _LETTERS:
        raise DataError(location, f"the key 'correct' takes A, B or C, not {letter!r:.80}.")
    label = None if letter is None else _LETTERS.index(letter)
    return _asked(row, "context", _ANSWERS, label, location)


def _asked(row: Mapping[str, Any], premise: str, choices: Sequence[str], label: Any, location: str) -> dict[str, Any]:
    texts = {"premise": text_of(row, premise, location), "question": text_of(row, "question", location)}
    return {**texts, "choices": tuple(text_of(row, key, location) for key in choices), "label": label}


def _in_order(numbered: Sequence[tuple[int | None, Row]], path: str) -> tuple[Row, ...]:
    """Rows sorted by their numbers from 0: ids are row numbers of the official file."""
    seen: dict[int, Row] = {}
    for number, row in numbered:
        if number is None:
            raise DataError(row.location, "has no 'idx', and other rows of the file have one.")
        if number in seen:
            raise DataError(row.location, f"the idx {number} is not unique; it is at {seen[number].location} too.")
        seen[number] = row
    lost = next((number for number in range(len(seen)) if number not in seen), None)
    if lost is not None:
        raise DataError(path, f"has no row with the idx {lost}, and one with {max(seen)}: a row is missing.")
    return tuple(Row(str(number), seen[number].location, seen[number].values) for number in range(len(seen)))


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    labelled = labelled_choices(row, location)
    return {"premise": text_of(row, "premise", location), "question": text_of(row, "question", location), **labelled}


def labelled_choices(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The `choices` of a suite's row, two or more, and its `label`, an index of them. Raises DataError."""
    choices, label = texts_of(row, "choices", location), row["label"]
    if len(choices) < _LEAST:
        raise DataError(location, "the key 'choices' takes two texts or more.")
    if type(label) is not int or not 0 <= label < len(choices):
        raise DataError(
            location, f"the key 'label' takes an index of 'choices', from 0 to {len(choices) - 1}, not {label!r:.80}."
        )
    return {"choices": choices, "label": label}
