"""People and organisations with facts of their own, texts that mention them, and descriptions to find them by.

Many people have one first name, and several organisations one name: a text has a clue, a fact that the
description contains too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from typing import Final, final

from tools.mini import draws, meaning, split
from tools.mini.meaning import Clause, Organisation, Person, Thing

_VERBS: Final = {"action": meaning.ACTIONS, "transfer": meaning.TRANSFERS, "encounter": meaning.ENCOUNTERS}
_CLUES: Final = {"person": ("home", "employer", "trade"), "organisation": ("seat", "founder")}
_PER_LANGUAGE: Final = 20
_TRAINED: Final = 160
_KIND_EACH: Final = 3
"""Of so many entities one is an organisation."""


@final
@dataclass(frozen=True, slots=True)
class Entity:
    """A person or an organisation, and the clauses that describe it; `language` is that of its description."""

    id: str
    named: Person | Organisation
    facts: tuple[Clause, ...]
    language: str = "en"

    def all_clauses(self) -> tuple[Clause, ...]:
        """All clauses of the example."""
        return self.facts

    def marks(self) -> Iterator[tuple[str, ...]]:
        """What identifies the entity: its shortest name in texts, with each of its facts."""
        named = self.named
        name = named.first if isinstance(named, Person) else f"{named.stem} {named.kind}"
        for fact in self.facts:
            other = fact.object if fact.subject == named else fact.subject
            yield (name, fact.verb, repr(other), fact.place)
        if isinstance(named, Person):
            yield (named.first, named.last)


@final
@dataclass(frozen=True, slots=True)
class Template:
    """The kind of entity and statement of a text, its clue, how it names people, and whether the clue comes first."""

    about: str
    clue: str
    short: bool
    first: bool

    @property
    def name(self) -> str:
        """What the template is called in the suite."""
        words = ("short" if self.short else "full", "clue-first" if self.first else "clue-last")
        return "/".join((self.about, self.clue, *words))


@final
@dataclass(frozen=True, slots=True)
class Mention:
    """A text, the place of the clause in it and the part of that clause that mention the entity."""

    template: str
    clauses: tuple[Clause, ...]
    index: int
    part: str
    entity: str

    def all_clauses(self) -> tuple[Clause, ...]:
        """All clauses of the example."""
        return self.clauses


# ------------------------------------------------------------------------------------------------------------ entities


@cache
def entities(test: bool, seed: int) -> tuple[Entity, ...]:
    """The entities that training or the test asks for, no two with one name and a fact in common."""
    trained = _distinct(Random(f"{seed}/entities"), _TRAINED, (), False)
    if not test:
        return trained
    count = _PER_LANGUAGE * len(meaning.LANGUAGES)
    return _distinct(Random(f"{seed}/others"), count, trained, True)


def _distinct(source: Random, count: int, before: Sequence[Entity], test: bool) -> tuple[Entity, ...]:
    taken = {key for entity in before for key in entity.marks()}
    distinct: list[Entity] = []
    while len(distinct) < count:
        entity = _entity(source, len(before) + len(distinct))
        keys = set(entity.marks())
        if not keys & taken and (test or not any(map(split.held_out, entity.facts))):
            taken |= keys
            distinct.append(
                replace(entity, language=meaning.LANGUAGES[len(distinct) % len(meaning.LANGUAGES)]) if test else entity
            )
    return tuple(distinct)


def _entity(source: Random, number: int) -> Entity:
    if number % _KIND_EACH == 0:
        named = draws.organisation(source)
        seat, founder = source.choice(meaning.PLACES), draws.person(source)
        facts = (Clause("be_in", named, place=seat), Clause("found", founder, named, year=source.randrange(1900, 2015)))
        return Entity(f"e{number:03d}", named, facts)
    person = Person(source.choice(meaning.FIRST_NAMES), source.choice(meaning.LAST_NAMES))
    return Entity(
        f"e{number:03d}",
        person,
        (
            Clause("be_role", person, Thing(source.choice(meaning.ROLES))),
            Clause("live", person, place=source.choice(meaning.PLACES)),
            Clause("work", person, draws.organisation(source)),
        ),
    )


# ------------------------------------------------------------------------------------------------------------ mentions


def templates() -> dict[str, Template]:
    """All templates by name."""
    return {template.name: template for template in _all()}


def _all() -> Iterator[Template]:
    for first in (False, True):
        for about in _VERBS:
            for clue in _CLUES["person"]:
                for short in (False, True):
                    yield Template(about, clue, short, first)
        for about in ("work", "study", "seat"):
            for clue in _CLUES["organisation"]:
                if about != clue:
                    yield Template(about, clue, False, first)


def chosen(test: bool, tests: int) -> tuple[Template, ...]:
    """The templates of training or of the test."""
    every = templates()
    return tuple(every[name] for name in split.divided(list(every), tests)[test])


def mention(template: Template, key: str, test: bool, several: Sequence[Entity]) -> Mention:
    """The text of a template that a key draws, of one of several entities."""
    fit = [entity for entity in several if _fits(template, entity)]
    return split.drawn(
        lambda source: _draw(template, source.choice(fit), source),
        Mention.all_clauses,
        f"mentions/{key}/{template.name}",
        test,
    )


def fitting(template: Template, key: str) -> Entity:
    """An entity of training that a template speaks of, called by the key."""
    source = Random(f"anew/{key}/{template.name}")
    number = 0
    while True:
        entity = replace(_entity(source, number), id=f"anew/{key}")
        if _fits(template, entity) and not any(map(split.held_out, entity.facts)):
            return entity
        number += 1


def _fits(template: Template, entity: Entity) -> bool:
    if isinstance(entity.named, Person):
        return template.about in _VERBS
    return template.about not in _VERBS and (template.about != "study" or entity.named.kind == "university")


def _draw(template: Template, entity: Entity, source: Random) -> Mention:
    clause, part = _statement(template, entity, source)
    clue = _clue(template, entity)
    if template.short and isinstance(entity.named, Person):
        short = Person(entity.named.first)
        clause, clue = replace(clause, subject=short), replace(clue, subject=short)
    clauses = (clue, clause) if template.first else (clause, clue)
    return Mention(template.name, clauses, clauses.index(clause), part, entity.id)


def _statement(template: Template, entity: Entity, source: Random) -> tuple[Clause, str]:
    """The clause that mentions the entity, and the part that does."""
    named = entity.named
    if isinstance(named, Person):
        clause = draws.clause(source, source.choice(_VERBS[template.about]))
        while _someone(clause.object, named) or _someone(clause.recipient, named):
            clause = draws.clause(source, clause.verb)
        return replace(clause, subject=named, place=""), "subject"
    if template.about == "seat":
        return entity.facts[0], "subject"
    return Clause(template.about, draws.anyone(source), named), "object"


def _someone(value: object, named: Person) -> bool:
    return isinstance(value, Person) and value.first == named.first


def _clue(template: Template, entity: Entity) -> Clause:
    facts = {fact.verb: fact for fact in entity.facts}
    verb = {"home": "live", "employer": "work", "trade": "be_role", "seat": "be_in", "founder": "found"}[template.clue]
    return replace(facts[verb], year=0)


def shown(seed: int) -> list[Entity]:
    """Every entity of the pool."""
    return [*entities(False, seed), *entities(True, seed)]
