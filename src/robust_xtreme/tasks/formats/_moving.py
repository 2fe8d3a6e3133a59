"""Which ranges in a row of JSON lines move with which text, and which values look like ranges but do not move."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import Any, Final, NamedTuple

from robust_xtreme.core import strict_json
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Span
from robust_xtreme.tasks.formats._json import Range, checked, dumped, is_whole, shown
from robust_xtreme.tasks.formats._record import SlotResult

ANSWERS: Final = ("answers", "plausible_answers")
BREAKS: Final = "sentence_breaks"
"""The key of sentences, as pairs of start and stop."""

SENTENCES: Final = "sentences"
"""The key of the sentences' texts, or of the pairs."""

_SHOWN: Final = 80

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
        next((value[name] for name in names if value.get(name) is not None), None)
        for names in (("answer_start", "start"), ("answer_end", "end"))
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
        raise DataError(
            location,
            f"the answer {text[:_SHOWN]!r} at {shown(start)} does not fit in the context of {len(context)} characters.",
        )
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
    new: list[Range] = []
    end = 0
    for sentence in sentences:
        start, stop = context.moved(sentence.start, sentence.stop)
        start = max(start, end)  # one edit across a break is in the sentence before it
        end = max(stop, start)
        new.append((start, end))
        edits |= _numbers(sentence, start, end)
    copies = holder.get(SENTENCES) or () if holder.get(BREAKS) is not None else ()
    for copy, sentence, (start, stop) in zip(copies, sentences, new, strict=False):
        if context.value[start:stop] != context.slot.value[sentence.start : sentence.stop]:
            edits[copy.range] = dumped(context.value[start:stop], copy, text)
    return edits


Fields = Mapping[str, Any]

_SPANS: Final = ("spans", "entities")
_SENTENCES: Final = (BREAKS, SENTENCES)
MOVING: Final = (*ANSWERS, *_SPANS, *_SENTENCES)
"""The keys whose values move with a text."""

_CONTEXT: Final = "context"
_TEXT: Final = "text"
_WORDS: Final = re.compile("[A-Z]?[a-z]+")
_NUMBER: Final = re.compile(r"\s*-?[0-9]{1,12}(\.0*)?\s*")
_NAMES: Final = frozenset(("start", "starts", "begin", "offset", "offsets", "span", "spans"))
_PAIR: Final = 2


class Moving(NamedTuple):
    """What moves with one text of a row: the ranges in it, and its sentences."""

    row: Fields
    ranges: Sequence[NamedRange] = ()
    sentences: Sequence[NamedRange] = ()

    def edits(self, new: SlotResult, text: str) -> Edits:
        """The edits of the row's ranges after the text was noised."""
        return moved(self.ranges, new, text) | moved_breaks(self.row, self.sentences, new, text)


def moving(row: Fields, noised: Mapping[str, str], keep: Collection[str], location: str) -> Mapping[str, Moving]:
    """What moves with each noised text; values under the keys in `keep` do not move.

    Ranges belong to `context`. In a row without one, they belong to the text that contains the quoted answers at these
    ranges; ranges without quoted answers belong to `text`, or to the only text in which they fit. Raises DataError
    where this is ambiguous, and where another value looks like ranges in a noised text.
    """
    row = {key: value for key, value in row.items() if key not in keep}
    owners = {key: owner for key in MOVING if key not in noised and (owner := _owner(row, key, noised, location))}
    _check_left(row, noised, {*noised, *owners}, location)
    moves = {}
    for name, text in noised.items():
        keys = [key for key, owner in owners.items() if owner == name]
        ranges = [item for key in keys if key not in _SENTENCES for item in named_ranges(row, key, text, location)]
        sentences = breaks(row, text, location) if any(key in keys for key in _SENTENCES) else ()
        moves[name] = Moving(row, ranges, sentences)
    return moves


def _owner(row: Fields, key: str, noised: Mapping[str, str], location: str) -> str:
    """The name of the text to which the ranges under a key belong, noised or not; empty where there are no ranges."""
    value = row.get(key)
    if value is None or (key in ANSWERS and value and isinstance(value, list) and all(map(_is_text, value))):
        return ""
    in_context = _is_text(row.get(_CONTEXT))
    if key not in _SPANS and in_context:
        return _CONTEXT
    placed = looks_placed(key, value)
    if in_context:
        return _CONTEXT if placed else ""
    if key == SENTENCES and BREAKS in row and not placed:
        key = BREAKS
        placed = row[key] is not None
    return _fitting(row, key, noised, location) if placed else ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _fitting(row: Fields, key: str, noised: Mapping[str, str], location: str) -> str:
    """The name of the text in which all ranges of a value fit. Raises DataError where several texts or none fit."""
    texts: dict[str, str] = {name: value for name, value in row.items() if _is_text(value)} | dict(noised)
    fits: dict[str, list[NamedRange]] = {}
    for name, text in texts.items():
        with suppress(DataError):  # one of the ranges does not fit
            fits[name] = named_ranges(row, key, text, "")
    ours = [name for name in fits if name in noised]
    if any(item.text is None for fit in fits.values() for item in fit):
        if _TEXT in texts:
            return _TEXT
        ours = ours if len(fits) == 1 else list(fits) * bool(ours)
    if fits and (len(ours) <= 1 or not any(fits.values())):
        return next(iter(ours or fits))
    known = " or ".join(map(repr, fits)) or "none of the texts"
    what = f"the places under {key!r} fit in {known}"
    raise DataError(location, f"{what}. Call the text that they are in {_CONTEXT!r}, or leave them: --keep {key}")


def _check_left(row: Fields, noised: Mapping[str, str], taken: Collection[str], location: str) -> None:
    """Raise DataError where another key looks like ranges in a noised text, or like the text of an answer."""
    longest = max(map(len, noised.values()), default=-1)
    elsewhere = _is_text(row.get(_CONTEXT)) and _CONTEXT not in noised
    for key, value in row.items():
        if key in taken:
            continue
        if not elsewhere and looks_placed(key, value, longest):
            raise _stale(location, key, "looks like places in a text that is noised")
        if key in ("answer", "answers") and any(_is_answer(inner, noised) for _, inner in _inside(key, value)):
            raise _stale(location, key, "contains an answer that is in a text that is noised, without its place,")


def check_cells(
    names: Sequence[str], cells: Sequence[str], columns: Sequence[int], keep: Collection[str], location: str
) -> None:
    """Raise DataError where a column of a table looks like places in a noised one, since they do not move there.

    `names` are those of all columns, none without a header; `columns` are the noised ones.
    """
    noised = {names[at]: cells[at] for at in columns if names}
    others = {name: cell for name, cell in zip(names, cells, strict=False) if name not in noised}
    for name in MOVING:
        if others.pop(name, "").lstrip().startswith(("[", "{")) and name not in keep:
            raise DataError(
                location,
                f"the column {name!r} looks like places in a text, which do not move in a table. "
                f"Leave it: --keep {name}",
            )
    moving({**others, **noised}, noised, keep, location)


def _is_answer(value: Any, noised: Mapping[str, str]) -> bool:
    """Whether a value is a text that occurs in a noised text; the letter of a choice does not count."""
    if not isinstance(value, str) or not value or (len(value) == 1 and value.isascii()):
        return False
    found = (match for text in noised.values() for match in re.finditer(re.escape(value), text))
    return any(not any(_joins(match.string, end) for end in match.span()) for match in found)


def _joins(text: str, position: int) -> bool:
    """Whether a position is inside a word of a script with capitals, as that of `no` in `know`."""
    around = text[max(position - 1, 0) : position + 1]
    return len(around) == _PAIR and all(letter.lower() != letter.upper() for letter in around)


def _stale(location: str, key: str, what: str) -> DataError:
    names = ", ".join(MOVING)
    return DataError(location, f"the key {key!r} {what} and does not move (these do: {names}). Leave it: --keep {key}")


def looks_placed(key: str, value: Any, longest: int | None = None) -> bool:
    """Whether a value, or one nested in it, looks like places in a text of at most so many code points."""
    return any(_names_position(name, inner, longest) for name, inner in _inside(key, value))


def _inside(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value and all values nested in it, also in JSON that is a text, each with its key."""
    pending: list[tuple[str, Any]] = [(key, value)]
    while pending:
        name, value = pending.pop()
        yield name, value
        if isinstance(value, dict):
            pending += value.items()
        elif isinstance(value, list):
            pending += ((name, inner) for inner in value)
        elif isinstance(value, str) and value.lstrip().startswith(("[", "{")):
            with suppress(ValueError, RecursionError):
                pending.append((name, strict_json.loads(value.replace("(", "[").replace(")", "]"))))


def _names_position(name: str, value: Any, longest: int | None) -> bool:
    """Whether a value is a number under a key that names positions, or a list of number pairs, at most `longest`."""
    if _is_offset(float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value, longest):
        return not _NAMES.isdisjoint(word.lower() for word in _WORDS.findall(name))
    return isinstance(value, list) and bool(value) and all(_is_pair(pair, longest) for pair in value)


def _is_pair(value: Any, longest: int | None) -> bool:
    """Whether a value is a start and a stop, optionally followed by a name."""
    if not isinstance(value, list) or len(value) not in (_PAIR, _PAIR + 1):
        return False
    return all(_is_offset(item, longest) for item in value[:_PAIR]) and all(map(_is_text, value[_PAIR:]))


def _is_offset(value: Any, longest: int | None) -> bool:
    is_number = is_whole(value) or (isinstance(value, float) and value.is_integer())
    return is_number and (longest is None or 0 <= value <= longest)
