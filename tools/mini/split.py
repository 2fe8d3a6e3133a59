"""What training never sees: templates, and pairs of words that never occur together in one of its clauses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import Final, TypeVar

from tools.mini.meaning import KINDS, Clause, Organisation, Person, Thing

HELD_OUT: Final = 15
"""Of a hundred pairs of a noun and a verb, an adjective and a noun, a name and a place."""

_TRIES: Final = 400

Drawn = TypeVar("Drawn")


def order(name: str) -> str:
    """The rank of a name in an order by hash."""
    return hashlib.sha256(name.encode()).hexdigest()


def pairs(clause: Clause) -> Iterator[tuple[str, str, str]]:
    """The pairs of words that a clause brings together: their kind, and both."""
    for entity in (clause.subject, clause.object, clause.recipient):
        match entity:
            case Thing(noun, adjective) if adjective:
                yield "adjective-noun", adjective, noun
            case Person(name) | Organisation(name) if clause.place:
                yield "name-place", name, clause.place
    if isinstance(clause.object, Thing) and clause.object.noun not in KINDS:
        yield "noun-verb", clause.object.noun, clause.verb
    if clause.quality and isinstance(clause.subject, Thing):
        yield "adjective-noun", clause.quality, clause.subject.noun


def held_out(clause: Clause) -> bool:
    """Whether a clause has a pair that training does not see."""
    return any(int(order("/".join(pair))[:8], 16) % 100 < HELD_OUT for pair in pairs(clause))


def drawn(
    draw: Callable[[Random], Drawn], clauses_of: Callable[[Drawn], Iterable[Clause]], key: str, test: bool
) -> Drawn:
    """Draw until no clause has a held-out pair or, for a test, until one has, where any can."""
    source = Random(key)
    for _ in range(_TRIES):
        drawn = draw(source)
        if any(map(held_out, clauses_of(drawn))) == test:
            return drawn
    if test:
        return drawn
    raise ValueError(f"{key}: nothing without a held-out pair was drawn")


def divided(names: Sequence[str], tests: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of templates for training and, the first `tests` of them in hash order, for the test."""
    ordered = sorted(names, key=order)
    return tuple(ordered[tests:]), tuple(ordered[:tests])
