"""Answers in a JSON object: where they stand in their context, and how they move with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from robust_xtreme.errors import DataError
from robust_xtreme.examples import Span
from robust_xtreme.files._json import Node, dumped, items, shown, string
from robust_xtreme.files._record import Done
from robust_xtreme.sources.squad_json import span

ANSWERS: Final = ("answers", "plausible_answers")
"""The keys of answers."""

BREAKS: Final = "sentence_breaks"
"""The key of sentences, as pairs of start and stop."""

SENTENCES: Final = "sentences"
"""The key of their texts, or of the pairs."""

_STARTS: Final = ("answer_start", "start")
_STOPS: Final = ("answer_end", "end")
_SHOWN: Final = 80
_PAIR: Final = 2

Edits = dict[tuple[int, int], str]
Found = tuple[Node | None, Node | None, Node | None]


class Place(NamedTuple):
    """A range of a text, and the nodes that say it: its start, its stop or its text, or both."""

    start: int
    stop: int
    first: Node
    last: Node | None = None
    text: Node | None = None


def answers(holder: Node, context: str, place: str) -> list[Place]:
    """The answers of a question, and those that are only plausible. Raises DataError where one is elsewhere."""
    return [one for key in ANSWERS for one in places(holder.get(key), context, place)]


def places(node: Node | None, text: str, place: str) -> list[Place]:
    """The ranges of a text that a value names; an answer with an empty text is none, and so is null.

    They stand in a list of objects with `text` and `answer_start`, in one of these, in an object with a list of each,
    or as pairs of start and stop, with or without more behind; `start` and `end`, or `answer_end`, are read as well.
    Raises DataError where one does not stand in the text.
    """
    if node is None or node.value is None:
        return []
    return [one for found in _given(node, place) if (one := _place(found, text, place)) is not None]


def _given(node: Node, place: str) -> Sequence[Found]:
    """The nodes of (text, start, stop) of each answer."""
    if isinstance(node.value, dict):
        return _in_object(_named(node), place)
    if not isinstance(node.value, list):
        raise DataError(place, "the answers are no list.")
    return [_one(one) for one in node.value]


def _one(node: Node) -> Found:
    """What a pair or an object says of one answer."""
    if isinstance(node.value, list) and len(node.value) >= _PAIR:
        return None, node.value[0], node.value[1]
    return _named(node)


def _named(node: Node) -> Found:
    start, stop = (next(filter(_is_there, map(node.get, names)), None) for names in (_STARTS, _STOPS))
    return node.get("text"), start, stop


def _in_object(given: Found, place: str) -> Sequence[Found]:
    """The answers of an object: one, or those of lists of the same length."""
    lists = [one for one in given if one is not None and isinstance(one.value, list)]
    if not lists:
        return [given]
    text, start, stop = given
    texts, starts = items(text), items(start)
    stops: Sequence[Node | None] = [None] * len(starts) if stop is None else items(stop)
    if not (len(texts) == len(starts) == len(stops)) or len(lists) == 1:
        raise DataError(place, f"has {len(texts)} answers and {len(starts)} places of them.")
    return list(zip(texts, starts, stops, strict=True))


def _place(found: Found, context: str, place: str) -> Place | None:
    text, first, last = found
    if first is None or type(first.value) is not int:
        raise DataError(place, "an answer has no whole number 'answer_start'.")
    if text is None and last is not None:
        if type(last.value) is not int or not 0 <= first.value < last.value <= len(context):
            raise DataError(place, f"the answer [{shown(first)}, {shown(last)}] does not lie in its context.")
        return Place(first.value, last.value, first, last)
    answer = string(text, "text", place)
    if answer and not 0 <= first.value <= len(context):
        what = f"the answer {answer[:_SHOWN]!r} at {shown(first)} does not fit in the context"
        raise DataError(place, f"{what} of {len(context)} characters.")
    where = span(answer, first.value, context, place)
    return Place(*where, first, _end(last, where, place), text) if where else None


def _end(last: Node | None, where: tuple[int, int], place: str) -> Node | None:
    """The node of where an answer ends, behind its last character or, as some count, at it. Raises DataError."""
    if last is not None and (type(last.value) is not int or last.value not in (where[1], where[1] - 1)):
        raise DataError(place, f"an answer begins at {where[0]} and ends at {where[1]}, not at {shown(last)}.")
    return last


def spans(found: Sequence[Place]) -> tuple[Span, ...]:
    """The ranges as spans, equal ones once."""
    return tuple(Span(*one) for one in sorted({(one.start, one.stop) for one in found}))


def moved(found: Sequence[Place], context: Done, text: str) -> Edits:
    """How answers are written after their context was noised."""
    edits: Edits = {}
    for one in found:
        start, stop = context.moved(one.start, one.stop)
        edits |= _numbers(one, start, stop)
        if one.text is not None:
            edits[one.text.range()] = dumped(context.value[start:stop], one.text, text)
    return edits


def _numbers(one: Place, start: int, stop: int) -> Edits:
    edits = {one.first.range(): str(start)}
    return edits if one.last is None else {**edits, one.last.range(): str(stop + one.last.value - one.stop)}


def breaks(holder: Node, context: str, place: str) -> list[Place]:
    """The sentences of a context, in order: pairs of start and stop. Raises DataError where they are something else.

    LAReQA's files have them in `sentence_breaks`, with their texts in `sentences`; rows of a suite in `sentences`.
    """
    key = BREAKS if _is_there(holder.get(BREAKS)) else SENTENCES
    pairs = items(holder.get(key))
    if key == SENTENCES and not any(isinstance(one.value, list) for one in pairs):
        return []
    if not _is_list(holder.get(key)) or any(len(items(one)) != 2 for one in pairs):
        raise DataError(place, f"the key {key!r} takes a list of [start, stop].")
    if key == BREAKS and _is_there(holder.get(SENTENCES)):
        _check_copies(holder, len(pairs), place)
    found = places(holder.get(key), context, place)
    for one, other in pairwise(found):
        if other.start < one.stop:
            what = f"the sentence at {other.start} begins before that at {one.start} ends, at {one.stop}."
            raise DataError(place, f"{what} Put {key!r} in order.")
    return found


def _is_there(node: Node | None) -> bool:
    return node is not None and node.value is not None


def _is_list(node: Node | None) -> bool:
    return node is not None and isinstance(node.value, list)


def _check_copies(holder: Node, many: int, place: str) -> None:
    copies = items(holder.get(SENTENCES))
    if len(copies) != many or not all(isinstance(one.value, str) for one in copies):
        raise DataError(place, f"the key {SENTENCES!r} takes a list of the texts of {BREAKS!r}: {many} of them.")


def moved_breaks(holder: Node, found: Sequence[Place], context: Done, text: str) -> Edits:
    """How sentences are written after their context was noised; none begins before the one before it ends."""
    edits: Edits = {}
    new = list(_in_order(found, context))
    for one, (start, stop) in zip(found, new, strict=True):
        edits |= _numbers(one, start, stop)
    copies = items(holder.get(SENTENCES)) if _is_there(holder.get(BREAKS)) else []
    for node, one, (start, stop) in zip(copies, found, new, strict=False):
        if context.value[start:stop] != context.slot.value[one.start : one.stop]:
            edits[node.range()] = dumped(context.value[start:stop], node, text)
    return edits


def _in_order(found: Sequence[Place], context: Done) -> Iterator[tuple[int, int]]:
    end = 0
    for one in found:
        start, stop = context.moved(one.start, one.stop)
        start = max(start, end)
        end = max(stop, start)
        yield start, end
