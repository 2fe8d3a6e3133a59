"""Questions with a choice of answers, a JSON object each line: XCOPA, COPA and Social IQa."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.specs import Row
from robust_xtreme.tasks.formats._json import index_of, objects, text_of, texts_of

FIELDS: Final = ("premise", "question", "choices", "label")
WRITTEN: Final = "jsonl"


def read(text: str, path: str) -> tuple[Row, ...]:
    """One row a line: `premise`, `question`, `choices` and `label`, the index of the right choice or None.

    XCOPA's question is `cause` or `effect`, Social IQa's a text. Rows with a number (`idx`) are sorted by it. Raises
    DataError where a line has another form, or where a number is missing or occurs twice.
    """
    rows: list[Row] = []
    numbers: list[int | None] = []
    for row, location in objects(text, path):
        if "premise" in row:
            values = _causal(row, location)
        elif "context" in row:
            label = index_of(row, "correct", ("A", "B", "C"), location)
            values = _asked(row, "context", ("answerA", "answerB", "answerC"), label, location)
        else:
            raise DataError(location, "has no key 'premise', as in XCOPA, and no key 'context', as in Social IQa.")
        rows.append(Row("", location, values))
        number = row.get("idx")
        if number is not None and (type(number) is not int or number < 0):
            raise DataError(location, f"the key 'idx' takes a whole number from 0, not {number!r:.80}.")
        numbers.append(number)
    return tuple(rows) if set(numbers) <= {None} else _in_order(numbers, rows, path)


def _causal(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    if row.get("question") not in ("cause", "effect"):
        raise DataError(location, f"the key 'question' takes 'cause' or 'effect', not {row.get('question')!r:.80}.")
    label = row.get("label")
    if label is not None and (type(label) is not int or label not in (-1, 0, 1)):
        raise DataError(location, f"the key 'label' takes 0 or 1, not {label!r:.80}.")
    return _asked(row, "premise", ("choice1", "choice2"), None if label == -1 else label, location)


def _asked(row: Mapping[str, Any], premise: str, choices: Sequence[str], label: Any, location: str) -> dict[str, Any]:
    texts = {"premise": text_of(row, premise, location), "question": text_of(row, "question", location)}
    return {**texts, "choices": tuple(text_of(row, key, location) for key in choices), "label": label}


def _in_order(numbers: Sequence[int | None], rows: Sequence[Row], path: str) -> tuple[Row, ...]:
    """Rows sorted by their numbers from 0: ids are row numbers of the official file."""
    seen: dict[int, Row] = {}
    for number, row in zip(numbers, rows, strict=True):
        if number is None:
            raise DataError(row.location, "has no 'idx', and other rows of the file have one.")
        if (other := seen.setdefault(number, row)) is not row:
            raise DataError(row.location, f"the idx {number} is not unique; it is at {other.location} too.")
    lost = next((number for number in range(len(seen)) if number not in seen), None)
    if lost is not None:
        raise DataError(path, f"has no row with the idx {lost}, and one with {max(seen)}: a row is missing.")
    return tuple(replace(row, native=str(number)) for number, row in sorted(seen.items()))


def record(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The values of a suite's row. Raises DataError."""
    labelled = labelled_choices(row, location)
    return {"premise": text_of(row, "premise", location), "question": text_of(row, "question", location), **labelled}


def labelled_choices(row: Mapping[str, Any], location: str) -> dict[str, Any]:
    """The `choices` of a suite's row, two or more, and its `label`, an index of them. Raises DataError."""
    choices, label = texts_of(row, "choices", location), row["label"]
    if len(choices) < 2:
        raise DataError(location, "the key 'choices' takes two texts or more.")
    if type(label) is not int or not 0 <= label < len(choices):
        what = f"takes an index of 'choices', from 0 to {len(choices) - 1}, not {label!r:.80}."
        raise DataError(location, f"the key 'label' {what}")
    return {"choices": choices, "label": label}
