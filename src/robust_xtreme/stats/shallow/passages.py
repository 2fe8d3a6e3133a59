"""Shallow answers from a passage: its first words or sentence, and the sentence most like the question."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain, islice, pairwise
from typing import Final

import numpy as np
import regex

from robust_xtreme.core.columns import Array, ExampleColumns, Ranges, bounds_of, once
from robust_xtreme.core.edits import at, ragged
from robust_xtreme.stats.shallow.words import ShownExamples
from robust_xtreme.tasks.formats.squad_sentences import sentences

FIRST_WORDS: Final = 3
_CONTEXT: Final = "context"
_QUESTION: Final = "question"

_JOINED: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts that are written without spaces between words: pairs of characters replace words."""

_UNIT: Final = regex.compile(rf"[\w&&[{_JOINED}]]{{1,2}}|[\w--[{_JOINED}]]+", regex.V1)
_KIND: Final = regex.compile(rf"([\w--[{_JOINED}]])|([\w&&[{_JOINED}]])", regex.V1)
_OTHER, _WORD, _PAIRED, _UNKNOWN = range(4)
"""What a character is: of no unit, of a word, or one of those that are compared by pairs; or not known yet."""

_ENCODING: Final = "utf-32-le"
_SURROGATES: Final = "surrogatepass"

_Span = tuple[int, int]
_Bag = frozenset[str]
_Parts = tuple[Sequence[_Span], Sequence[_Bag]]
"""The sentences of a passage, and the units of each."""


def units(texts: Sequence[str]) -> list[_Bag]:
    """The units of texts for comparison: words in lower case, or pairs of characters without spaces."""
    lowered = [text.lower() for text in texts]
    joined = "\0".join([*lowered, ""])
    points = np.frombuffer(joined.encode(_ENCODING, _SURROGATES), np.uint32)
    starts, stops = _bounds(_kinds(points))
    ends = np.cumsum(np.fromiter(map(len, lowered), np.int64, len(lowered)) + 1)
    written, bounds = _spaced(points, starts, stops)
    cuts = bounds[np.searchsorted(starts, np.append(0, ends))].tolist()
    return [frozenset(written[low:high].split()) for low, high in pairwise(cuts)]


def _spaced(points: Array, starts: Array, stops: Array) -> tuple[str, Array]:
    """Parts of a text with a space after each, and where each begins, and the last ends (n + 1,)."""
    bounds = bounds_of(stops - starts + 1)
    written = points[ragged(starts, stops - starts + 1)]
    written[bounds[1:] - 1] = ord(" ")
    return written.tobytes().decode(_ENCODING, _SURROGATES), bounds


def _bounds(kinds: Array) -> tuple[Array, Array]:
    """Where the units of a text with characters of these kinds begin, in order, and end."""
    framed = np.zeros(len(kinds) + 2, np.uint8)  # _OTHER is 0
    framed[1:-1] = kinds
    edges = np.flatnonzero(framed[1:] != framed[:-1])
    units = np.flatnonzero(kinds[edges[:-1]])
    starts, stops = edges[units], edges[units + 1]
    paired = kinds[starts] == _PAIRED
    if not paired.any():
        return starts, stops
    # A word is one unit; characters that are compared by pairs have a unit for each pair.
    counts = np.where(paired, np.maximum(stops - starts - 1, 1), 1)
    firsts = ragged(starts, counts)
    stops, paired = np.repeat(stops, counts), np.repeat(paired, counts)
    return firsts, np.where(paired, np.minimum(firsts + 2, stops), stops)


def _kinds(points: Array) -> Array:
    """The kind (n,) uint8 of each code point (n,)."""
    table = _table()
    kinds = at(table, points)
    unknown = kinds == _UNKNOWN
    if unknown.any():
        new = np.unique(points[unknown])
        table[new] = [match.lastindex if (match := _KIND.match(chr(point))) else _OTHER for point in new.tolist()]
        kinds = at(table, points)
    return kinds


@cache
def _table() -> Array:
    """The kinds of all code points, filled as these occur."""
    return np.full(0x110000, _UNKNOWN, np.uint8)


def by_overlap(shown: Sequence[ShownExamples]) -> list[Ranges]:
    """The sentence of the passage that shares most units with the question, the first of equals."""
    passages: dict[str, _Parts] = {}
    questions: dict[str, _Bag] = {}
    answers = []
    for each in shown:
        contexts, asked = each.columns.values(_CONTEXT), each.columns.values(_QUESTION)
        here = passages | _passages(each.columns, _new(contexts, passages))
        new = _new(asked, questions)
        bags = questions | dict(zip(new, units(new), strict=True))
        pairs = zip(asked, contexts, strict=True)
        answers.append(_ranges([_most_alike(bags[question], *here[context]) for question, context in pairs]))
        # Only those of the first, the clean examples, are kept for the others.
        passages, questions = passages or here, questions or bags
    return answers


def _new(texts: Iterable[str], known: Mapping[str, object]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text not in known]


def _passages(columns: ExampleColumns, contexts: Sequence[str]) -> dict[str, _Parts]:
    """The sentences of passages and their units."""
    spans = [_sentences(columns, context) for context in contexts]
    bags = units([context[a:b] for context, each in zip(contexts, spans, strict=True) for a, b in each])
    bounds = bounds_of(np.array(list(map(len, spans)), np.int64)).tolist()
    parts = [bags[low:high] for low, high in pairwise(bounds)]
    return dict(zip(contexts, zip(spans, parts, strict=True), strict=True))


def _sentences(columns: ExampleColumns, context: str) -> list[_Span]:
    """The sentences of a passage; those of clean passages are kept with the clean examples."""
    known = once(columns.clean or columns, _no_sentences)
    if columns.clean:
        return known[context] if context in known else sentences(context)
    if context not in known:
        known[context] = sentences(context)
    return known[context]


def _no_sentences(_: ExampleColumns) -> dict[str, list[_Span]]:
    return {}


def first_sentences(columns: ExampleColumns) -> Ranges:
    """The first sentence of each passage."""
    contexts = columns.values(_CONTEXT)
    return _ranges([next(iter(_sentences(columns, context)), None) for context in contexts])


def first_words(columns: ExampleColumns) -> Ranges:
    """The first three words of each passage."""
    contexts, known = columns.values(_CONTEXT), dict[str, _Span | None]()
    for context in dict.fromkeys(contexts):
        bounds = [match.span() for match in islice(_UNIT.finditer(context), FIRST_WORDS)]
        known[context] = (bounds[0][0], bounds[-1][1]) if bounds else None
    return _ranges([known[context] for context in contexts])


def _most_alike(question: _Bag, spans: Sequence[_Span], parts: Sequence[_Bag]) -> _Span | None:
    """The sentence that shares most units with the question, the first of equals."""
    shared = [len(question & part) for part in parts]
    return spans[shared.index(max(shared))] if shared else None


def _ranges(spans: Sequence[_Span | None]) -> Ranges:
    ends = np.fromiter(chain.from_iterable(span for span in spans if span), np.int64).reshape(-1, 2)
    return Ranges(ends[:, 0], ends[:, 1], bounds_of(np.array([span is not None for span in spans])))
