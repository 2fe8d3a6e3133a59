"""Reads rows of JSON lines, one object for each example of a condition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from robust_xtreme import resources
from robust_xtreme.errors import DataError, shown
from robust_xtreme.importing.items import ID, names_of

_FIRST: Final = 1_000
"""The lines whose keys are looked at."""


def read(path: Path, renamed: Mapping[str, str]) -> pl.DataFrame:
    """The rows of a file as strings, with those of KEYS that occur in it; `renamed` maps them to the file's own.

    Raises DataError with the number of the line that is not an object, or whose value is not finite.
    """
    try:
        content = resources.content(path)
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror}") from error
    # Most files have a few of the keys: a column of nulls would take as much memory as another.
    names = {name: key for name, key in names_of(renamed).items() if json.dumps(name).encode() in content or key == ID}
    _check_keys(content, renamed, path)
    try:
        rows = pl.read_ndjson(content, schema=dict.fromkeys(names, pl.String))
    except pl.exceptions.PolarsError as error:
        raise _at_line(content, path) from error
    return rows.rename(names)


def _check_keys(content: bytes, renamed: Mapping[str, str], path: Path) -> None:
    """Raise DataError where none of the first lines has a key that is asked for."""
    there = set[str]()
    for line in content.split(b"\n", _FIRST)[:_FIRST]:
        try:
            there |= json.loads(line).keys() if line.strip() else set()
        except (ValueError, AttributeError, RecursionError):
            raise _at_line(content, path) from None
    for key, name in renamed.items():
        if there and name not in there:
            raise DataError(path, f"has no key {shown(name)}, which --{key.replace('_', '-')}-key names")


def _at_line(content: bytes, path: Path) -> DataError:
    """The first line that is not a JSON object of finite numbers."""
    for number, line in enumerate(content.splitlines(), 1):
        try:
            if line.strip() and not isinstance(json.loads(line, parse_constant=_not_finite), dict):
                return DataError(path, "is not a JSON object", number)
        except (ValueError, RecursionError) as error:
            return DataError(path, f"is not JSON: {error}", number)
    return DataError(path, "is not JSON lines in UTF-8")


def _not_finite(name: str) -> float:
    raise ValueError(f"{name} is not a finite number")
