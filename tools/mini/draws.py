"""Draws from the world: things that go together, people, and clauses of every verb."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final

from tools.mini import meaning
from tools.mini.meaning import Clause, Organisation, Person, Thing

_OPTIONAL: Final = 0.5
COMPATIBLE: Final = {
    "repair": ("vehicle", "furniture", "instrument", "clock", "lamp", "phone", "house"),
    "wash": ("vehicle", "animal", "garment", "fruit", "bottle"),
    "paint": ("vehicle", "furniture", "house"),
    "lend": ("vehicle", "garment", "instrument", "book", "map", "bag", "key", "lamp", "phone"),
    "borrow": ("vehicle", "garment", "instrument", "book", "map", "bag", "key", "lamp", "phone"),
    "hide": ("fruit", "garment", "book", "letter", "key", "map", "bag", "phone", "bottle", "ring", "mirror",
             "instrument"),
    "steal": ("vehicle", "animal", "garment", "instrument", "book", "map", "clock", "lamp", "bag", "phone", "ring"),
    "carry": ("fruit", "furniture", "garment", "instrument", "book", "clock", "lamp", "map", "bag", "bottle", "mirror"),
    "send": ("fruit", "garment", "book", "letter", "key", "map", "phone", "ring", "lamp", "mirror", "bottle"),
    "bring": ("fruit", "animal", "garment", "instrument", "book", "letter", "clock", "lamp", "key", "map", "bag",
              "phone", "bottle", "ring", "mirror", "furniture"),
    "lose": ("animal", "garment", "instrument", "book", "letter", "key", "map", "bag", "phone", "ring", "vehicle"),
}  # fmt: skip
"""The kinds and things that a verb takes, where it does not take all."""
UNFIT: Final = {
    "fruit": ("old", "new", "expensive", "cheap", "black", "blue", "white", "heavy", "light", "dirty", "clean"),
    "animal": ("new", "red", "blue", "green", "yellow", "light", "heavy", "expensive", "cheap"),
    "letter": ("heavy", "light", "big", "small", "expensive", "cheap", "red", "green", "black", "blue", "yellow"),
    "house": ("heavy", "light", "dirty", "clean"),
}
"""Adjectives that are not said of a kind or a thing."""


def kind_of(thing: str) -> str:
    """The kind of a thing; nothing where it has none."""
    return next((kind for kind, things in meaning.KINDS.items() if thing in things), "")


def objects(verb: str) -> tuple[str, ...]:
    """The things that a verb takes."""
    wanted = COMPATIBLE.get(verb)
    return tuple(thing for thing in meaning.THINGS if not wanted or thing in wanted or kind_of(thing) in wanted)


def qualities(thing: str) -> tuple[str, ...]:
    """The adjectives that a thing takes."""
    unfit = (*UNFIT.get(thing, ()), *UNFIT.get(kind_of(thing), ()))
    return tuple(adjective for adjective in meaning.ADJECTIVES if adjective not in unfit)


def person(draw: Random) -> Person:
    """A person, mostly with a surname."""
    return Person(draw.choice(meaning.FIRST_NAMES), draw.choice(meaning.LAST_NAMES) if draw.random() < 0.7 else "")


def anyone(draw: Random) -> Person | Thing:
    """A person, or a role."""
    return person(draw) if draw.random() < 0.6 else Thing(draw.choice(meaning.ROLES), definite=True)


def organisation(draw: Random, kind: str = "") -> Organisation:
    """An organisation, of a kind where one is named."""
    kind = kind or draw.choice(meaning.ORGANISATIONS)
    unfit = meaning.SEATS if kind == "company" else meaning.FOUNDERS
    return Organisation(draw.choice([stem for stem in meaning.STEMS if stem not in unfit]), kind)


def thing(draw: Random, verb: str) -> Thing:
    """An indefinite thing that a verb takes, half of them with an adjective."""
    noun = draw.choice(objects(verb))
    return Thing(noun, draw.choice(qualities(noun)) if draw.random() < _OPTIONAL else "")


def clause(draw: Random, verb: str) -> Clause:
    """A clause of a verb, with optional parts half of the time."""
    core = _core(draw, verb)
    if verb in (*meaning.ACTIONS, *meaning.TRANSFERS, *meaning.ENCOUNTERS):
        core = replace(core, place=_maybe(draw, meaning.PLACES), day=_maybe(draw, meaning.DAYS))
    if verb == "travel":
        core = replace(core, day=_maybe(draw, meaning.DAYS))
    if verb in ("work", "study", "found"):
        core = replace(core, place=_maybe(draw, meaning.PLACES))
    if verb in ("found", "be_born") and draw.random() < _OPTIONAL:
        core = replace(core, year=draw.randrange(1900, 2015))
    return core


def _maybe(draw: Random, values: tuple[str, ...]) -> str:
    return draw.choice(values) if draw.random() < _OPTIONAL else ""


def _core(draw: Random, verb: str) -> Clause:
    match verb:
        case "live" | "travel":
            return Clause(verb, anyone(draw), place=draw.choice(meaning.PLACES))
        case "work" | "study":
            return Clause(verb, anyone(draw), organisation(draw, "university" if verb == "study" else ""))
        case "found":
            return Clause(verb, person(draw), organisation(draw))
        case "be_born":
            return Clause(verb, person(draw), place=draw.choice(meaning.PLACES))
        case "be_in":
            return Clause(verb, organisation(draw), place=draw.choice(meaning.PLACES))
        case "be_adjective":
            noun = draw.choice(meaning.THINGS)
            return Clause(verb, Thing(noun, definite=True), quality=draw.choice(qualities(noun)))
        case "be_role":
            return Clause(verb, person(draw), Thing(draw.choice(meaning.ROLES)))
        case _:
            return _event(draw, verb)


def _event(draw: Random, verb: str) -> Clause:
    first, other = anyone(draw), anyone(draw)
    while other == first:
        other = anyone(draw)
    if verb in meaning.ENCOUNTERS:
        return Clause(verb, first, other)
    return Clause(verb, first, thing(draw, verb), other if verb in meaning.TRANSFERS else None)


VERBS: Final = (
    *meaning.ACTIONS, *meaning.TRANSFERS, *meaning.ENCOUNTERS,
    "live", "travel", "work", "study", "found", "be_born", "be_in", "be_adjective", "be_role",
)  # fmt: skip


def askable(clause: Clause) -> tuple[str, ...]:
    """The parts of a clause that a question can ask for."""
    parts = tuple(part for part in meaning.PARTS if getattr(clause, part))
    if clause.verb == "be_adjective":
        return ()
    return tuple(part for part in parts if not (clause.verb == "be_role" and part == "object"))


def drawn(seed: int, n: int) -> Iterator[Clause]:
    """Clauses of every verb in turn, a third of them negated."""
    draw = Random(seed)
    for number in range(n):
        yield replace(clause(draw, VERBS[number % len(VERBS)]), negated=draw.random() < 1 / 3)
