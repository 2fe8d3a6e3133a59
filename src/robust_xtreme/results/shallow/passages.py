"""Shallow answers from a passage: its first words or sentence, the sentence most like the question, words in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

import regex

from robust_xtreme.examples import Answers, Span, Target, Text
from robust_xtreme.formats.squad_sentences import sentences

FIRST_WORDS: Final = 3

_JOINED: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts that are written without spaces between words: pairs of characters replace words."""

_JOINED_RUN: Final = regex.compile(rf"[\w&&[{_JOINED}]]+", regex.V1)
_UNIT: Final = regex.compile(rf"[\w&&[{_JOINED}]]{{1,2}}|[\w--[{_JOINED}]]+", regex.V1)
_TOKEN: Final = regex.compile(rf"[\w&&[{_JOINED}]]|[\w--[{_JOINED}]]+", regex.V1)
_TIES: Final = frozenset(("", " ", "-", "'", "\u2019", ".", ",", "\u00b7", "\u30fb"))
"""What may be between two words of one name or number."""


def units(text: str) -> frozenset[str]:
    """The units of a text for comparison: its words in lower case, or pairs of characters without spaces."""
    lowered = text.lower()
    words = [match.group() for match in _UNIT.finditer(lowered) if not _JOINED_RUN.match(match.group())]
    runs = [match.group() for match in _JOINED_RUN.finditer(lowered)]
    pairs = [run[at : at + 2] for run in runs for at in range(max(len(run) - 1, 1))]
    return frozenset(words + pairs)


def predict(asked: Sequence[tuple[Text, Text]]) -> dict[str, tuple[Target, ...]]:
    """Answers by four floors to (question, context) pairs; a context that occurs often is read once."""
    contexts = {
        value: [((start, stop), units(value[start:stop])) for start, stop in sentences(value)]
        for value in {context.value for _, context in asked}
    }
    read = [(units(question.value), contexts[context.value]) for question, context in asked]
    alike = [_most_alike(question, parts) for question, parts in read]
    slots = zip(asked, read, alike, strict=True)
    return {
        "overlap_sentence": tuple(map(_answer, alike)),
        "nearest_slot": tuple(_answer(_slot(context.value, known, part)) for (_, context), (known, _), part in slots),
        "first_sentence": tuple(_answer(parts[0][0] if parts else None) for _, parts in read),
        "first_words": tuple(_answer(_first_words(context.value)) for _, context in asked),
    }


_Parts = list[tuple[tuple[int, int], frozenset[str]]]


def _most_alike(question: frozenset[str], parts: _Parts) -> tuple[int, int] | None:
    """The sentence that shares most units with the question, the first of equals."""
    best = max(range(len(parts)), key=lambda at: (len(question & parts[at][1]), -at), default=None)
    return None if best is None else parts[best][0]


def _slot(context: str, question: frozenset[str], part: tuple[int, int] | None) -> tuple[int, int] | None:
    """The run of words in a part of the context that the question does not contain, nearest to one that it contains.

    Numbers and capitalised words are preferred; without spaces, a run of characters counts as a word.
    """
    words = [] if part is None else [match.span() for match in _TOKEN.finditer(context, *part)]
    kinds = [_kind(context, span, question, first=index == 0) for index, span in enumerate(words)]
    known = [span for span, kind in zip(words, kinds, strict=True) if kind == _KNOWN]
    best = max(kinds, default=_KNOWN)
    runs = _runs(context, [span for span, kind in zip(words, kinds, strict=True) if kind == best != _KNOWN])
    # A single character between unspaced words is more often a particle than a name.
    single = {run for run in runs if run[1] - run[0] == 1 and _JOINED_RUN.match(context[run[0]])}
    away = {run: min((max(start - run[1], run[0] - stop, 0) for start, stop in known), default=0) for run in runs}
    return min(runs, key=lambda run: (run in single, away[run], run), default=part)


_KNOWN, _PLAIN, _NAMED = range(3)


def _kind(context: str, span: tuple[int, int], question: frozenset[str], *, first: bool) -> int:
    """The class of a word: in the question, a number or a name, or plain."""
    start, stop = span
    word = context[start:stop]
    if _JOINED_RUN.match(word):
        pairs = {context[start - 1 : start + 1], context[start : start + 2], word}
        return _KNOWN if pairs & question else _PLAIN
    if word.lower() in question:
        return _KNOWN
    return _NAMED if word[0].isdigit() or (word[0].isupper() and not first) else _PLAIN


def _runs(context: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Adjacent spans joined; a plain word with spaces around it is not joined."""
    slots: list[tuple[int, int]] = []
    for start, stop in spans:
        if slots and _tied(context, slots[-1][1], start):
            slots[-1] = (slots[-1][0], stop)
        else:
            slots.append((start, stop))
    return slots


def _tied(context: str, stop: int, start: int) -> bool:
    """Whether two adjacent words are parts of one name, number or unspaced run."""
    after = context[start]
    return context[stop:start] in _TIES and (start == stop or after.isupper() or after.isdigit())


def _first_words(context: str) -> tuple[int, int] | None:
    bounds = [match.span() for match in islice(_UNIT.finditer(context), FIRST_WORDS)]
    return (bounds[0][0], bounds[-1][1]) if bounds else None


def _answer(span: tuple[int, int] | None) -> Target:
    return Answers(() if span is None else (Span(*span),))
