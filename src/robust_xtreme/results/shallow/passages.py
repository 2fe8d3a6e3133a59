"""Shallow answers from a passage: its first words or sentence, and the sentence most like the question."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

import regex

from robust_xtreme.examples import Answers, Example, Span, Target
from robust_xtreme.formats.squad_sentences import sentences
from robust_xtreme.results.shallow.shown import Shown

FIRST_WORDS: Final = 3

_JOINED: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts that are written without spaces between words: pairs of characters replace words."""

_JOINED_RUN: Final = regex.compile(rf"[\w&&[{_JOINED}]]+", regex.V1)
_UNIT: Final = regex.compile(rf"[\w&&[{_JOINED}]]{{1,2}}|[\w--[{_JOINED}]]+", regex.V1)


def units(text: str) -> frozenset[str]:
    """The units of a text for comparison: its words in lower case, or pairs of characters without spaces."""
    lowered = text.lower()
    words = [match.group() for match in _UNIT.finditer(lowered) if not _JOINED_RUN.match(match.group())]
    runs = [match.group() for match in _JOINED_RUN.finditer(lowered)]
    pairs = [run[at : at + 2] for run in runs for at in range(max(len(run) - 1, 1))]
    return frozenset(words + pairs)


def by_overlap(shown: Sequence[Shown]) -> list[tuple[Target, ...]]:
    """The sentence of the passage that shares most units with the question, the first of equals."""
    return [_most_alike_sentences(each.examples) for each in shown]


def _most_alike_sentences(examples: Sequence[Example]) -> tuple[Target, ...]:
    contexts = {
        value: [((start, stop), units(value[start:stop])) for start, stop in sentences(value)]
        for value in {example.texts["context"].value for example in examples}
    }
    return tuple(
        _answer(_most_alike(units(example.texts["question"].value), contexts[example.texts["context"].value]))
        for example in examples
    )


def first_sentence(context: str) -> Target:
    """The first sentence of a passage."""
    return _answer(next(iter(sentences(context)), None))


def first_words(context: str) -> Target:
    """The first three words of a passage."""
    bounds = [match.span() for match in islice(_UNIT.finditer(context), FIRST_WORDS)]
    return _answer((bounds[0][0], bounds[-1][1]) if bounds else None)


_Parts = list[tuple[tuple[int, int], frozenset[str]]]


def _most_alike(question: frozenset[str], parts: _Parts) -> tuple[int, int] | None:
    """The sentence that shares most units with the question, the first of equals."""
    best = max(range(len(parts)), key=lambda at: (len(question & parts[at][1]), -at), default=None)
    return None if best is None else parts[best][0]


def _answer(span: tuple[int, int] | None) -> Target:
    return Answers(() if span is None else (Span(*span),))
