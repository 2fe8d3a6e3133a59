"""JSON lines: the fields that are named are noised, every other byte of a line is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

from robust_xtreme.errors import DataError
from robust_xtreme.files._answers import Edits, spans
from robust_xtreme.files._json import Node, dumped, items, row, string, strings
from robust_xtreme.files._moving import MOVING, Moving, moving
from robust_xtreme.files._record import Done, Options, Record, Slot, kept, spliced, whole
from robust_xtreme.files._source import Line, Source
from robust_xtreme.tasks._tagging import word_spans

FIELDS: Final = ()
"""None is noised that is not named."""

FAMILY: Final = ""

_CHOICE: Final = re.compile(r"choice([1-9][0-9]*)")
_CHOICES: Final = "choices"


def read(source: Source, options: Options) -> Iterator[Record]:
    """A record for each line that is not empty.

    A field is a key whose value is a text, or a list of words, which are spans of one text; `choice2` is also the
    second text of `choices`. What names places in a text moves with it. Raises DataError naming the line.
    """
    for line in source.lines():
        yield _record(line, source.path, options) if line.text.strip() else kept(whole(line))


def _record(line: Line, path: str, options: Options) -> Record:
    node = row(line.text, path, line.number, (*options.fields, _CHOICES, *MOVING))
    place = f"{path}:{line.number}"
    language = string(node.get(options.language_field), options.language_field, place) if options.language_field else ""
    nodes = [_node(node, name, place) for name in options.fields]
    _check_apart(nodes, options.fields, place)
    given = list(zip(options.fields, nodes, strict=True))
    texts = {name: string(one, name, place) for name, one in given if not isinstance(one.value, list)}
    found = moving(node, texts, {*options.keep, *options.fields} - {*texts}, place)
    slots = tuple(_slot(one, name, found.get(name), (place, str(line.number), language)) for name, one in given)
    return Record(slots, partial(_written, line, nodes, found), len(line.text))


def _node(row: Node, name: str, place: str) -> Node:
    """The node of a field. Raises DataError with the fields that there are."""
    if (found := row.get(name)) is not None:
        return found
    if (match := _CHOICE.fullmatch(name)) and len(choices := items(row.get(_CHOICES))) >= int(match[1]):
        return choices[int(match[1]) - 1]
    known = ", ".join(key for key, one in row.value.items() if isinstance(one.value, str | list))
    raise DataError(place, f"has no field {name!r}; its texts are: {known[:200] or 'none'}. Name them with --fields.")


def _check_apart(nodes: Sequence[Node], names: Sequence[str], place: str) -> None:
    """Raise DataError where a text is named twice, as by `choices` and `choice1`."""
    ranges = sorted((*node.range(), name) for node, name in zip(nodes, names, strict=True))
    for (_, stop, name), (start, _, other) in pairwise(ranges):
        if start < stop:
            raise DataError(place, f"{name!r} and {other!r} are the same text. Name it once with --fields.")


def _slot(node: Node, name: str, found: Moving | None, where: tuple[str, str, str]) -> Slot:
    place, key, language = where
    if found is None:
        words = strings(node, name, place)
        return Slot(name, key, " ".join(words), word_spans(words), language, words=True)
    return Slot(name, key, node.value, spans(found.places), language)


def _written(line: Line, nodes: Sequence[Node], found: Mapping[str, Moving], done: Sequence[Done]) -> str:
    edits: Edits = {}
    for node, one in zip(nodes, done, strict=True):
        if (own := found.get(one.slot.field)) is None:
            pairs = zip(node.value, one.words(), strict=True)
            edits |= {word.range(): dumped(new, word, line.text) for word, new in pairs if new is not None}
        else:
            edits[node.range()] = dumped(one.value, node, line.text)
            edits |= own.edits(one, line.text)
    return spliced(line.text, edits) + line.end
