"""Raw rows: values by `items.KEYS` as strings, and what they were; what its key does not take is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn, final

import polars as pl

from robust_xtreme import strict_json
from robust_xtreme.errors import UserError, shown
from robust_xtreme.importing.items import ANSWERS, ITEMS, KEYS, KIND

TEXT, WHOLE, NUMBER, TRUTH = "a text", "a whole number", "a number", "true or false"
TEXTS, LIST, OBJECT = "a list of texts", "a list", "an object"
_KINDS: Final = (WHOLE, NUMBER, TRUTH, TEXTS, LIST, OBJECT)

_GOLD, _PREDICTION = ANSWERS
_OBJECTS: Final = ("scores", "sums", "operators")
_WRITTEN: Final = r"""^\s*\{\s*["'](answers|text|answer_start)["']\s*:"""
"""How SQuAD's answers begin where they are written into a text."""

_EXACT: Final = 2**53
"""From here on a float is not one whole number alone."""

_HALF: Final = re.compile("[\ud800-\udfff]")

Refuse = Callable[[int, str], NoReturn]
"""Raises an error about the value with that number."""


@final
@dataclass(frozen=True, slots=True)
class Given:
    """A file or folder, with the condition of its rows where it is given (`FILE=CONDITION`).

    `has_task`: the task of rows that do not say theirs is given.
    """

    path: Path
    condition: str | None = None
    has_task: bool = False


def raw_frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows as strings, with the keys that occur. Raises UserError naming the id of a row that is refused."""

    def refuse(number: int, what: str) -> NoReturn:
        raise UserError(f"The row {shown(rows[number].get('id'))}: {what}.")

    names = [key for key in KEYS if any(row.get(key) is not None for row in rows)]
    return pl.DataFrame([each for key in names for each in series_of(key, [row.get(key) for row in rows], refuse)])


def series_of(key: str, values: Sequence[Any], refuse: Refuse) -> Iterator[pl.Series]:
    """The values of a key as strings, and what answers are that are not all texts (null: a text).

    Answers in the forms of SQuAD become their texts, and 1.0 is the whole number 1.
    """
    takes, types = _taken(key), {*map(type, values)}
    if types <= {str, type(None)} or (types == {int} and key not in ANSWERS):
        plain = _strings(key, values if int not in types else [*map(str, values)], refuse)
        if key != _GOLD or not plain.str.contains(_WRITTEN).any():
            yield plain
            return
    pairs = [_told(_answer(key, value) if key in ANSWERS else value) for value in values]
    for number, (_, kind) in enumerate(pairs):
        if kind not in takes:
            refuse(number, f"the {key} is {shown(values[number])}, {kind}; it takes {' or '.join(takes)}")
    yield _strings(key, [text for text, _ in pairs], refuse)
    if key in ANSWERS:
        yield pl.Series(key + KIND, [None if kind == TEXT else kind for _, kind in pairs], dtype=pl.Enum(_KINDS))


def _taken(key: str) -> tuple[str, ...]:
    """The kinds of value that a key takes; those of an answer depend on the task."""
    if key in ANSWERS:
        return (TEXT, *_KINDS)
    if key in _OBJECTS:
        return TEXT, OBJECT
    is_text = key == "id" or (key in ITEMS.columns and ITEMS.columns[key].dtype == pl.String and key != "nominal")
    return (TEXT, WHOLE) if is_text else (TEXT, WHOLE, NUMBER, TRUTH)


def _strings(key: str, values: Sequence[str | None], refuse: Refuse) -> pl.Series:
    try:
        return pl.Series(key, values, dtype=pl.String)
    except UnicodeError:
        wrong = next(number for number, text in enumerate(values) if text and _HALF.search(text))
        refuse(wrong, f"the {key} contains half of a surrogate pair, which is not a character")


def _told(value: Any) -> tuple[str | None, str]:
    """A value as JSON has it, a string without its quotes, and its kind."""
    match value:
        case None | str():
            return value, TEXT
        case bool():
            return json.dumps(value), TRUTH
        case float() if value.is_integer() and abs(value) < _EXACT:
            return str(int(value)), WHOLE
        case int() | float():
            return json.dumps(value), WHOLE if isinstance(value, int) else NUMBER
        case list() | dict():
            kind = OBJECT if isinstance(value, dict) else TEXTS if _are_texts(value) else LIST
            return json.dumps(value, ensure_ascii=False, default=repr), kind
    return None, type(value).__name__


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _answer(key: str, value: Any) -> Any:
    """An answer; of the forms of SQuAD the texts of gold answers, or the text of a prediction."""
    match value:
        case str() if key == _GOLD and re.match(_WRITTEN, value):
            return _answer(key, _parsed(value))
        case {"prediction_text": str(text), **more} if key == _PREDICTION and more.keys() <= _BESIDE:
            return text
        case {"answers": dict() | list() as answers, **more} if key == _GOLD and more.keys() <= _BESIDE:
            return _answer(key, answers)
        case {"text": str(text), **more} if more.keys() <= {"answer_start"}:
            return text if key == _PREDICTION else [text]
        case {"text": list(texts), **more} if key == _GOLD and more.keys() <= {"answer_start"}:
            return texts
        case [dict(), *_] if key == _GOLD:
            several = [_answer(key, each) for each in value]
            return [text for (text,) in several] if all(map(_is_one, several)) else value
    return value


def _is_one(texts: Any) -> bool:
    return _are_texts(texts) and len(texts) == 1


_BESIDE: Final = {"id", "no_answer_probability"}


def _parsed(text: str) -> Any:
    """The value of a text of JSON; of another one an object that is no answer."""
    try:
        return strict_json.loads(text)
    except (ValueError, RecursionError):
        return {text: None}
