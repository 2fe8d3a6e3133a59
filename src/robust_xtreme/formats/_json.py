"""JSON: values of a row that are checked one by one, and values that know where they are in their text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, final

from robust_xtreme.errors import DataError
from robust_xtreme.formats._file import numbered_lines

_DECODER: Final = json.JSONDecoder()
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_LONE: Final = re.compile("[\ud800-\udfff]")
_SHOWN: Final = 80
_DEEPEST: Final = 50
_BLANK: Final = " \t\n\r"

HALF: Final = "contains half of a surrogate pair"
Range = tuple[int, int]


@final
class Placed(str):
    """A string of a JSON text, with the range that it is written in."""

    __slots__ = ("range",)
    range: Range


@final
class PlacedNumber(int):
    """A whole number of a JSON text, with the range that it is written in."""

    range: Range


_PLACED: Final[Mapping[type, Any]] = {str: Placed, int: PlacedNumber}


def parse(line: str, place: str) -> dict[str, Any]:
    """One JSON object. Raises DataError where it is broken, another value, or names a key twice."""
    try:
        found = json.loads(line, object_pairs_hook=lambda pairs: _unique(pairs, place))
    except json.JSONDecodeError as error:
        raise DataError(place, f"is not valid JSON: {error.msg} (column {error.colno}).") from None
    except (RecursionError, ValueError) as error:
        raise DataError(place, f"is not valid JSON: {error}.") from None
    if not isinstance(found, dict):
        raise DataError(place, "is not a JSON object.")
    return found


def objects(text: str, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The object of each line, and its place. Raises DataError."""
    for number, line in numbered_lines(text):
        yield parse(line, f"{path}:{number}"), f"{path}:{number}"


def _unique(pairs: list[tuple[str, Any]], place: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise DataError(place, f"the key {twice[:_SHOWN]!r} is twice.")
    return found


def placed(text: str, path: str, line: int) -> Any:
    """The value that a text is, whose strings and whole numbers are Placed. Raises DataError with line and column."""
    return _told(lambda: _only(text, None), path, line)


def placed_row(text: str, path: str, line: int, keys: Collection[str]) -> dict[str, Any]:
    """The object that a line is; in lists and objects, only those of some keys are Placed. Raises DataError."""
    found = _told(lambda: _only(text, keys), path, line)
    if not isinstance(found, dict):
        raise DataError(path, "is not a JSON object.", line)
    return found


def _told(read: Callable[[], Any], path: str, line: int) -> Any:
    """What a reader of JSON gives. Raises DataError where it fails."""
    try:
        return read()
    except json.JSONDecodeError as error:
        what = f"is not valid JSON: {error.msg} (column {error.colno})."
        raise DataError(path, what, line + error.lineno - 1) from None
    except RecursionError:
        raise DataError(path, "cannot be read: its lists and objects are nested too deep.", line) from None
    except ValueError:  # of the integers that Python reads, which have an end
        raise DataError(path, "cannot be read: a number in it has too many digits.", line) from None


def _only(text: str, keys: Collection[str] | None) -> Any:
    """The value of a text that contains nothing else."""
    start = _skip(text, 0)
    if keys is None or text[start : start + 1] != "{":
        value, stop = _value(text, start, _DEEPEST if keys is None else 0)
    else:
        value, stop = _object(text, start, _DEEPEST, keys)
    if (end := _skip(text, stop)) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def _skip(text: str, place: int) -> int:
    if text[place : place + 1] not in _BLANK:
        return place
    match = _SPACE.match(text, place)
    return match.end() if match else place


def _value(text: str, place: int, deep: int) -> tuple[Any, int]:
    """The value that begins there and where it ends; what is deeper than `deep` is not Placed."""
    opens = text[place : place + 1]
    if deep and opens == "{":
        return _object(text, place, deep - 1)
    if deep and opens == "[":
        return _array(text, place, deep - 1)
    value, stop = _DECODER.raw_decode(text, place)
    if kind := _PLACED.get(type(value)):
        value = kind(value)
        value.range = (place, stop)
    return value, stop


def _object(text: str, start: int, deep: int, keys: Collection[str] | None = None) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}

    def member(place: int) -> int:
        if text[place : place + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, place)
        key, stop = _DECODER.raw_decode(text, place)
        begin = _past(text, _skip(text, stop), ":")
        if key in members:
            raise json.JSONDecodeError(f"the key {key[:_SHOWN]!r} is twice", text, place)
        members[key], stop = _value(text, begin, deep if keys is None or key in keys else 0)
        return int(stop)

    return members, _until(text, start + 1, "}", member)


def _array(text: str, start: int, deep: int) -> tuple[list[Any], int]:
    items: list[Any] = []

    def item(place: int) -> int:
        value, stop = _value(text, place, deep)
        items.append(value)
        return stop

    return items, _until(text, start + 1, "]", item)


def _until(text: str, place: int, close: str, item: Callable[[int], int]) -> int:
    """Where a list or an object ends whose items, separated by commas, a function reads."""
    place = _skip(text, place)
    if text[place : place + 1] == close:
        return place + 1
    while True:
        place = _skip(text, item(place))
        if text[place : place + 1] == close:
            return place + 1
        place = _past(text, place, ",")


def _past(text: str, place: int, mark: str) -> int:
    if text[place : place + 1] != mark:
        raise json.JSONDecodeError(f"Expecting '{mark}' delimiter", text, place)
    return _skip(text, place + 1)


def dumped(new: str, old: Placed, text: str) -> str:
    """A string instead of another, in its way of writing letters beyond ASCII; the same one keeps its bytes."""
    raw = text[slice(*old.range)]
    return raw if new == old else json.dumps(new, ensure_ascii=raw.isascii() and not old.isascii())


def text_of(row: Mapping[str, Any], key: str, place: str, *, empty: bool = False) -> str:
    """The text of that key: a string of whole characters, with something in it unless `empty`. Raises DataError."""
    if key not in row:
        raise DataError(place, f"the key {key!r} is missing.")
    return checked(row[key], key, place, empty=empty)


def checked(value: Any, key: str, place: str, *, empty: bool = False) -> str:
    """The same of a value."""
    if not isinstance(value, str):
        raise DataError(place, f"the key {key!r} takes a text, not {shown(value)}.")
    if not empty and not value.strip():
        raise DataError(place, f"the key {key!r} is empty.")
    if is_half(value):
        raise DataError(place, f"the key {key!r} {HALF}, which is not a character.")
    return value


def is_half(text: str) -> bool:
    """Whether a text contains a half of a surrogate pair."""
    return _LONE.search(text) is not None


def texts_of(row: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    """The texts of that key: a list of at least one, none of them empty. Raises DataError."""
    if key not in row:
        raise DataError(place, f"the key {key!r} is missing.")
    value = row[key]
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one.strip() for one in value):
        what = f"takes a list of texts, none of them empty, not {value!r:.{_SHOWN}}."
        raise DataError(place, f"the key {key!r} {what}")
    return tuple(checked(one, key, place) for one in value)


def spans_of(row: Mapping[str, Any], key: str, length: int, place: str) -> tuple[Range, ...]:
    """The spans of that key: a list of [start, stop) within a text of that length. Raises DataError."""
    value = row[key]
    if not isinstance(value, list) or not all(_is_span(one) for one in value):
        raise DataError(place, f"the key {key!r} takes a list of [start, stop], not {value!r:.{_SHOWN}}.")
    for start, stop in value:
        if not 0 <= start < stop <= length:
            what = f"the span [{start}, {stop}] of {key!r} does not be in the context of {length} characters."
            raise DataError(place, what)
    return tuple((start, stop) for start, stop in value)


def _is_span(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(is_whole, value))


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """A value that is not text, in words of JSON, for a line that names it."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
