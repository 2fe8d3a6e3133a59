"""Ranges of a text that JSON values name, as answers and sentences do: read, checked, and moved with the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Span
from robust_xtreme.tasks.formats._json import Range, checked, dumped, is_whole, shown
from robust_xtreme.tasks.formats._record import SlotResult

ANSWERS: Final = ("answers", "plausible_answers")
"""The keys of answers."""

BREAKS: Final = "sentence_breaks"
"""The key of sentences, as pairs of start and stop."""

SENTENCES: Final = "sentences"
"""The key of the sentences' texts, or of the pairs."""

_STARTS: Final = ("answer_start", "start")
_STOPS: Final = ("answer_end", "end")
_SHOWN: Final = 80
_PAIR: Final = 2

Edits = dict[Range, str]
Named = tuple[Any, Any, Any]
"""The text, the start and the stop of an answer; None where the value is missing."""


class NamedRange(NamedTuple):
    """A range of a text, and the JSON values that name it: its start, and its stop, its text or both."""

    start: int
    stop: int
    first: Any
    last: Any = None
    text: Any = None


def named_ranges(holder: Mapping[str, Any], key: str, text: str, location: str) -> list[NamedRange]:
    """The ranges of a text that the value of a key names; null and answers with an empty text are left out.

    The value is a list of objects with `text` and `answer_start`, one such object, an object with a list of each, or
    a list of pairs of start and stop, which may have more items; `start`, `end` and `answer_end` are read as well.
    Raises DataError where a range is not in the text.
    """
    value = holder.get(key)
    if isinstance(value, dict):
        named = _in_object(_named(value), location)
    elif value is None or isinstance(value, list):
        named = [_named(item) for item in value or ()]
    else:
        raise DataError(location, f"expected {key!r} to be a list.")
    return [item for given in named if (item := _named_range(given, text, location)) is not None]


def _named(value: Any) -> Named:
    """The text, start and stop of an answer: an object, or a pair of start and stop."""
    if isinstance(value, list) and len(value) >= _PAIR:
        return None, value[0], value[1]
    if not isinstance(value, dict):
        return None, None, None
    start, stop = (
        next((value[name] for name in names if value.get(name) is not None), None) for names in (_STARTS, _STOPS)
    )
    return value.get("text"), start, stop


def _in_object(named: Named, location: str) -> Sequence[Named]:
    """The answers of an object: a single answer, or lists of the same length."""
    lists = sum(isinstance(part, list) for part in named)
    if not lists:
        return [named]
    texts, starts = (part if isinstance(part, list) else [] for part in named[:_PAIR])
    stops = [None] * len(starts) if named[2] is None else named[2] if isinstance(named[2], list) else []
    if not (len(texts) == len(starts) == len(stops)) or lists == 1:
        raise DataError(location, f"has {len(texts)} answers and {len(starts)} places of them.")
    return list(zip(texts, starts, stops, strict=True))


def _named_range(named: Named, context: str, location: str) -> NamedRange | None:
    text, first, last = named
    if not is_whole(first):
        raise DataError(location, "an answer has no whole number 'answer_start'.")
    if text is None and last is not None:
        if not is_whole(last) or not 0 <= first < last <= len(context):
            raise DataError(location, f"the answer [{shown(first)}, {shown(last)}] is not in its context.")
        return NamedRange(first, last, first, last)
    if text is None:
        raise DataError(location, "the key 'text' is missing.")
    where = span(checked(text, "text", location, empty=True), first, context, location)
    if where is None:
        return None
    start, stop = where
    if last is not None and (not is_whole(last) or last not in (stop, stop - 1)):  # or the offset of its last character
        raise DataError(location, f"an answer begins at {start} and ends at {stop}, not at {shown(last)}.")
    return NamedRange(start, stop, first, last, text)


def span(text: str, start: int, context: str, location: str) -> Range | None:
    """The range of an answer in its context; None where its text is empty. Raises DataError where it is not there."""
    if not text:
        return None
    stop = start + len(text)
    if start < 0 or stop > len(context):
        what = f"the answer {text[:_SHOWN]!r} at {shown(start)} does not fit in the context"
        raise DataError(location, f"{what} of {len(context)} characters.")
    if context[start:stop] != text:
        there, text = context[start:stop][:_SHOWN], text[:_SHOWN]
        raise DataError(location, f"the answer {text!r} is not at answer_start {start}, where {there!r} is.")
    return start, stop


def spans(ranges: Sequence[NamedRange]) -> tuple[Span, ...]:
    """The ranges as spans, without duplicates."""
    return tuple(Span(*item) for item in sorted({(item.start, item.stop) for item in ranges}))


def moved(ranges: Sequence[NamedRange], context: SlotResult, text: str) -> Edits:
    """The edits of answers after their context was noised."""
    edits: Edits = {}
    for answer in ranges:
        start, stop = context.moved(answer.start, answer.stop)
        edits |= _numbers(answer, start, stop)
        if answer.text is not None:
            edits[answer.text.range] = dumped(context.value[start:stop], answer.text, text)
    return edits


def _numbers(named_range: NamedRange, start: int, stop: int) -> Edits:
    edits: Edits = {named_range.first.range: str(start)}
    if named_range.last is not None:
        edits[named_range.last.range] = str(stop + named_range.last - named_range.stop)
    return edits


def breaks(holder: Mapping[str, Any], context: str, location: str) -> list[NamedRange]:
    """The sentences of a context, in order: pairs of start and stop. Raises DataError where they are invalid.

    LAReQA's files have them in `sentence_breaks`, with their texts in `sentences`; rows of a suite in `sentences`.
    """
    key = BREAKS if holder.get(BREAKS) is not None else SENTENCES
    pairs, copies = holder.get(key), holder.get(SENTENCES)
    if key == SENTENCES and not (isinstance(pairs, list) and any(isinstance(pair, list) for pair in pairs)):
        return []
    if not isinstance(pairs, list) or not all(isinstance(pair, list) and len(pair) == _PAIR for pair in pairs):
        raise DataError(location, f"the key {key!r} takes a list of [start, stop].")
    if key == BREAKS and copies is not None:
        texts = isinstance(copies, list) and all(isinstance(copy, str) for copy in copies)
        if not texts or len(copies) != len(pairs):
            what = f"takes a list of the texts of {BREAKS!r}: {len(pairs)} of them."
            raise DataError(location, f"the key {SENTENCES!r} {what}")
    sentences = named_ranges(holder, key, context, location)
    check_order([(sentence.start, sentence.stop) for sentence in sentences], key, location)
    return sentences


def check_order(sentences: Sequence[Range], key: str, location: str) -> None:
    """Raise DataError where sentences overlap or are out of order."""
    for (start, stop), (following, _) in pairwise(sentences):
        if following < stop:
            what = f"the sentence at {following} begins before that at {start} ends, at {stop}."
            raise DataError(location, f"{what} Put {key!r} in order.")


def moved_breaks(holder: Mapping[str, Any], sentences: Sequence[NamedRange], context: SlotResult, text: str) -> Edits:
    """The edits of sentences after their context was noised; a sentence begins after the previous one ends."""
    edits: Edits = {}
    new = list(_moved_in_order(sentences, context))
    for sentence, (start, stop) in zip(sentences, new, strict=True):
        edits |= _numbers(sentence, start, stop)
    copies = holder.get(SENTENCES) or () if holder.get(BREAKS) is not None else ()
    for copy, sentence, (start, stop) in zip(copies, sentences, new, strict=False):
        if context.value[start:stop] != context.slot.value[sentence.start : sentence.stop]:
            edits[copy.range] = dumped(context.value[start:stop], copy, text)
    return edits


def _moved_in_order(sentences: Sequence[NamedRange], context: SlotResult) -> Iterator[Range]:
    end = 0
    for sentence in sentences:
        start, stop = context.moved(sentence.start, sentence.stop)
        start = max(start, end)  # one edit across a break is in the sentence before it
        end = max(stop, start)
        yield start, end
