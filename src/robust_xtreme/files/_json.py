"""JSON whose values are replaced where they stand: everything else keeps its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from robust_xtreme.errors import DataError

_DECODER: Final = json.JSONDecoder()
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_LONE: Final = re.compile("[\ud800-\udfff]")
_SHOWN: Final = 80
_DEEPEST: Final = 100
_BLANK: Final = " \t\n\r"


class Node(NamedTuple):
    """A value and where it stands: a dict or a list of nodes, or a value of Python's."""

    start: int
    stop: int
    value: Any

    def get(self, key: str) -> Node | None:
        """The node of that key; None where there is none, or where this is no object."""
        found = self.value.get(key) if isinstance(self.value, dict) else None
        return found if isinstance(found, Node) else None

    def range(self) -> tuple[int, int]:
        """Where it stands."""
        return self.start, self.stop


def parse(text: str, path: str, line: int, deep: int = _DEEPEST) -> Node:
    """The value that a text is, with everything in it to a depth. Raises DataError with the line, and the column."""
    return _read(lambda: _only(text, deep), path, line)


def _read(read: Callable[[], Node], path: str, line: int) -> Node:
    """What a reader of JSON finds. Raises DataError where it fails."""
    try:
        return read()
    except json.JSONDecodeError as error:
        what = f"is not valid JSON: {error.msg} (column {error.colno})."
        raise DataError(path, what, line + error.lineno - 1) from None
    except RecursionError:
        raise DataError(path, "cannot be read: its lists and objects are nested too deep.", line) from None
    except ValueError:  # of the integers that Python reads, which have an end
        raise DataError(path, "cannot be read: a number in it has too many digits.", line) from None


def _only(text: str, deep: int) -> Node:
    """The value of a text that holds nothing else."""
    node = _value(text, _skip(text, 0), deep)
    if (end := _skip(text, node.stop)) != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return node


def row(text: str, path: str, line: int, keys: Collection[str]) -> Node:
    """The object that a line is, with what stands in the values of some keys; others are Python's. Raises DataError."""
    node = parse(text, path, line, 1)
    if not isinstance(node.value, dict):
        raise DataError(path, "is not a JSON object.", line)
    return _read(lambda: _within(node, text, keys), path, line)


def _within(node: Node, text: str, keys: Collection[str]) -> Node:
    for key in keys:
        if (found := node.get(key)) is not None and isinstance(found.value, dict | list):
            node.value[key] = _value(text, found.start, _DEEPEST)
    return node


def _skip(text: str, place: int) -> int:
    if text[place : place + 1] not in _BLANK:
        return place
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _value(text: str, place: int, deep: int) -> Node:
    """The value that begins there; containers deeper than `deep` are values of Python's."""
    opens = text[place : place + 1]
    if deep and opens == "{":
        return _object(text, place, deep - 1)
    if deep and opens == "[":
        return _array(text, place, deep - 1)
    value, stop = _DECODER.raw_decode(text, place)
    return Node(place, stop, value)


def _object(text: str, start: int, deep: int) -> Node:
    found: dict[str, Node] = {}
    place = _skip(text, start + 1)
    while text[place : place + 1] != "}" or found:
        if text[place : place + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, place)
        begins = place
        key, place = _DECODER.raw_decode(text, place)
        place = _past(text, _skip(text, place), ":")
        if key in found:
            raise json.JSONDecodeError(f"the key {key[:_SHOWN]!r} stands twice", text, begins)
        found[key] = _value(text, place, deep)
        place = _skip(text, found[key].stop)
        if text[place : place + 1] == "}":
            break
        place = _past(text, place, ",")
    return Node(start, place + 1, found)


def _array(text: str, start: int, deep: int) -> Node:
    found: list[Node] = []
    place = _skip(text, start + 1)
    while text[place : place + 1] != "]" or found:
        found.append(_value(text, place, deep))
        place = _skip(text, found[-1].stop)
        if text[place : place + 1] == "]":
            break
        place = _past(text, place, ",")
    return Node(start, place + 1, found)


def _past(text: str, place: int, mark: str) -> int:
    if text[place : place + 1] != mark:
        raise json.JSONDecodeError(f"Expecting '{mark}' delimiter", text, place)
    return _skip(text, place + 1)


def string(node: Node | None, key: str, place: str) -> str:
    """The text of a key: a string of whole characters. Raises DataError."""
    if node is None:
        raise DataError(place, f"the key {key!r} is missing.")
    if not isinstance(node.value, str):
        raise DataError(place, f"the key {key!r} takes a text, not {shown(node)}.")
    if _LONE.search(node.value):
        raise DataError(place, f"the key {key!r} holds half of a surrogate pair, which is no character.")
    return node.value


def strings(node: Node, key: str, place: str) -> tuple[str, ...]:
    """The texts of a key that holds a list of them. Raises DataError."""
    for one in node.value:
        if not isinstance(one.value, str):
            raise DataError(place, f"the key {key!r} takes a list of texts, and {shown(one)} is in it.")
    return tuple(string(one, key, place) for one in node.value)


def items(node: Node | None) -> list[Node]:
    """The nodes of a list; none where it is no list."""
    return node.value if node is not None and isinstance(node.value, list) else []


def shown(node: Node) -> str:
    """A value that is no text, for a line that says so."""
    if isinstance(node.value, dict | list):
        return "an object" if isinstance(node.value, dict) else "a list"
    text = json.dumps(node.value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def dumped(new: str, node: Node, text: str) -> str:
    """A string in place of another, in its way of writing letters beyond ASCII; the same one keeps its bytes."""
    raw = text[node.start : node.stop]
    if new == node.value:
        return raw
    return json.dumps(new, ensure_ascii=raw.isascii() and not node.value.isascii())
