"""Places in a text that a JSON value names, answers and sentences: where they are, and how they move with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from robust_xtreme.errors import DataError
from robust_xtreme.examples import Span
from robust_xtreme.formats._json import Range, checked, dumped, is_whole, shown
from robust_xtreme.formats._record import Done

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

Edits = dict[Range, str]
Named = tuple[Any, Any, Any]
"""The text, the start and the stop of an answer; None where it is not named."""


class Place(NamedTuple):
    """A range of a text, and the values that name it: its start, its stop or its text, or both."""

    start: int
    stop: int
    first: Any
    last: Any = None
    text: Any = None


def answers(holder: Mapping[str, Any], context: str, place: str, keys: Sequence[str] = ANSWERS) -> list[Place]:
    """The answers of a question, those that are only plausible too. Raises DataError where one is elsewhere."""
    return [one for key in keys for one in places(holder, key, context, place)]


def places(holder: Mapping[str, Any], key: str, text: str, place: str) -> list[Place]:
    """The ranges of a text that the value of a key names; an answer with an empty text is none, and so is null.

    They are a list of objects with `text` and `answer_start`, one of these, an object with a list of each, or pairs of
    start and stop, with or without more after them; `start` and `end`, or `answer_end`, are read as well. Raises
    DataError where one is not in the text.
    """
    value = holder.get(key)
    named = [] if value is None else _all_named(value, key, place)
    return [one for given in named if (one := _place(given, text, place)) is not None]


def _all_named(value: Any, key: str, place: str) -> Sequence[Named]:
    """What is named of each answer."""
    if isinstance(value, dict):
        return _in_object(_named(value), place)
    if not isinstance(value, list):
        raise DataError(place, f"expected {key!r} to be a list.")
    return [(None, *one[:_PAIR]) if isinstance(one, list) and len(one) >= _PAIR else _named(one) for one in value]


def _named(value: Any) -> Named:
    if not isinstance(value, dict):
        return None, None, None
    start, stop = (next((value[name] for name in names if value.get(name) is not None), None) for names in _BOTH)
    return value.get("text"), start, stop


_BOTH: Final = (_STARTS, _STOPS)


def _in_object(named: Named, place: str) -> Sequence[Named]:
    """The answers of an object: one, or those of lists of the same length."""
    lists = sum(isinstance(one, list) for one in named)
    if not lists:
        return [named]
    texts, starts = (one if isinstance(one, list) else [] for one in named[:_PAIR])
    stops = [None] * len(starts) if named[2] is None else named[2] if isinstance(named[2], list) else []
    if not (len(texts) == len(starts) == len(stops)) or lists == 1:
        raise DataError(place, f"has {len(texts)} answers and {len(starts)} places of them.")
    return list(zip(texts, starts, stops, strict=True))


def _place(named: Named, context: str, place: str) -> Place | None:
    text, first, last = named
    if not is_whole(first):
        raise DataError(place, "an answer has no whole number 'answer_start'.")
    if text is None and last is not None:
        if not is_whole(last) or not 0 <= first < last <= len(context):
            raise DataError(place, f"the answer [{shown(first)}, {shown(last)}] does not be in its context.")
        return Place(first, last, first, last)
    if text is None:
        raise DataError(place, "the key 'text' is missing.")
    where = span(checked(text, "text", place, empty=True), first, context, place)
    return Place(*where, first, _end(last, where, place), text) if where else None


def span(text: str, start: int, context: str, place: str) -> Range | None:
    """Where an answer is in its context; None where its text is empty. Raises DataError where it does not."""
    if not text:
        return None
    stop = start + len(text)
    if start < 0 or stop > len(context):
        what = f"the answer {text[:_SHOWN]!r} at {shown(start)} does not fit in the context"
        raise DataError(place, f"{what} of {len(context)} characters.")
    if context[start:stop] != text:
        there, text = context[start:stop][:_SHOWN], text[:_SHOWN]
        raise DataError(place, f"the answer {text!r} is not at answer_start {start}, where {there!r} is.")
    return start, stop


def _end(last: Any, where: Range, place: str) -> Any:
    """The value of where an answer ends, after its last character or, as some count, at it. Raises DataError."""
    if last is not None and (not is_whole(last) or last not in (where[1], where[1] - 1)):
        raise DataError(place, f"an answer begins at {where[0]} and ends at {where[1]}, not at {shown(last)}.")
    return last


def spans(ranges: Sequence[Place]) -> tuple[Span, ...]:
    """The ranges as spans, equal ones once."""
    return tuple(Span(*one) for one in sorted({(one.start, one.stop) for one in ranges}))


def moved(ranges: Sequence[Place], context: Done, text: str) -> Edits:
    """How answers are written after their context was noised."""
    edits: Edits = {}
    for one in ranges:
        start, stop = context.moved(one.start, one.stop)
        edits |= _numbers(one, start, stop)
        if one.text is not None:
            edits[one.text.range] = dumped(context.value[start:stop], one.text, text)
    return edits


def _numbers(one: Place, start: int, stop: int) -> Edits:
    edits: Edits = {one.first.range: str(start)}
    return edits if one.last is None else {**edits, one.last.range: str(stop + one.last - one.stop)}


def breaks(holder: Mapping[str, Any], context: str, place: str) -> list[Place]:
    """The sentences of a context, in order: pairs of start and stop. Raises DataError where they are something else.

    LAReQA's files have them in `sentence_breaks`, with their texts in `sentences`; rows of a suite in `sentences`.
    """
    key = BREAKS if holder.get(BREAKS) is not None else SENTENCES
    pairs, copies = holder.get(key), holder.get(SENTENCES)
    if key == SENTENCES and not (isinstance(pairs, list) and any(isinstance(one, list) for one in pairs)):
        return []
    if not isinstance(pairs, list) or not all(isinstance(one, list) and len(one) == _PAIR for one in pairs):
        raise DataError(place, f"the key {key!r} takes a list of [start, stop].")
    if key == BREAKS and copies is not None and not _are_texts(copies, len(pairs)):
        raise DataError(place, f"the key {SENTENCES!r} takes a list of the texts of {BREAKS!r}: {len(pairs)} of them.")
    sentences = places(holder, key, context, place)
    check_order([(one.start, one.stop) for one in sentences], key, place)
    return sentences


def _are_texts(copies: Any, many: int) -> bool:
    return isinstance(copies, list) and len(copies) == many and all(isinstance(one, str) for one in copies)


def check_order(sentences: Sequence[Range], key: str, place: str) -> None:
    """Raise DataError where sentences overlap, or run backwards."""
    for (start, stop), (following, _) in pairwise(sentences):
        if following < stop:
            what = f"the sentence at {following} begins before that at {start} ends, at {stop}."
            raise DataError(place, f"{what} Put {key!r} in order.")


def moved_breaks(holder: Mapping[str, Any], sentences: Sequence[Place], context: Done, text: str) -> Edits:
    """How sentences are written after their context was noised; none begins before the one before it ends."""
    edits: Edits = {}
    new = list(_moved_in_order(sentences, context))
    for one, (start, stop) in zip(sentences, new, strict=True):
        edits |= _numbers(one, start, stop)
    copies = holder.get(SENTENCES) or () if holder.get(BREAKS) is not None else ()
    for copy, one, (start, stop) in zip(copies, sentences, new, strict=False):
        if context.value[start:stop] != context.slot.value[one.start : one.stop]:
            edits[copy.range] = dumped(context.value[start:stop], copy, text)
    return edits


def _moved_in_order(sentences: Sequence[Place], context: Done) -> Iterator[Range]:
    end = 0
    for one in sentences:
        start, stop = context.moved(one.start, one.stop)
        start = max(start, end)
        end = max(stop, start)
        yield start, end
