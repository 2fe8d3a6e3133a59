"""Raw rows: values by `items.KEYS` as strings, and what they were; what its key does not take is refused."""

from __future__ import annotations

import codecs
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from robust_xtreme.core import resources, strict_json
from robust_xtreme.core.errors import DataError, UserError, shown
from robust_xtreme.exchange.importing.items import ANSWERS, ID, ITEMS, KEYS, TYPE, names_of

TEXT, WHOLE, NUMBER, TRUTH = "a text", "a whole number", "a number", "true or false"
TEXTS, LIST, OBJECT = "a list of texts", "a list", "an object"
_GOLD, _PREDICTION = ANSWERS
_KINDS: Final = (WHOLE, NUMBER, TRUTH, TEXTS, LIST, OBJECT)
_TAKEN: Final = {
    **{name: (TEXT, WHOLE) for name, column in ITEMS.columns.items() if column.dtype == pl.String},
    **dict.fromkeys(("scores", "sums", "operators"), (TEXT, OBJECT)),
    **dict.fromkeys(ANSWERS, (TEXT, *_KINDS)),
    "id": (TEXT, WHOLE),
    "nominal": (TEXT, WHOLE, NUMBER),
}
"""The kinds of value that a key takes, where it is not a number: an answer any, since they depend on the task."""


class ImportedFile(NamedTuple):
    """A file or folder, its condition if given, and what is given for rows; `is_group`: its logs are one task here."""

    path: Path
    condition: str | None = None
    task: str = ""
    language: str = ""
    is_group: bool = False


def raw_frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows as strings, with the keys that occur. Raises UserError naming the id of a row that is refused."""
    names = [key for key in KEYS if any(row.get(key) is not None for row in rows)]
    return frame_of(
        ((key, [row.get(key) for row in rows]) for key in names),
        lambda number, what: UserError(f"The row {shown(rows[number].get('id'))}: {what}."),
    )


def frame_of(columns: Iterable[tuple[str, Sequence[Any]]], refused: Callable[[int, str], UserError]) -> pl.DataFrame:
    """The values of keys as strings, and beside answers that are not all texts what they are (null: a text).

    Gold answers in the forms of SQuAD are their texts, and 1.0 is the whole number 1. `refused` makes the error about
    the value with a number, which is raised where a key does not take it.
    """
    return pl.DataFrame([each for key, values in columns for each in _series(key, values, refused)])


def _series(key: str, values: Sequence[Any], refused: Callable[[int, str], UserError]) -> Iterator[pl.Series]:
    takes, types = _TAKEN.get(key, (TEXT, WHOLE, NUMBER, TRUTH)), {*map(type, values)}
    kinds: Sequence[str] = ()
    if types == {int} and key not in ANSWERS:
        values = [*map(str, values)]
    elif not types <= {str, type(None)}:
        values = [_answer(key, value) for value in values] if key in ANSWERS else values
        values, kinds = zip(*map(_as_text, values), strict=True)
        for number, kind in enumerate(kinds):
            if kind not in takes:
                raise refused(number, f"{key} is {shown(values[number])}, {kind}; it takes {' or '.join(takes)}")
    try:
        yield pl.Series(key, values, dtype=pl.String)
    except UnicodeError:
        wrong = next(number for number, text in enumerate(values) if text and re.search("[\ud800-\udfff]", text))
        raise refused(wrong, f"{key} contains half of a surrogate pair, which is not a character") from None
    if kinds and key in ANSWERS:
        yield pl.Series(key + TYPE, [None if kind == TEXT else kind for kind in kinds], dtype=pl.Enum(_KINDS))


def _as_text(value: Any) -> tuple[str | None, str]:
    """A value as JSON has it, a string without its quotes, and its kind."""
    match value:
        case None | str():
            return value, TEXT
        case bool():
            return json.dumps(value), TRUTH
        case float() if value.is_integer() and abs(value) < 2**53:  # a larger one is not one whole number alone
            return str(int(value)), WHOLE
        case int() | float():
            return json.dumps(value), WHOLE if isinstance(value, int) else NUMBER
        case list():
            are_texts = all(isinstance(each, str) for each in value)
            return json.dumps(value, ensure_ascii=False, default=repr), TEXTS if are_texts else LIST
        case dict():
            return json.dumps(value, ensure_ascii=False, default=repr), OBJECT
    return repr(value), type(value).__name__


def _answer(key: str, value: Any) -> Any:
    """An answer; of the forms of SQuAD the texts of gold answers, or the text of a prediction."""
    match value:
        case {"prediction_text": str(text), **more} if key == _PREDICTION and more.keys() <= _BESIDE:
            return text
        case {"text": str(text), **more} if more.keys() <= _PLACES:
            return text if key == _PREDICTION else [text]
        case {"text": list(texts), **more} if more.keys() <= _PLACES and key == _GOLD:
            return texts
        case [dict(), *_] if key == _GOLD and all(
            isinstance(each, dict) and each.keys() - _PLACES == {"text"} for each in value
        ):
            return [each["text"] for each in value]
    return value


_BESIDE: Final = {"id", "no_answer_probability"}
_PLACES: Final = {"answer_start"}


def read(path: Path, renamed: Mapping[str, str]) -> pl.DataFrame:
    """The rows of a file as strings, with those of KEYS that occur in it; `renamed` maps them to the file's own.

    Raises DataError with the number of the line that is not an object, or has a value that is not finite, a key twice
    or a value that its key does not take.
    """
    try:
        content = resources.content(path)
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror}") from error
    decoder = strict_json.decoder(parse_constant=_finite, parse_float=_finite)
    lines = objects(content.removeprefix(codecs.BOM_UTF8), path, decoder)
    names, seen, frames = names_of(renamed), set[str](), [pl.DataFrame()]
    while rows := [*islice(lines, 10_000)]:  # so many are objects of Python at a time
        here = set[str]().union(*(row for _, row in rows))
        frames.append(_frame(rows, {name: key for name, key in names.items() if name in here or key == ID}, path))
        seen |= here
    for key, name in renamed.items():
        if seen and name not in seen:
            raise DataError(path, f"has no key {shown(name)}, which --{key if key == 'gold' else f'{key}-field'} names")
    return pl.concat(frames, how="diagonal")


def _frame(rows: list[tuple[int, dict[str, Any]]], names: Mapping[str, str], path: Path) -> pl.DataFrame:
    columns = ((key, [row.get(name) for _, row in rows]) for name, key in names.items())
    return frame_of(columns, lambda number, what: DataError(path, what, rows[number][0]))


def objects(content: bytes, path: Path, decoder: json.JSONDecoder) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of the lines that are not blank, and their numbers. Raises DataError."""
    decode = decoder.raw_decode
    for number, line in enumerate(io.BytesIO(content), 1):
        try:
            text = line.decode().strip(" \t\r\n")
            row, stop = decode(text) if text else ({}, 0)
            if stop < len(text):
                raise json.JSONDecodeError("Extra data", text, stop)
        except (ValueError, RecursionError) as error:
            raise DataError(path, f"is not JSON: {error}", number) from error
        if not isinstance(row, dict):
            raise DataError(path, "is not a JSON object", number)
        if text:
            yield number, row


def _finite(text: str) -> float:
    """The number that is written. Raises ValueError for NaN, infinity, and what is too large for a float."""
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is not a finite number")
    return value
