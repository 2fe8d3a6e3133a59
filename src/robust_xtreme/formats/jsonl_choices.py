"""Questions with a choice of answers, a JSON object each line: those of XCOPA and COPA, and of Social IQa."""

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
    """One row a line: `premise`, `question`, `choices` and `label`, the index of the right one (None: not said).

    XCOPA's question is `cause` or `effect`, Social IQa's a text. Rows that are numbered (`idx`) are put in that order.
    Raises DataError where a line is something else, or where a number is missing or is twice.
    """
    found = [_numbered(found, place) for found, place in objects(text, path)]
    return _in_order(found, path) if any(number is not None for number, _ in found) else tuple(row for _, row in found)


def _numbered(found: Mapping[str, Any], place: str) -> tuple[int | None, Row]:
    values = _values(found, place)
    number = found.get("idx")
    if number is not None and (type(number) is not int or number < 0):
        raise DataError(place, f"the key 'idx' takes a whole number from 0, not {number!r:.80}.")
    return number, Row("", place, values)


def _values(found: Mapping[str, Any], place: str) -> dict[str, Any]:
    if "premise" in found:
        return _causal(found, place)
    if "context" in found:
        return _social(found, place)
    raise DataError(place, "has no key 'premise', as in XCOPA, and no key 'context', as in Social IQa.")


def _causal(found: Mapping[str, Any], place: str) -> dict[str, Any]:
    if found.get("question") not in _ASKED:
        raise DataError(place, f"the key 'question' takes 'cause' or 'effect', not {found.get('question')!r:.80}.")
    label = found.get("label")
    if label is not None and (type(label) is not int or label not in (-1, 0, 1)):
        raise DataError(place, f"the key 'label' takes 0 or 1, not {label!r:.80}.")
    return _asked(found, "premise", _PAIR, None if label == -1 else label, place)


def _social(found: Mapping[str, Any], place: str) -> dict[str, Any]:
    letter = found.get("correct")
    if letter is not None and letter not in _LETTERS:
        raise DataError(place, f"the key 'correct' takes A, B or C, not {letter!r:.80}.")
    label = None if letter is None else _LETTERS.index(letter)
    return _asked(found, "context", _ANSWERS, label, place)


def _asked(found: Mapping[str, Any], premise: str, choices: Sequence[str], label: Any, place: str) -> dict[str, Any]:
    texts = {"premise": text_of(found, premise, place), "question": text_of(found, "question", place)}
    return {**texts, "choices": tuple(text_of(found, key, place) for key in choices), "label": label}


def _in_order(found: Sequence[tuple[int | None, Row]], path: str) -> tuple[Row, ...]:
    """Rows by their numbers, which count from 0: ids are places in the official file, which a lost row would move."""
    seen: dict[int, Row] = {}
    for number, row in found:
        if number is None:
            raise DataError(row.place, "has no 'idx', and other rows of the file have one.")
        if number in seen:
            raise DataError(row.place, f"the idx {number} is not unique; it is at {seen[number].place} too.")
        seen[number] = row
    lost = next((number for number in range(len(seen)) if number not in seen), None)
    if lost is not None:
        raise DataError(path, f"has no row with the idx {lost}, and one with {max(seen)}: a row is missing.")
    return tuple(Row(str(number), seen[number].place, seen[number].values) for number in range(len(seen)))


def record(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    found = labelled_choices(row, place)
    return {"premise": text_of(row, "premise", place), "question": text_of(row, "question", place), **found}


def labelled_choices(row: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The `choices` of a suite's row, two or more, and its `label`, an index of them. Raises DataError."""
    choices, label = texts_of(row, "choices", place), row["label"]
    if len(choices) < _LEAST:
        raise DataError(place, "the key 'choices' takes two texts or more.")
    if type(label) is not int or not 0 <= label < len(choices):
        raise DataError(
            place, f"the key 'label' takes an index of 'choices', from 0 to {len(choices) - 1}, not {label!r:.80}."
        )
    return {"choices": choices, "label": label}
