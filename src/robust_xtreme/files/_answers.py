"""Answers in a JSON object: where they stand in their context, and how they move with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from robust_xtreme.errors import DataError
from robust_xtreme.examples import Span
from robust_xtreme.files._json import Node, dumped, items, shown, string
from robust_xtreme.files._record import Done
from robust_xtreme.sources.squad_json import span

_KEYS: Final = ("answers", "plausible_answers")
_BREAKS: Final = "sentence_breaks"
_SENTENCES: Final = "sentences"
MOVING: Final = (*_KEYS, _BREAKS, _SENTENCES)
"""The keys whose values move with a context."""

Edits = dict[tuple[int, int], str]
Found = tuple[Node | None, Node | None, Node | None]


class Place(NamedTuple):
    """A range of a context, and the nodes that say it: its start, its stop or its text."""

    start: int
    stop: int
    first: Node
    last: Node | None = None
    text: Node | None = None


def answers(holder: Node, context: str, place: str) -> list[Place]:
    """The answers of a question, and those that are only plausible; one with an empty text is none.

    They stand in a list of objects with `text` and `answer_start`, in one of these, in an object with a list of each,
    or as pairs of start and stop. Raises DataError where one does not stand in the context.
    """
    found = (_given(node, place) for key in _KEYS if (node := holder.get(key)) is not None and node.value is not None)
    return [one for pairs in found for pair in pairs if (one := _answer(pair, context, place)) is not None]


def _given(node: Node, place: str) -> Sequence[Found]:
    """The nodes of (text, start, stop) of each answer."""
    if isinstance(node.value, dict):
        return _in_object(node.get("text"), node.get("answer_start"), place)
    if not isinstance(node.value, list):
        raise DataError(place, "the answers are no list.")
    return [
        (None, *one.value[:2]) if len(items(one)) == 2 else (one.get("text"), one.get("answer_start"), None)
        for one in node.value
    ]


def _in_object(text: Node | None, start: Node | None, place: str) -> Sequence[Found]:
    """The answers of an object: one, or those of two lists of the same length."""
    given = [one for one in (text, start) if one is not None and isinstance(one.value, list)]
    if not given:
        return [(text, start, None)]
    texts, starts = items(text), items(start)
    if len(texts) != len(starts) or len(given) == 1:
        raise DataError(place, f"has {len(texts)} answers and {len(starts)} places of them.")
    return [(one, other, None) for one, other in zip(texts, starts, strict=True)]


def _answer(found: Found, context: str, place: str) -> Place | None:
    text, first, last = found
    if first is None or type(first.value) is not int:
        raise DataError(place, "an answer has no whole number 'answer_start'.")
    if last is not None:
        if type(last.value) is not int or not 0 <= first.value < last.value <= len(context):
            raise DataError(place, f"the answer [{first.value}, {shown(last)}] does not lie in its context.")
        return Place(first.value, last.value, first, last)
    where = span(string(text, "text", place), first.value, context, place)
    return Place(*where, first, text=text) if where else None


def spans(places: Sequence[Place]) -> tuple[Span, ...]:
    """The ranges as spans, equal ones once."""
    return tuple(Span(*one) for one in sorted({(one.start, one.stop) for one in places}))


def moved(places: Sequence[Place], context: Done, text: str) -> Edits:
    """How answers are written after their context was noised."""
    edits: Edits = {}
    for one in places:
        start, stop = context.moved(one.start, one.stop)
        edits |= _numbers(one, start, stop)
        if one.text is not None:
            edits[one.text.range()] = dumped(context.value[start:stop], one.text, text)
    return edits


def _numbers(one: Place, start: int, stop: int) -> Edits:
    edits = {one.first.range(): str(start)}
    return edits if one.last is None else {**edits, one.last.range(): str(stop)}


def breaks(holder: Node, context: str, place: str) -> list[Place]:
    """The sentences of a context, in order: pairs of start and stop. Raises DataError where they are something else.

    LAReQA's files have them in `sentence_breaks`, with their texts in `sentences`; rows of a suite in `sentences`.
    """
    key = _BREAKS if _is_there(holder.get(_BREAKS)) else _SENTENCES
    pairs = items(holder.get(key))
    if key == _SENTENCES and not any(isinstance(one.value, list) for one in pairs):
        return []
    if not _is_list(holder.get(key)) or any(len(items(one)) != 2 for one in pairs):
        raise DataError(place, f"the key {key!r} takes a list of [start, stop].")
    if key == _BREAKS and _is_there(holder.get(_SENTENCES)):
        _check_copies(holder, len(pairs), place)
    return [one for pair in pairs if (one := _answer((None, *pair.value), context, place)) is not None]


def _is_there(node: Node | None) -> bool:
    return node is not None and node.value is not None


def _is_list(node: Node | None) -> bool:
    return node is not None and isinstance(node.value, list)


def _check_copies(holder: Node, many: int, place: str) -> None:
    copies = items(holder.get(_SENTENCES))
    if len(copies) != many or not all(isinstance(one.value, str) for one in copies):
        raise DataError(place, f"the key {_SENTENCES!r} takes a list of the texts of {_BREAKS!r}: {many} of them.")


def moved_breaks(holder: Node, places: Sequence[Place], context: Done, text: str) -> Edits:
    """How sentences are written after their context was noised; none begins before the one before it ends."""
    edits: Edits = {}
    new = list(_in_order(places, context))
    for one, (start, stop) in zip(places, new, strict=True):
        edits |= _numbers(one, start, stop)
    copies = items(holder.get(_SENTENCES)) if _is_there(holder.get(_BREAKS)) else []
    for node, one, (start, stop) in zip(copies, places, new, strict=False):
        if context.value[start:stop] != context.slot.value[one.start : one.stop]:
            edits[node.range()] = dumped(context.value[start:stop], node, text)
    return edits


def _in_order(places: Sequence[Place], context: Done) -> Iterator[tuple[int, int]]:
    end = 0
    for one in places:
        start, stop = context.moved(one.start, one.stop)
        start = max(start, end)
        end = max(stop, start)
        yield start, end
