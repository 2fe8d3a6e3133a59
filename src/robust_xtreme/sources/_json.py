"""Values of a JSON row, checked one by one; every error names the row's place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from robust_xtreme.errors import DataError

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SHOWN: Final = 80


def parse(line: str, place: str) -> dict[str, Any]:
    """One JSON object. Raises DataError where it is broken, another value, or names a key twice."""
    try:
        found = json.loads(line, object_pairs_hook=lambda pairs: _object(pairs, place))
    except json.JSONDecodeError as error:
        raise DataError(place, f"is not valid JSON: {error.msg} (column {error.colno}).") from None
    except (RecursionError, ValueError) as error:
        raise DataError(place, f"is not valid JSON: {error}.") from None
    if not isinstance(found, dict):
        raise DataError(place, "is not a JSON object.")
    return found


def _object(pairs: list[tuple[str, Any]], place: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DataError(place, f"the key {twice[:_SHOWN]!r} stands twice.")
    return found


def text_of(row: Mapping[str, Any], key: str, place: str, *, empty: bool = False) -> str:
    """The text of that key: a string of whole characters, with something in it unless `empty`. Raises DataError."""
    value = row[key]
    if not isinstance(value, str):
        raise DataError(place, f"the key {key!r} takes a text, not {_shown(value)}.")
    if not empty and not value.strip():
        raise DataError(place, f"the key {key!r} is empty.")
    if _LONE_SURROGATE.search(value):
        raise DataError(place, f"the key {key!r} holds half of a surrogate pair, which is no character.")
    return value


def texts_of(row: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    """The texts of that key: a list of at least one, none of them empty. Raises DataError."""
    value = row[key]
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one.strip() for one in value):
        raise DataError(place, f"the key {key!r} takes a list of texts, none of them empty, not {_shown(value)}.")
    if _LONE_SURROGATE.search("".join(value)):
        raise DataError(place, f"the key {key!r} holds half of a surrogate pair, which is no character.")
    return tuple(value)


def spans_of(row: Mapping[str, Any], key: str, length: int, place: str) -> tuple[tuple[int, int], ...]:
    """The spans of that key: a list of [start, stop) within a text of that length. Raises DataError."""
    value = row[key]
    if not isinstance(value, list) or not all(_is_span(one) for one in value):
        raise DataError(place, f"the key {key!r} takes a list of [start, stop], not {_shown(value)}.")
    for start, stop in value:
        if not 0 <= start < stop <= length:
            what = f"the span [{start}, {stop}] of {key!r} does not lie in the context of {length} characters."
            raise DataError(place, what)
    return tuple((start, stop) for start, stop in value)


def _is_span(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(one) is int for one in value)


def _shown(value: Any) -> str:
    return repr(value)[:_SHOWN]
