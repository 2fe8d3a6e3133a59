"""Shallow answers from a passage: its first words, its first sentence, the sentence most like the question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import regex

from robust_xtreme.examples import Answers, Span, Target, Text

FIRST_WORDS: Final = 3

_JOINED: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
"""Scripts that are written without spaces between words: pairs of characters stand for words."""

_JOINED_RUN: Final = regex.compile(rf"[\w&&[{_JOINED}]]+", regex.V1)
_UNIT: Final = regex.compile(rf"[\w&&[{_JOINED}]]{{1,2}}|[\w--[{_JOINED}]]+", regex.V1)
_BREAK: Final = regex.compile(
    r"""
    (?: (?<! [\s.(] \p{Lu} ) [.!?\u061f\u06d4\u2026]+ ["'\u201d\u2019\u00bb)\]]* (?= \s | $ )  # a mark before a space
      | [\u3002\uff01\uff1f\u0964\u0965\u104b\u1362\u17d4]+ [\u201d\u2019\u300d\u300f)]*  # a mark that needs none
      | (?<= \p{Thai} ) (?= \s+ \p{Thai} )  # Thai parts sentences with spaces
      | (?= \n )
    )
    """,
    regex.V1 | regex.VERBOSE,
)


def sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of a text as half-open ranges without surrounding white space; none for an empty text."""
    found, start = [], 0
    for stop in [match.end() for match in _BREAK.finditer(text)] + [len(text)]:
        inside = text[start:stop]
        if inside.strip():
            begin = start + len(inside) - len(inside.lstrip())
            found.append((begin, begin + len(inside.strip())))
        start = stop
    return found


def units(text: str) -> frozenset[str]:
    """What a text is compared by: its words in lower case, or pairs of characters where words are not spaced."""
    lowered = text.lower()
    words = [match.group() for match in _UNIT.finditer(lowered) if not _JOINED_RUN.match(match.group())]
    runs = [match.group() for match in _JOINED_RUN.finditer(lowered)]
    pairs = [run[at : at + 2] for run in runs for at in range(max(len(run) - 1, 1))]
    return frozenset(words + pairs)


def predict(asked: Sequence[tuple[Text, Text]]) -> dict[str, tuple[Target, ...]]:
    """Answers by three floors to (question, context) pairs; a context that occurs often is read once."""
    contexts = {context.value: _read(context.value) for _, context in asked}
    read = [(units(question.value), contexts[context.value]) for question, context in asked]
    return {
        "overlap_sentence": tuple(_answer(_most_alike(question, parts)) for question, parts in read),
        "first_sentence": tuple(_answer(parts[0][0] if parts else None) for _, parts in read),
        "first_words": tuple(_answer(_first_words(context.value)) for _, context in asked),
    }


_Parts = list[tuple[tuple[int, int], frozenset[str]]]


def _read(context: str) -> _Parts:
    return [((start, stop), units(context[start:stop])) for start, stop in sentences(context)]


def _most_alike(question: frozenset[str], parts: _Parts) -> tuple[int, int] | None:
    """The sentence that shares most units with the question, the first of equals."""
    best = max(range(len(parts)), key=lambda at: (len(question & parts[at][1]), -at), default=None)
    return None if best is None else parts[best][0]


def _first_words(context: str) -> tuple[int, int] | None:
    found = []
    for match in _UNIT.finditer(context):
        found.append(match.span())
        if len(found) == FIRST_WORDS:
            break
    return (found[0][0], found[-1][1]) if found else None


def _answer(span: tuple[int, int] | None) -> Target:
    return Answers(() if span is None else (Span(*span),))
