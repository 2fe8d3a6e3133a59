"""Statements with what led to them and what came of them, in rings of four.

In a ring each statement is about the same people and things, leads to the next, and results from the one before. Of a
statement of a ring, the one before is the cause, the next one the effect. The wrong choice is

- `turned`: the effect where the cause is asked for, and the other way round. Neither the choices alone, nor with the
  question, nor with the premise tell which is right.
- `strange`: a statement of another ring about the same people and things, which is right as often as it is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

_DESCRIBED: Final = 0.5
_WHO: Final = ("full", "short", "role")


@final
@dataclass(frozen=True, slots=True)
class Template:
    """A ring, the index of the premise in it, how the people are named, and the kind of the wrong choice."""

    ring: str
    step: int
    who: str
    wrong: str

    @property
    def name(self) -> str:
        """What the template is called in the suite."""
        return f"{self.ring}/{self.step}/{self.who}/{self.wrong}"


@final
@dataclass(frozen=True, slots=True)
class Story:
    """A statement, its cause and its effect, and the wrong choice beside each of them."""

    template: str
    premise: Clause
    right: tuple[Clause, Clause]
    wrong: tuple[Clause, Clause]

    def all_clauses(self) -> tuple[Clause, ...]:
        """All clauses of the example."""
        return (self.premise, *self.right, *self.wrong)


def templates() -> dict[str, Template]:
    """All templates by name."""
    return {template.name: template for template in _all()}


def _all() -> Iterator[Template]:
    for ring in RINGS:
        for step in range(4):
            for who in _WHO:
                for wrong in ("turned", "strange"):
                    yield Template(ring, step, who, wrong)


def chosen(test: bool, tests: int) -> tuple[Template, ...]:
    """The templates of training or of the test: as many of each place of a ring and kind of choice are the test's."""
    every = templates()
    slots: dict[tuple[str, int, str], list[str]] = {}
    for name, template in every.items():
        slots.setdefault((template.ring, template.step, template.wrong), []).append(name)
    names = [name for slot in slots.values() for name in split.divided(slot, tests // len(slots))[test]]
    return tuple(every[name] for name in names)


def story(template: Template, key: str, test: bool) -> Story:
    """The story of a template that a key draws."""
    return split.drawn(lambda source: _draw(template, source), Story.all_clauses, f"causes/{key}/{template.name}", test)


def _draw(template: Template, source: Random) -> Story:
    ring = RINGS[template.ring]
    before, current, following = (ring[(template.step + offset) % 4] for offset in (-1, 0, 1))
    if template.wrong == "turned":
        wrong, rings = (following, before), [template.ring]
    else:
        name, strange = _strange(template.ring, current, source)
        wrong, rings = (strange, strange), [template.ring, name]
    cast = _cast(rings, template.who, source)
    premise, *several = (_clause(node, cast) for node in (current, before, following, *wrong))
    return Story(template.name, premise, (several[0], several[1]), (several[2], several[3]))


def _strange(ring: str, verb_node: str, source: Random) -> tuple[str, str]:
    """A statement of another ring, and that ring: of a verb that no ring has beside that of the given statement."""
    near = {verb for ring in RINGS.values() if _verb(verb_node) in map(_verb, ring) for verb in map(_verb, ring)}
    names = [name for name in RINGS if name != ring and _things((ring, name))]
    return source.choice([(name, node) for name in names for node in RINGS[name] if _verb(node) not in near])


def _verb(node: str) -> str:
    return node.partition(":")[0]


def _things(rings: Sequence[str]) -> list[str]:
    """The things that fit all verbs and qualities of rings."""
    verbs = {_verb(node) for ring in rings for node in RINGS[ring]}
    fit = [draws.objects(verb) for verb in verbs if verb in (*meaning.ACTIONS, *meaning.TRANSFERS)]
    adjectives = verbs & set(meaning.ADJECTIVES)
    return [
        thing
        for thing in meaning.THINGS
        if all(thing in several for several in fit) and adjectives <= set(draws.qualities(thing))
    ]


def _cast(rings: Sequence[str], who: str, source: Random) -> dict[str, Person | Thing | str]:
    """The people and things that the letters of a ring represent."""
    noun = source.choice(_things(rings))
    qualities = [quality for quality in draws.qualities(noun) if quality not in ("dirty", "clean")]
    first, other = _people(who, source)
    adjective = source.choice(qualities) if source.random() < _DESCRIBED else ""
    return {"A": first, "B": other, "X": Thing(noun, adjective), "P": source.choice(meaning.PLACES)}


def _people(who: str, source: Random) -> tuple[Person | Thing, Person | Thing]:
    if who == "role":
        role, other = source.sample(meaning.ROLES, 2)
        return Thing(role, definite=True), Thing(other, definite=True)
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
