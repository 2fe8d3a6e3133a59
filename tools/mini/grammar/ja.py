"""Japanese: who, when, where, to whom, what, and the verb in the polite style. What is asked for stays in its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tools.mini.grammar._special import special
from tools.mini.grammar._words import joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import ENCOUNTERS, Clause, Organisation, Person, Thing, Word

_W: Final = words("ja")
_PRESENT: Final = ("live", "work", "be_in")


def sentence(clause: Clause) -> list[Word]:
    """`アンナ・スミスは月曜日にパリで古い車を買いませんでした。`"""
    return [*_clause_words(clause, ""), Word("。")]


def question(clause: Clause, asked: str) -> list[Word]:
    """`アンナ・スミスは月曜日にどこで古い車を買いましたか。`"""
    return [*_clause_words(replace(clause, negated=False), asked), *plain("か 。")]


def _clause_words(clause: Clause, asked: str) -> list[Word]:
    topic = "{subject} が" if asked == "subject" else "{subject} は"
    if clause.quality:
        return joined(_slots(clause, asked, topic), plain(_adjective(clause)["no" if clause.negated else "yes"]))
    if clause.verb == "be_role":
        copula = "で は あり ませ ん" if clause.negated else "です"
        return joined(_slots(clause, asked, topic), _entity(clause.object, "object"), plain(copula))
    verb = _verb(clause)
    at = "" if "{place}" in verb["with"] else "{place} で"
    frame = f"{topic} {{day}} に {{year}} に {at} {verb['with']}"
    return joined(_slots(clause, asked, frame), _finite(clause, verb))


def _adjective(clause: Clause) -> Any:
    noun = clause.subject.noun if isinstance(clause.subject, Thing) else ""
    return special(_W, clause.quality, noun) or _W["adjectives"][clause.quality]


def _verb(clause: Clause) -> Any:
    noun = clause.object.noun if isinstance(clause.object, Thing) else ""
    return special(_W, clause.verb, noun) or _W["verbs"][clause.verb]


def _finite(clause: Clause, verb: Any) -> list[Word]:
    """The verb with politeness, negation and tense."""
    if clause.negated and "no" in verb:
        return plain(verb["no"])
    present = clause.verb in _PRESENT
    ending = ("ませ ん" if present else "ませ ん でし た") if clause.negated else "ます" if present else "まし た"
    return plain(f"{verb['stem']} {ending}")


def _slots(clause: Clause, asked: str, frame: str) -> list[Word]:
    """The parts that a frame names, each with its particle; those that the clause does not have are left out."""
    slots = frame.split()
    words: list[Word] = []
    for slot, particle in zip(slots[::2], slots[1::2], strict=True):
        name = slot[1:-1]
        if getattr(clause, name):
            words += plain(_asking(clause, name)) if name == asked else _part(clause, name)
            words += plain(particle)
    return words


def _part(clause: Clause, name: str) -> list[Word]:
    match name:
        case "place":
            return plain(_W["places"][clause.place], "place", "LOC")
        case "day":
            return plain(_W["days"][clause.day], "day")
        case "year":
            return joined(plain(str(clause.year), "year"), plain("年"))
        case _:
            return _entity(getattr(clause, name), name)


def _entity(entity: Thing | Person | Organisation | None, part: str) -> list[Word]:
    match entity:
        case Person(first, last):
            surname = f" ・ {_W['last_names'][last]}" if last else ""
            return plain(_W["first_names"][first] + surname, part, "PER")
        case Organisation(stem, kind):
            kind_word = _W["organisations"].get(kind, _W["company"]["suffix"])
            return plain(f"{_W['stems'][stem]} {kind_word}", part, "ORG")
        case Thing():
            return _noun_phrase(entity, part)
    return []


def _noun_phrase(thing: Thing, part: str) -> list[Word]:
    name = next(_W[table][thing.noun] for table in ("things", "kinds", "roles") if thing.noun in _W[table])
    before = special(_W, thing.adjective, thing.noun) or _W["adjectives"].get(thing.adjective, {"before": ""})
    that = plain("その") if thing.definite and thing.noun not in _W["roles"] else []
    return joined(that, plain(f"{before['before']} {name}", part))


def _asking(clause: Clause, asked: str) -> str:
    """The question word of a part, without its particle."""
    match asked:
        case "place":
            return "どこ"
        case "day":
            return "何 曜日"
        case "year":
            return "何 年"
        case "subject" if isinstance(clause.subject, Organisation):
            return _which(clause.subject)
        case "object" if isinstance(clause.object, Organisation):
            return "どの 大学" if clause.verb == "study" else _which(clause.object)
        case "object" if clause.verb not in ENCOUNTERS:
            return "何"
        case _:
            return "誰"


def _which(organisation: Organisation) -> str:
    return "どの 会社" if organisation.kind == "company" else "どの 機関"
