"""Single statements: one for each verb, kind of subject, and with or without the optional parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final, final

from tools.mini import draws, meaning, split
from tools.mini.meaning import Clause, Organisation, Person, Thing

_WHO: Final = ("full", "first", "role")
_NEGATED: Final = 0.25
_NAMED: Final = ("found", "be_born", "be_role")
"""Verbs whose subject is never a trade."""
_BARE: Final = ("be_in", "be_adjective", "be_role", "live", "travel", "be_born")
"""Verbs whose place, if any, cannot be left out."""


@final
@dataclass(frozen=True, slots=True)
class Template:
    """A verb, how its people are named, and whether it has place, day, year and adjective."""

    verb: str
    who: str
    whole: bool

    @property
    def name(self) -> str:
        """What the template is called in the suite."""
        return f"{self.verb}/{self.who}/{'whole' if self.whole else 'bare'}"


@final
@dataclass(frozen=True, slots=True)
class Statement:
    """The clauses of one example."""

    template: str
    clause: Clause

    def all_clauses(self) -> tuple[Clause, ...]:
        """All clauses of the example."""
        return (self.clause,)


def templates() -> dict[str, Template]:
    """All templates by name."""
    return {template.name: template for template in _all()}


def _all() -> Iterator[Template]:
    for verb in draws.VERBS:
        fixed = verb in ("be_in", "be_adjective")
        for who in ("first",) if fixed else _WHO[:2] if verb in _NAMED else _WHO:
            yield Template(verb, who, True)
            if verb not in _BARE or verb in ("travel", "be_born"):
                yield Template(verb, who, False)


def chosen(test: bool, tests: int) -> tuple[Template, ...]:
    """The templates of training or of the test."""
    every = templates()
    return tuple(every[name] for name in split.divided(list(every), tests)[test])


def statement(template: Template, key: str, test: bool) -> Statement:
    """The statement of a template that a key draws."""
    return split.drawn(
        lambda source: _draw(template, source), Statement.all_clauses, f"statements/{key}/{template.name}", test
    )


def _draw(template: Template, source: Random) -> Statement:
    clause = _clause(template, source)
    while _namesakes(clause):
        clause = _clause(template, source)
    return Statement(template.name, replace(clause, negated=source.random() < _NEGATED))


def _clause(template: Template, source: Random) -> Clause:
    clause = _called(draws.clause(source, template.verb), template.who, source)
    return _whole(clause, source) if template.whole else _bare(clause)


def _called(clause: Clause, who: str, source: Random) -> Clause:
    """The clause with its subject called in that way."""
    if isinstance(clause.subject, Organisation) or clause.quality:
        return clause
    if who == "role":
        return replace(clause, subject=Thing(source.choice(meaning.ROLES), definite=True))
    last = source.choice(meaning.LAST_NAMES) if who == "full" else ""
    return replace(clause, subject=Person(source.choice(meaning.FIRST_NAMES), last))


def _whole(clause: Clause, source: Random) -> Clause:
    timed = clause.verb in (*meaning.ACTIONS, *meaning.TRANSFERS, *meaning.ENCOUNTERS, "travel")
    placed = timed or clause.verb in ("work", "study", "found", "live", "be_born", "be_in")
    return replace(
        clause,
        place=clause.place or (source.choice(meaning.PLACES) if placed else ""),
        day=source.choice(meaning.DAYS) if timed else "",
        year=source.randrange(1900, 2015) if clause.verb in ("found", "be_born") else 0,
    )


def _bare(clause: Clause) -> Clause:
    return replace(clause, place=clause.place if clause.verb in _BARE else "", day="", year=0)


def _namesakes(clause: Clause) -> bool:
    """Whether two of a clause's people have one name or one trade."""
    firsts = [person.first if isinstance(person, Person) else person.noun for person in _people(clause)]
    return len(set(firsts)) < len(firsts)


def _people(clause: Clause) -> Iterator[Person | Thing]:
    for entity in (clause.subject, clause.object, clause.recipient):
        if isinstance(entity, (Person, Thing)):
            yield entity
