"""Sentences that name people, organisations and places; some of the names are of one kind or another by context.

A template fixes the verbs of one clause or of two, and how their people are called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final, final

from tools.mini import draws, meaning, split
from tools.mini.meaning import Clause, Organisation, Person, Thing

_NAMING: Final = (
    "live", "travel", "work", "study", "found", "be_born", "be_in", "be_role", *meaning.ENCOUNTERS,
    *meaning.TRANSFERS, "buy", "sell", "find", "photograph",
)  # fmt: skip
_AMBIGUOUS: Final = 0.7
"""How many names are those that organisations share with people and places."""


@final
@dataclass(frozen=True, slots=True)
class Template:
    """The verbs of a text, whether its people have surnames, and whether an optional place is mentioned."""

    verbs: tuple[str, ...]
    surname: bool
    placed: bool

    @property
    def name(self) -> str:
        """What the template is called in the suite."""
        return f"{'+'.join(self.verbs)}/{'full' if self.surname else 'first'}/{'placed' if self.placed else 'bare'}"


@final
@dataclass(frozen=True, slots=True)
class Naming:
    """The clauses of one example."""

    template: str
    clauses: tuple[Clause, ...]

    def all_clauses(self) -> tuple[Clause, ...]:
        """All clauses of the example."""
        return self.clauses


def templates() -> dict[str, Template]:
    """All templates by name."""
    return {template.name: template for template in _all()}


def _all() -> Iterator[Template]:
    for verb in _NAMING:
        for surname in (True, False):
            for placed in (True, False):
                if (verb, placed) == ("be_role", True):
                    continue
                yield Template((verb,), surname, placed)
                second = _NAMING[(_NAMING.index(verb) + 3 + 2 * surname + placed) % len(_NAMING)]
                yield Template((verb, second), surname, placed)


def chosen(test: bool, tests: int) -> tuple[Template, ...]:
    """The templates of training or of the test."""
    every = templates()
    return tuple(every[name] for name in split.divided(list(every), tests)[test])


def naming(template: Template, key: str, test: bool) -> Naming:
    """The example of a template that a key draws."""
    return split.drawn(
        lambda source: _draw(template, source), Naming.all_clauses, f"entities/{key}/{template.name}", test
    )


def _draw(template: Template, source: Random) -> Naming:
    clauses = [_clause(verb, template, source) for verb in template.verbs]
    if not any(map(_names_someone, clauses)):
        clauses[0] = replace(clauses[0], subject=_named(draws.person(source), template.surname, source))
    return Naming(template.name, tuple(clauses))


def _names_someone(clause: Clause) -> bool:
    named = (clause.subject, clause.object, clause.recipient)
    return bool(clause.place) or any(isinstance(entity, (Person, Organisation)) for entity in named)


def _clause(verb: str, template: Template, source: Random) -> Clause:
    filled = draws.clause(source, verb)
    while _namesakes(filled):
        filled = draws.clause(source, verb)
    subject = _named(filled.subject, template.surname, source)
    target = _named(filled.object, template.surname, source) if filled.object else None
    optional = verb not in ("live", "travel", "be_born", "be_in")
    location = "" if verb == "be_role" or (optional and not template.placed) else _location(source)
    return replace(filled, subject=subject, object=target, place=location, negated=source.random() < 0.2)


def _namesakes(clause: Clause) -> bool:
    """Whether two people of a clause have one first name, so that without surnames they would be the same."""
    people = (clause.subject, clause.object, clause.recipient)
    firsts = [person.first for person in people if isinstance(person, Person)]
    return len(set(firsts)) < len(firsts)


def _location(source: Random) -> str:
    return source.choice(meaning.SEATS if source.random() < _AMBIGUOUS else meaning.PLACES)


def _named(entity: Thing | Person | Organisation, surname: bool, source: Random) -> Thing | Person | Organisation:
    match entity:
        case Person(first):
            lasts = meaning.FOUNDERS if source.random() < _AMBIGUOUS else meaning.LAST_NAMES
            return Person(first, source.choice(lasts) if surname else "")
        case Organisation(_, kind) if source.random() < _AMBIGUOUS:
            return Organisation(source.choice(meaning.FOUNDERS if kind == "company" else meaning.SEATS), kind)
    return entity
