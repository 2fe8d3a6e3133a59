"""Clauses and questions in every language, from the templates of training: texts without labels.

Their pairs of words are those of training too: what is held out for the test is in none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import final

from tools.mini import meanings, nli
from tools.mini.grammar import question, sentence, written
from tools.mini.meaning import Clause, Word


@final
@dataclass(frozen=True, slots=True)
class Said:
    """A text as it is written, and its words."""

    text: str
    words: tuple[str, ...]


Say = Callable[[str], list[Word]]


def translations(seed: int, languages: Sequence[str], count: int) -> list[dict[str, Said]]:
    """`count` texts in each of the languages, the first ones of a sequence without end."""
    return [{code: _phrase(code, say(code)) for code in languages} for say in islice(_texts(seed), count)]


def _phrase(language: str, words: list[Word]) -> Said:
    return Said(written(language, words), tuple(word.text for word in words))


def _texts(seed: int) -> Iterator[Say]:
    """Statements and questions, each as a function of the language."""
    triples, namings, passages = (
        meanings.triples(False, seed),
        meanings.namings(False, seed),
        meanings.read(False, seed),
    )
    for triple, naming, passage in zip(triples, namings, passages, strict=False):
        yield from map(_statement, _of_triple(triple))
        yield from map(_statement, naming.clauses)
        for asked in passage.questions:
            clause = asked.of(passage.clauses)
            yield _statement(clause)
            yield _question(clause, asked.asked)


def _of_triple(triple: nli.Triple) -> Iterator[Clause]:
    """The premise, a hypothesis as it is, and another one negated: as many statements are negated as not."""
    entailed, neutral, _ = triple.hypotheses
    yield from (triple.premise, entailed, replace(neutral, negated=not neutral.negated))


def _statement(clause: Clause) -> Say:
    return lambda language: sentence(language, clause)


def _question(clause: Clause, asked: str) -> Say:
    return lambda language: question(language, clause, asked)


def words_of(texts: Sequence[dict[str, Said]]) -> Iterator[str]:
    """Every word of every text in every language."""
    return chain.from_iterable(phrase.words for each in texts for phrase in each.values())
