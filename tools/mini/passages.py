"""Passages of a few clauses, and questions on them whose wrong answers fill the same part of other clauses.

A template fixes what a passage is about (which verbs its people share) and its questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random
from typing import Final, final

from tools.mini import draws, meaning, split
from tools.mini.meaning import Clause, Person, Thing

_PEOPLE: Final = 3
_GROUPS: Final = {
    "action": meaning.ACTIONS,
    "transfer": meaning.TRANSFERS,
    "encounter": meaning.ENCOUNTERS,
    "work": ("work",),
    "study": ("study",),
    "found": ("found",),
    "be_born": ("be_born",),
    "travel": ("travel",),
}
"""What three people of a passage do, each in a clause of the same verb."""

_ASKED: Final = {
    "action": ("object", "place", "day", "subject"),
    "transfer": ("object", "recipient", "place", "subject"),
    "encounter": ("object", "place", "day", "subject"),
    "work": ("object", "subject"),
    "study": ("object", "subject"),
    "found": ("object", "place", "year", "subject"),
    "be_born": ("place", "year", "subject"),
    "travel": ("place", "day", "subject"),
}
_BESIDE: Final = {
    **{name: tuple(part for part in ("place", "day", "year") if part in asked) for name, asked in _ASKED.items()},
    "work": ("place",),
    "study": ("place",),
}
"""The parts of an event: more than one that could be the answer."""

_QUESTIONS: Final = 4
_LEFT_OUT: Final = 0.85


@final
@dataclass(frozen=True, slots=True)
class Template:
    """Two things that the people of a passage do, how they are called, and which questions come first."""

    about: tuple[str, str]
    who: str
    turn: int

    @property
    def name(self) -> str:
        """What the template is called in the suite."""
        return f"{'+'.join(self.about)}/{self.who}/{self.turn}"


@final
@dataclass(frozen=True, slots=True)
class Question:
    """A clause of the passage as a question asks about it: its index, the part asked for, and the omitted parts."""

    index: int
    asked: str
    unsaid: tuple[str, ...]

    def of(self, clauses: tuple[Clause, ...]) -> Clause:
        """The clause that the question puts."""
        clause = clauses[self.index]
        left = {part: getattr(clause, part) for part in ("place", "day") if part not in self.unsaid}
        year = 0 if "year" in self.unsaid else clause.year
        return replace(clause, place=left.get("place", ""), day=left.get("day", ""), year=year)


@final
@dataclass(frozen=True, slots=True)
class Passage:
    """A passage and its questions."""

    template: str
    clauses: tuple[Clause, ...]
    questions: tuple[Question, ...]

    def all_clauses(self) -> tuple[Clause, ...]:
        """All clauses of the passage."""
        return self.clauses


def templates() -> dict[str, Template]:
    """All templates by name."""
    return {template.name: template for template in _all()}


def _all() -> Iterator[Template]:
    for about in combinations(_GROUPS, 2):
        for who in ("full", "first"):
            for turn in range(3):
                yield Template(about, who, turn)


def chosen(test: bool, tests: int) -> tuple[Template, ...]:
    """The templates of training or of the test."""
    every = templates()
    return tuple(every[name] for name in split.divided(list(every), tests)[test])


def passage(template: Template, key: str, test: bool) -> Passage:
    """The passage of a template that a key draws."""
    return split.drawn(
        lambda source: _draw(template, source), Passage.all_clauses, f"passages/{key}/{template.name}", test
    )


def _draw(template: Template, source: Random) -> Passage:
    people = _people(template.who, source)
    clauses = [clause for about in template.about for clause in _clauses(about, people, source)]
    source.shuffle(clauses)
    drawn_clauses = tuple(clauses)
    return Passage(template.name, drawn_clauses, tuple(_questions(template, drawn_clauses, source)))


def _people(who: str, source: Random) -> tuple[Person, ...]:
    firsts = source.sample(meaning.FIRST_NAMES, _PEOPLE)
    lasts = source.sample(meaning.LAST_NAMES, _PEOPLE)
    return tuple(Person(first, last if who == "full" else "") for first, last in zip(firsts, lasts, strict=True))


def _clauses(about: str, people: tuple[Person, ...], source: Random) -> Iterator[Clause]:
    """One clause for each of the people: the same verb, every part another's."""
    verb = source.choice(_GROUPS[about])
    cities = source.sample(meaning.PLACES, _PEOPLE)
    days = source.sample(meaning.DAYS, _PEOPLE)
    years = source.sample(range(1900, 2015), _PEOPLE)
    objects = _objects(verb, source)
    others = source.sample([name for name in meaning.FIRST_NAMES if name not in [who.first for who in people]], _PEOPLE)
    for index, person in enumerate(people):
        parts = {"place": cities[index], "day": days[index], "year": years[index]}
        kept = {name: value for name, value in parts.items() if name in _BESIDE[about]}
        recipient = Person(others[index]) if about == "transfer" else None
        target = Person(others[index]) if about == "encounter" else objects[index] if objects else None
        yield Clause(verb, person, target, recipient, **kept)  # type: ignore[arg-type]  # texts and one number


def _objects(verb: str, source: Random) -> list[Thing | meaning.Organisation]:
    if verb in ("work", "study", "found"):
        kind = "university" if verb == "study" else source.choice(meaning.ORGANISATIONS)
        stems = [stem for stem in meaning.STEMS if stem not in (*meaning.FOUNDERS, *meaning.SEATS)]
        return [meaning.Organisation(stem, kind) for stem in source.sample(stems, _PEOPLE)]
    if verb in (*meaning.ACTIONS, *meaning.TRANSFERS):
        nouns = source.sample(draws.objects(verb), _PEOPLE)
        return [Thing(noun, source.choice(("", source.choice(draws.qualities(noun))))) for noun in nouns]
    return []


def every_question(passage: Passage, key: str) -> Passage:
    """The passage with a question on every part of each clause that can be asked for."""
    source = Random(f"questions/{key}")
    about = {
        clause.verb: next(name for name, verbs in _GROUPS.items() if clause.verb in verbs) for clause in passage.clauses
    }
    asked = [(index, part) for index, clause in enumerate(passage.clauses) for part in _ASKED[about[clause.verb]]]
    several = (Question(index, part, _unsaid(passage.clauses[index], part, source)) for index, part in asked)
    return replace(passage, questions=tuple(several))


def _questions(template: Template, clauses: tuple[Clause, ...], source: Random) -> Iterator[Question]:
    """Questions on both things in turn, each of another clause."""
    indices = source.sample(range(len(clauses)), _QUESTIONS)
    for number, index in enumerate(indices):
        clause = clauses[index]
        about = next(name for name in template.about if clause.verb in _GROUPS[name])
        asked = _ASKED[about][(template.turn + number) % len(_ASKED[about])]
        yield Question(index, asked, _unsaid(clause, asked, source))


def _unsaid(clause: Clause, asked: str, source: Random) -> tuple[str, ...]:
    """What a question mostly leaves out, so that several parts could answer it: place, day and year, where it can."""
    loose = [part for part in ("place", "day", "year") if part != asked and getattr(clause, part)]
    if asked == "subject" and clause.verb in ("be_born", "travel"):
        loose = [part for part in loose if part != "place"]
    return tuple(part for part in loose if source.random() < _LEFT_OUT)
