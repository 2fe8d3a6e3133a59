"""Reads rows of JSON lines, one object for each example of a condition."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core import resources, strict_json
from robust_xtreme.core.errors import DataError, shown
from robust_xtreme.exchange.importing.items import ID, names_of
from robust_xtreme.exchange.importing.raw import frame_of

_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = " \t\r\n"
_ROWS: Final = 10_000
"""The rows that are objects of Python at a time."""


def read(path: Path, renamed: Mapping[str, str]) -> pl.DataFrame:
    """The rows of a file as strings, with those of KEYS that occur in it; `renamed` maps them to the file's own.

    Raises DataError with the number of the line that is not an object, or has a value that is not finite, a key twice
    or a value that its key does not take.
    """
    try:
        content = resources.content(path)
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror}") from error
    lines = objects(content.removeprefix(_BOM), path, strict_json.decoder(parse_constant=_finite, parse_float=_finite))
    names, seen, frames = names_of(renamed), set[str](), [pl.DataFrame()]
    while rows := [*islice(lines, _ROWS)]:
        here = set[str]().union(*(row for _, row in rows))
        frames.append(_frame(rows, {name: key for name, key in names.items() if name in here or key == ID}, path))
        seen |= here
    for key, name in renamed.items():
        if seen and name not in seen:
            raise DataError(path, f"has no key {shown(name)}, which --{key.replace('_', '-')}-key names")
    return pl.concat(frames, how="diagonal")


def _frame(rows: list[tuple[int, dict[str, Any]]], names: Mapping[str, str], path: Path) -> pl.DataFrame:
    columns = ((key, [row.get(name) for _, row in rows]) for name, key in names.items())
    return frame_of(columns, lambda number, what: DataError(path, what, rows[number][0]))


def objects(content: bytes, path: Path, decoder: json.JSONDecoder) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of the lines that are not blank, and their numbers. Raises DataError."""
    decode = decoder.raw_decode
    for number, line in enumerate(io.BytesIO(content), 1):
        try:
            text = line.decode().strip(_BLANK)
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
