"""Parse JSON, check the values of a row, and record at which range of the text each string and number is written."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from robust_xtreme.core import strict_json
from robust_xtreme.core.errors import DataError
from robust_xtreme.tasks.formats._file import numbered_lines

_DECODER: Final = strict_json.decoder()
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_LONE: Final = re.compile("[\ud800-\udfff]")
_SHOWN: Final = 80
_DEEPEST: Final = 50

HALF: Final = "contains half of a surrogate pair"
Range = tuple[int, int]


class Placed(str):
    """A string of a JSON text, with the range that it is written in."""

    __slots__ = ("range",)
    range: Range


class PlacedNumber(int):
    """A whole number of a JSON text, with the range that it is written in."""

    range: Range


_PLACED: Final[Mapping[type, Any]] = {str: Placed, int: PlacedNumber}


def parse(line: str, location: str) -> dict[str, Any]:
    """Parse one JSON object. Raises DataError where it is invalid, not an object, or has a key twice."""
    with json_errors(location):
        parsed = strict_json.loads(line)
    if not isinstance(parsed, dict):
        raise DataError(location, "is not a JSON object.")
    return parsed


def objects(text: str, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The object of each line, and its location, `path:line`. Raises DataError."""
    for number, line in numbered_lines(text):
        yield parse(line, f"{path}:{number}"), f"{path}:{number}"


def placed_row(text: str, path: str, line: int, keys: Collection[str]) -> dict[str, Any]:
    """Parse a line as one JSON object; in lists and objects, only values under `keys` are Placed. Raises DataError."""
    row = placed(text, path, line, keys)
    if not isinstance(row, dict):
        raise DataError(path, "is not a JSON object.", line)
    return row


def placed(text: str, path: str, line: int, keys: Collection[str] | None = None) -> Any:
    """Parse a text as one JSON value with Placed strings and numbers. Raises DataError with line and column."""
    with json_errors(path, line):
        start = _skip(text, 0)
        if keys is None or text[start : start + 1] != "{":
            value, stop = _value(text, start, _DEEPEST if keys is None else 0)
        else:
            value, stop = _container(text, start, _DEEPEST, keys)
        if (end := _skip(text, stop)) != len(text):
            raise json.JSONDecodeError("Extra data", text, end)
    return value


@contextmanager
def json_errors(path: str, line: int | None = None) -> Iterator[None]:
    """Raise DataError where a JSON parser fails; `line` is the number of the first line, None if `path` has it."""
    try:
        yield
    except json.JSONDecodeError as error:
        raise DataError(
            path,
            f"is not valid JSON: {error.msg} (column {error.colno}).",
            None if line is None else line + error.lineno - 1,
        ) from None
    except strict_json.RepeatedKey as error:
        raise DataError(path, f"{error}.", line) from None
    except RecursionError:
        raise DataError(path, "cannot be read: its lists and objects are nested too deep.", line) from None
    except ValueError:  # Python limits the digits of an integer
        raise DataError(path, "cannot be read: a number in it has too many digits.", line) from None


def _skip(text: str, position: int) -> int:
    if text[position : position + 1] not in " \t\n\r":
        return position
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _value(text: str, position: int, deep: int) -> tuple[Any, int]:
    """The value that begins at a position, and its end; values nested deeper than `deep` are not Placed."""
    if deep and text[position : position + 1] in ("{", "["):
        return _container(text, position, deep - 1)
    value, stop = _DECODER.raw_decode(text, position)
    if kind := _PLACED.get(type(value)):
        value = kind(value)
        value.range = (position, stop)
    return value, stop


def _container(text: str, start: int, deep: int, keys: Collection[str] | None = None) -> tuple[Any, int]:
    """The object or list that begins there, and its end; in an object, values under other keys are not Placed."""
    members: dict[str, Any] = {}
    items: list[Any] = []
    container, close = (members, "}") if text[start] == "{" else (items, "]")
    position = _skip(text, start + 1)
    ended = text[position : position + 1] == close
    while not ended:
        if container is members:
            if text[position : position + 1] != '"':
                raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, position)
            key, stop = _DECODER.raw_decode(text, position)
            begin = _past(text, _skip(text, stop), ":")
            if key in members:
                raise json.JSONDecodeError(f"the key {key[:_SHOWN]!r} occurs twice", text, position)
            members[key], stop = _value(text, begin, deep if keys is None or key in keys else 0)
        else:
            item, stop = _value(text, position, deep)
            items.append(item)
        position = _skip(text, stop)
        ended = text[position : position + 1] == close
        position = position if ended else _past(text, position, ",")
    return container, position + 1


def _past(text: str, position: int, mark: str) -> int:
    if text[position : position + 1] != mark:
        raise json.JSONDecodeError(f"Expecting '{mark}' delimiter", text, position)
    return _skip(text, position + 1)


def dumped(new: str, old: Placed, text: str) -> str:
    """Write a new string as JSON, escaping non-ASCII letters as the old one does; an equal string keeps its bytes."""
    raw = text[slice(*old.range)]
    return raw if new == old else json.dumps(new, ensure_ascii=raw.isascii() and not old.isascii())


def text_of(row: Mapping[str, Any], key: str, location: str, *, empty: bool = False) -> str:
    """The text of that key: a string of whole characters, not blank unless `empty`. Raises DataError."""
    return checked(_value_of(row, key, location), key, location, empty=empty)


def _value_of(row: Mapping[str, Any], key: str, location: str) -> Any:
    if key not in row:
        raise DataError(location, f"the key {key!r} is missing.")
    return row[key]


def checked(value: Any, key: str, location: str, *, empty: bool = False, nulls: bool = False) -> str:
    """Check a value that is the text of that key, as `text_of`; with `nulls` null is an option. Raises DataError."""
    if not isinstance(value, str):
        cure = " Leave such texts as they are: --skip-null" if value is None and nulls else ""
        raise DataError(location, f"the key {key!r} takes a text, not {shown(value)}.{cure}")
    if not empty and not value.strip():
        raise DataError(location, f"the key {key!r} is empty.")
    if is_half(value):
        raise DataError(location, f"the key {key!r} {HALF}, which is not a character.")
    return value


def is_half(text: str) -> bool:
    """Whether a text contains half of a surrogate pair."""
    return _LONE.search(text) is not None


def texts_of(row: Mapping[str, Any], key: str, location: str) -> tuple[str, ...]:
    """The texts of that key: a list of at least one, none of them empty. Raises DataError."""
    value = _value_of(row, key, location)
    if not isinstance(value, list) or not value or not all(isinstance(text, str) and text.strip() for text in value):
        what = f"takes a list of texts, none of them empty, not {value!r:.{_SHOWN}}."
        raise DataError(location, f"the key {key!r} {what}")
    return tuple(checked(text, key, location) for text in value)


def index_of(row: Mapping[str, Any], key: str, letters: Sequence[str], location: str) -> int | None:
    """The index of the letter of that key among `letters`; None where it is missing. Raises DataError."""
    letter = row.get(key)
    if letter is None:
        return None
    if letter not in letters:
        raise DataError(location, f"the key {key!r} takes one of {', '.join(letters)}, not {letter!r:.{_SHOWN}}.")
    return letters.index(letter)


def spans_of(row: Mapping[str, Any], key: str, length: int, location: str) -> tuple[Range, ...]:
    """The spans of that key: a list of [start, stop) within a text of that length. Raises DataError."""
    value = row[key]
    if not isinstance(value, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(map(is_whole, pair)) for pair in value
    ):
        raise DataError(location, f"the key {key!r} takes a list of [start, stop], not {value!r:.{_SHOWN}}.")
    for start, stop in value:
        if not 0 <= start < stop <= length:
            raise DataError(
                location, f"the span [{start}, {stop}] of {key!r} is not in the context of {length} characters."
            )
    return tuple((start, stop) for start, stop in value)


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number; true and false are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def number_of(text: str) -> int | None:
    """The whole number of at most 18 digits, 0 to 9, that a text is; None of another text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def shown(value: Any) -> str:
    """A value that is not a text, as a message names it."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
