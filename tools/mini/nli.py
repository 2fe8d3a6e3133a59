"""Premises, and a hypothesis of each label for each of them.

A template fixes the verb's class, who acts, which parts the event has and which of them the hypotheses mention.
Of each template's three hypotheses

- `down` (a premise that says more): entailment and neutral are affirmed, the contradiction is negated;
- `up` (a negated premise that says less) and `instead` (one of several that exclude each other): entailment and
  neutral are negated, the contradiction is affirmed.

Half of the templates are `down`, so that negation says nothing of the label. The neutral hypothesis has as many words
as the others: it mentions something that is not in the premise, or another thing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random
from typing import Final, final

from tools.mini import draws, meaning, split
from tools.mini.meaning import Clause, Organisation, Person, Thing

Entity = Thing | Person | Organisation

LABELS: Final = ("entailment", "neutral", "contradiction")

_CLASSES: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "action": (meaning.ACTIONS, ("adjective", "place", "day")),
    "transfer": (meaning.TRANSFERS, ("adjective", "place", "day")),
    "encounter": (meaning.ENCOUNTERS, ("place", "day")),
    "travel": (("travel",), ("day",)),
    "work": (("work",), ("place",)),
    "study": (("study",), ("place",)),
    "found": (("found",), ("place", "year")),
}
"""Verbs of a class, and the parts that they can have."""

_EXCLUSIVE: Final = ("live", "be_born", "be_in")
"""Who is in one place is not in another."""

_WHO: Final = ("full", "short", "role")
"""A full name throughout, a full name that the hypotheses shorten, a trade."""


@final
@dataclass(frozen=True, slots=True)
class Template:
    """One shape of premise and hypotheses; `general` names the kind of a thing in the less specific of the two."""

    form: str
    verbs: str
    who: str
    has: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()
    general: bool = False

    @property
    def name(self) -> str:
        """What the template is called in the suite."""
        words = (self.form, self.verbs, self.who, "+".join(self.has), "+".join(self.mentions))
        return "/".join((*words, "kind" if self.general else "thing"))


@final
@dataclass(frozen=True, slots=True)
class Triple:
    """A premise and its hypotheses, in the order of LABELS."""

    template: str
    premise: Clause
    hypotheses: tuple[Clause, Clause, Clause]

    def clauses(self) -> tuple[Clause, ...]:
        """All clauses of the example."""
        return (self.premise, *self.hypotheses)


def templates() -> dict[str, Template]:
    """All templates by name."""
    all_templates = [*_down(), *_up(), *_instead()]
    return {template.name: template for template in all_templates}


def chosen(test: bool, tests: int) -> tuple[Template, ...]:
    """The templates of training or of the test: of each half, `tests // 2` are the test's."""
    every = templates()
    names: list[str] = []
    for down in (True, False):
        half = [name for name, template in every.items() if (template.form == "down") == down]
        names += split.divided(half, tests // 2)[test]
    return tuple(every[name] for name in names)


def _who(verbs: str) -> tuple[str, ...]:
    return _WHO[:2] if verbs == "found" else _WHO


def _down() -> Iterator[Template]:
    for verbs, (_, sayable) in _CLASSES.items():
        for who in _who(verbs):
            for has in _subsets(sayable, 1, 3):
                for mentions in _subsets(has, 0, min(1, len(has) - 1)):
                    yield Template("down", verbs, who, has, mentions)
                    if verbs == "action" and "adjective" not in mentions:
                        yield Template("down", verbs, who, has, mentions, general=True)
    for who in _WHO[:2]:
        yield Template("down", "be_born", who, ("year",))


def _up() -> Iterator[Template]:
    for verbs, (_, sayable) in _CLASSES.items():
        for who in _who(verbs):
            for has in _subsets(sayable, 0, 1):
                for added in sorted(set(sayable) - set(has)):
                    yield Template("up", verbs, who, has, (added,))
                    if verbs == "action" and "adjective" not in has:
                        yield Template("up", verbs, who, has, (added,), general=True)
    yield Template("up", "be_role", "short")


def _instead() -> Iterator[Template]:
    for verbs in _EXCLUSIVE:
        for who in ("organisation",) if verbs == "be_in" else _WHO[: 2 if verbs == "be_born" else 3]:
            yield Template("instead", verbs, who)
    yield from (Template("instead", "be_adjective", which) for which in ("opposite", "colour"))


def _subsets(values: tuple[str, ...], least: int, most: int) -> Iterator[tuple[str, ...]]:
    for size in range(least, most + 1):
        yield from combinations(values, size)


# --------------------------------------------------------------------------------------------------------------- draws


def triple(template: Template, key: str, test: bool) -> Triple:
    """The triple of a template that a key draws, with held-out pairs in a test and without them in training."""
    draw = {"down": _draw_down, "up": _draw_up, "instead": _draw_instead}[template.form]
    return split.drawn(lambda source: draw(template, source), Triple.clauses, f"nli/{key}/{template.name}", test)


@final
@dataclass(frozen=True, slots=True)
class _Scene:
    """An event with all its parts, and alternatives to these parts."""

    whole: Clause
    called: Entity
    other_object: Entity | None
    other_place: str

    def clause(self, mentions: tuple[str, ...], *, general: bool = False) -> Clause:
        """The event with only these things beside it."""
        clause = replace(self.whole, place=self.whole.place if self.whole.verb in _PLACED else "", day="", year=0)
        for part in set(mentions) - {"adjective"}:
            clause = replace(clause, **{part: getattr(self.whole, part)})
        if isinstance(clause.object, Thing):
            clause = replace(clause, object=_described(clause.object, "adjective" in mentions, general))
        return clause

    def elsewhere(self, clause: Clause) -> Clause:
        """The same with another object, or another place where the verb has no object."""
        if clause.verb in _PLACED:
            return replace(clause, place=self.other_place)
        other = self.other_object
        if isinstance(other, Thing) and isinstance(clause.object, Thing):
            general = clause.object.noun in meaning.KINDS
            other = _described(
                replace(other, adjective=clause.object.adjective), bool(clause.object.adjective), general
            )
        return replace(clause, object=other)


_PLACED: Final = ("travel", "live", "be_born", "be_in")
"""Verbs that need their place."""


def _described(thing: Thing, adjective: bool, general: bool) -> Thing:
    if thing.noun in meaning.ROLES:
        return thing
    noun = draws.kind_of(thing.noun) if general else thing.noun
    return Thing(noun, thing.adjective if adjective else "")


def _subject(who: str, source: Random) -> tuple[Entity, Entity]:
    """The premise's subject, and how hypotheses call it."""
    if who == "role":
        role = Thing(source.choice(meaning.ROLES), definite=True)
        return role, role
    if who == "organisation":
        subject = draws.organisation(source)
        return subject, subject
    person = Person(source.choice(meaning.FIRST_NAMES), source.choice(meaning.LAST_NAMES))
    return person, Person(person.first) if who == "short" else person


def _scene(template: Template, source: Random) -> _Scene:
    verb = source.choice(_CLASSES[template.verbs][0]) if template.verbs in _CLASSES else template.verbs
    subject, called = _subject(template.who, source)
    cities = source.sample(meaning.PLACES, 2)
    nouns = _nouns(verb, template, source)
    objects = _objects(verb, nouns, subject, source)
    recipient = _someone_else(subject, source) if verb in meaning.TRANSFERS else None
    day, year = source.choice(meaning.DAYS), source.randrange(1900, 2015)
    whole = Clause(verb, subject, objects[0], recipient, cities[0], day, year)
    return _Scene(whole, called, objects[1], cities[1])


def _someone_else(subject: Entity, source: Random) -> Person | Thing:
    stranger = _another(lambda: draws.anyone(source), subject)
    assert not isinstance(stranger, Organisation)
    return stranger


def _nouns(verb: str, template: Template, source: Random) -> tuple[str, str]:
    """Two things of different kinds that the verb takes, and that an adjective fits."""
    things = draws.objects(verb) if verb in (*meaning.ACTIONS, *meaning.TRANSFERS) else meaning.THINGS
    things = tuple(thing for thing in things if draws.kind_of(thing)) if template.general else things
    first = source.choice(things)
    return first, source.choice([thing for thing in things if thing != first and not _akin(thing, first)])


def _akin(first: str, other: str) -> bool:
    return bool(draws.kind_of(first)) and draws.kind_of(first) == draws.kind_of(other)


def _objects(verb: str, nouns: tuple[str, str], subject: Entity, source: Random) -> tuple[Entity | None, Entity | None]:
    """What the verb is done to, and what else it could be done to; nothing for verbs of place."""
    if verb in _PLACED:
        return None, None
    if verb in ("work", "study", "found"):
        kind = "university" if verb == "study" else source.choice(meaning.ORGANISATIONS)
        first = draws.organisation(source, kind)
        return first, _another(lambda: draws.organisation(source, kind), first)
    if verb in meaning.ENCOUNTERS:
        someone = _another(lambda: draws.anyone(source), subject)
        return someone, _another(lambda: draws.anyone(source), subject, someone)
    if verb == "be_role":
        role, other = source.sample(meaning.ROLES, 2)
        return Thing(role), Thing(other)
    fitting = [quality for quality in draws.qualities(nouns[0]) if quality in draws.qualities(nouns[1])]
    return Thing(nouns[0], source.choice(fitting or draws.qualities(nouns[0]))), Thing(nouns[1])


def _another(draw: Callable[[], Entity], *taken: Entity) -> Entity:
    """One that is called otherwise than those taken."""
    drawn = draw()
    while _called(drawn) in map(_called, taken):
        drawn = draw()
    return drawn


def _called(entity: Entity) -> str:
    match entity:
        case Person(first):
            return first
        case Organisation(stem):
            return stem
        case Thing(noun):
            return noun


def _draw_down(template: Template, source: Random) -> Triple:
    scene = _scene(template, source)
    premise = scene.clause(template.has)
    less = replace(scene.clause(template.mentions, general=template.general), subject=scene.called)
    return Triple(template.name, premise, (less, _untold(template, scene, less, source), replace(less, negated=True)))


def _untold(template: Template, scene: _Scene, less: Clause, source: Random) -> Clause:
    """As long as `less`, with something that is not in the premise."""
    if template.verbs == "be_born":
        return replace(less, verb="live")
    free = sorted(set(_CLASSES[template.verbs][1]) - set(template.has))
    free = [part for part in free if not (template.general and part == "adjective")]
    if template.mentions and free:
        other = scene.clause((source.choice(free),), general=template.general)
        return replace(other, subject=less.subject)
    return scene.elsewhere(less)


def _draw_up(template: Template, source: Random) -> Triple:
    scene = _scene(template, source)
    premise = replace(scene.clause(template.has, general=template.general), negated=True)
    more = replace(scene.clause((*template.has, *template.mentions)), subject=scene.called)
    denied = replace(more, negated=True)
    return Triple(template.name, premise, (denied, scene.elsewhere(denied), more))


def _draw_instead(template: Template, source: Random) -> Triple:
    if template.verbs == "be_adjective":
        return _draw_quality(template, source)
    scene = _scene(template, source)
    premise = replace(scene.clause(()), object=None)
    other = replace(scene.elsewhere(premise), subject=scene.called)
    if template.verbs == "be_in":
        unsaid = replace(other, subject=_another(lambda: draws.organisation(source), premise.subject))
    else:
        unsaid = replace(premise, verb="live" if premise.verb == "be_born" else "be_born", subject=other.subject)
        unsaid = replace(unsaid, verb="travel") if template.who == "role" else unsaid
    denied = replace(other, negated=True)
    return Triple(template.name, premise, (denied, replace(unsaid, negated=True), other))


def _draw_quality(template: Template, source: Random) -> Triple:
    noun = source.choice([thing for thing in meaning.THINGS if len(_contrary(template.who, thing)) > 1])
    quality, contrary = source.choice(_contrary(template.who, noun))
    unsaid = source.choice([adjective for adjective in draws.qualities(noun) if adjective not in _related(quality)])
    clauses = [
        Clause("be_adjective", Thing(noun, definite=True), quality=adjective)
        for adjective in (quality, contrary, unsaid)
    ]
    denied = [replace(clause, negated=True) for clause in clauses]
    return Triple(template.name, clauses[0], (denied[1], denied[2], clauses[1]))


def _contrary(which: str, noun: str) -> list[tuple[str, str]]:
    """Qualities of a thing that exclude each other."""
    fit = draws.qualities(noun)
    if which == "colour":
        colours = [colour for colour in meaning.COLOURS if colour in fit]
        return [(colour, other) for colour in colours for other in colours if colour != other]
    both = [pair for pair in meaning.OPPOSITES if set(pair) <= set(fit)]
    return [order for pair in both for order in (pair, pair[::-1])]


def _related(quality: str) -> tuple[str, ...]:
    """A quality and those that exclude it."""
    if quality in meaning.COLOURS:
        return meaning.COLOURS
    return next(pair for pair in meaning.OPPOSITES if quality in pair)
