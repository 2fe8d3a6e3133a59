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
from robust_xtreme.sinks import json_text

_BOM: Final = b"\xef\xbb\xbf"
_ESCAPED: Final = b"\\\\"
"""A backslash in a text of JSON."""

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
    content = content.removeprefix(_BOM)
    first = _first_keys(content, path)
    _check_keys(first, renamed, path)
    # Most files have a few of the keys: a column of nulls would take as much memory as another.
    known = names_of(renamed).items()
    names = {name: key for name, key in known if key == ID or name in first or _occurs(name, content)}
    content = b"\n".join(map(_flat, content.split(b"\n"))) if _ESCAPED in content else content
    try:
        rows = pl.read_ndjson(content, schema=dict.fromkeys(names, pl.String))
    except pl.exceptions.PolarsError as error:
        raise _at_line(content, path) from error
    return rows.rename(names)


def _first_keys(content: bytes, path: Path) -> set[str]:
    """The keys of the first lines. Raises DataError where one is not an object."""
    keys = set[str]()
    for line in content.split(b"\n", _FIRST)[:_FIRST]:
        try:
            keys |= json.loads(line).keys() if line.strip() else set()
        except (ValueError, AttributeError, RecursionError):
            raise _at_line(content, path) from None
    return keys


def _check_keys(first: set[str], renamed: Mapping[str, str], path: Path) -> None:
    """Raise DataError where none of the first lines has a key that is asked for."""
    for key, name in renamed.items():
        if first and name not in first:
            raise DataError(path, f"has no key {shown(name)}, which --{key.replace('_', '-')}-key names")


def _occurs(name: str, content: bytes) -> bool:
    """Whether a key occurs, with its letters or with their escapes."""
    return any(form.encode() in content for form in {json.dumps(name), json_text(name)})


def _flat(line: bytes) -> bytes:
    """A line whose lists and objects are their own JSON: polars loses the backslashes of what is inside them."""
    if _ESCAPED not in line:
        return line
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return line  # which polars refuses
    nested = {key: json.dumps(value) for key, value in row.items() if isinstance(value, (list, dict))}
    return json.dumps(row | nested).encode()


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
