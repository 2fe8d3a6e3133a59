"""Statements with what led to them and what came of them, in rings of four.

In a ring each statement is told of the same people and things, leads to the next, and comes of the one before. Of a
statement of the ring, the one before is the cause, the one behind the effect, and the choices are always these two: so
neither the choices alone, nor the choices with the question, nor the choices with the statement tell which is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, final

from tools.mini import draws, meaning, split
from tools.mini.meaning import Clause, Person, Thing

QUESTIONS: Final = ("cause", "effect")

RINGS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "wash": ("dirty: X", "wash: A X", "clean: X", "borrow: A X"),
    "lend": ("lose: B X", "call: B A", "buy: A X", "lend: A X B"),
    "thank": ("help: A B", "give: B X A", "call: A B", "meet: A B"),
    "steal": ("show: A X B", "steal: B X", "hide: B X", "find: A X"),
    "trade": ("buy: A X", "repair: A X", "show: A X B", "sell: A X"),
    "search": ("find: A X", "carry: A X", "lose: A X", "help: B A"),
    "journey": ("call: B A", "travel: A P", "photograph: A X", "show: A X B"),
    "order": ("call: B A", "choose: A X", "buy: A X", "send: A X B"),
}
"""Rings by name: a verb (or the quality of a thing), who does it, to what, for whom; P is a place."""

_WHO: Final = ("full", "short", "role")


@final
@dataclass(frozen=True, slots=True)
class Template:
    """A ring, the place in it that is told first, how the people are called, and what is said of the thing."""

    ring: str
    place: int
    who: str
    described: bool

    @property
    def name(self) -> str:
        """What the template is called in the suite."""
        return f"{self.ring}/{self.place}/{self.who}/{'described' if self.described else 'bare'}"


@final
@dataclass(frozen=True, slots=True)
class Story:
    """A statement, its cause and its effect."""

    template: str
    premise: Clause
    cause: Clause
    effect: Clause

    def said(self) -> tuple[Clause, ...]:
        """Everything that is said."""
        return (self.premise, self.cause, self.effect)


def templates() -> dict[str, Template]:
    """All templates by name."""
    return {one.name: one for one in _all()}


def _all() -> Iterator[Template]:
    for ring in RINGS:
        for place in range(4):
            for who in _WHO:
                for described in (False, True):
                    yield Template(ring, place, who, described)


def chosen(test: bool, tests: int) -> tuple[Template, ...]:
    """The templates of training or of the test: as many of each ring's places are the test's."""
    every = templates()
    names: list[str] = []
    for ring in RINGS:
        for place in range(4):
            own = [name for name, one in every.items() if (one.ring, one.place) == (ring, place)]
            names += split.divided(own, tests // (4 * len(RINGS)))[test]
    return tuple(every[name] for name in names)


def story(template: Template, key: str, test: bool) -> Story:
    """The story of a template that a key draws."""
    return split.drawn(lambda source: _draw(template, source), Story.said, f"causes/{key}/{template.name}", test)


def _draw(template: Template, source: Random) -> Story:
    nodes = RINGS[template.ring]
    cast = _cast(template, source)
    said = [_clause(nodes[(template.place + step) % 4], cast) for step in (0, -1, 1)]
    return Story(template.name, said[0], said[1], said[2])


def _cast(template: Template, source: Random) -> dict[str, Person | Thing | str]:
    """Who and what the letters of a ring stand for."""
    verbs = [node.partition(":")[0] for node in RINGS[template.ring]]
    fit = [set(draws.objects(verb)) for verb in verbs if verb in (*meaning.ACTIONS, *meaning.TRANSFERS)]
    things = [one for one in meaning.THINGS if all(one in several for several in fit)]
    if template.ring == "wash":
        things = [one for one in things if {"dirty", "clean"} <= set(draws.qualities(one))]
    noun = source.choice(things)
    qualities = [one for one in draws.qualities(noun) if one not in ("dirty", "clean")]
    one, other = _people(template.who, source)
    adjective = source.choice(qualities) if template.described else ""
    return {"A": one, "B": other, "X": Thing(noun, adjective), "P": source.choice(meaning.PLACES)}


def _people(who: str, source: Random) -> tuple[Person | Thing, Person | Thing]:
    if who == "role":
        one, other = source.sample(meaning.ROLES, 2)
        return Thing(one, definite=True), Thing(other, definite=True)
    firsts, lasts = source.sample(meaning.FIRST_NAMES, 2), source.sample(meaning.LAST_NAMES, 2)
    people = [Person(first, last if who == "full" else "") for first, last in zip(firsts, lasts, strict=True)]
    return people[0], people[1]


def _clause(node: str, cast: Mapping[str, Person | Thing | str]) -> Clause:
    verb, _, letters = node.partition(": ")
    parts = [cast[letter] for letter in letters.split()]
    if verb in meaning.ADJECTIVES:
        thing = parts[0]
        assert isinstance(thing, Thing)
        return Clause("be_adjective", Thing(thing.noun, definite=True), quality=verb)
    subject, *others = parts
    assert not isinstance(subject, str)
    if verb == "travel":
        return Clause(verb, subject, place=str(others[0]))
    target, recipient = (*others, None)[:2]
    assert not isinstance(target, str)
    assert not isinstance(recipient, str)
    return Clause(verb, subject, target, recipient)
