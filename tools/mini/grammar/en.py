"""English."""

from __future__ import annotations

from typing import Final

from tools.mini.grammar._words import bound, capitalised, joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import ENCOUNTERS, Clause, Organisation, Person, Thing, Word

_W: Final = words("en")
_PRESENT: Final = ("live", "work")
_COPULAS: Final = ("be_adjective", "be_role", "be_in", "be_born")
_DIRECTED: Final = ("travel", "bring")
"""Verbs whose place is where they lead to."""


def sentence(clause: Clause) -> list[Word]:
    """`Anna Smith did not buy an old car in Paris on Monday.`"""
    return capitalised([*_subject(clause), *_predicate(clause), bound(".")])


def question(clause: Clause, asked: str) -> list[Word]:
    """`Where did Anna Smith buy an old car?`"""
    if asked == "subject":
        wh = "which organisation" if isinstance(clause.subject, Organisation) else "who"
        body = joined(plain(wh), _predicate(clause))
    else:
        body = joined(plain(_asking(clause, asked)), _inverted(clause, asked))
    return capitalised([*body, bound("?")])


def _subject(clause: Clause) -> list[Word]:
    return _entity(clause.subject, "subject")


def _entity(entity: Thing | Person | Organisation | None, part: str) -> list[Word]:
    match entity:
        case Person(first, last):
            names = [_W["first_names"][first], *([_W["last_names"][last]] if last else [])]
            return plain(" ".join(names), part, "PER")
        case Organisation(stem, kind):
            return _organisation(_W["stems"][stem], kind, part)
        case Thing(noun, adjective, definite):
            return _noun_phrase(noun, adjective, definite, part)
    return []


def _organisation(name: str, kind: str, part: str) -> list[Word]:
    """`Nova`, `Nova University`, `the Nova Bank`."""
    if kind == "company":
        return plain(name, part, "ORG")
    article = "" if kind == "university" else "the"
    return [*plain(article), *plain(f"{name} {_W['organisations'][kind]}", part, "ORG")]


def _noun_phrase(noun: str, adjective: str, definite: bool, part: str) -> list[Word]:
    name = next(_W[table][noun] for table in ("things", "kinds", "roles") if noun in _W[table])
    body = f"{_W['adjectives'][adjective]} {name}" if adjective else name
    article = "the" if definite else "an" if body[0] in "aeiou" else "a"
    return [*plain(article), *plain(body, part)]


def _predicate(clause: Clause) -> list[Word]:
    """Everything after the subject of a statement."""
    return joined(_finite(clause), _rest(clause, ""))


def _finite(clause: Clause) -> list[Word]:
    """The verb with its negation."""
    if clause.verb in _COPULAS:
        be = "was" if clause.verb == "be_born" else "is"
        return plain(be + (" not" if clause.negated else "") + _after_be(clause.verb))
    tense = "present" if clause.verb in _PRESENT else "past"
    if clause.negated:
        auxiliary = "does not" if tense == "present" else "did not"
        return plain(f"{auxiliary} {clause.verb}")
    return plain(_W["verbs"][clause.verb][tense])


def _after_be(verb: str) -> str:
    return {"be_born": " born", "be_in": " located"}.get(verb, "")


def _rest(clause: Clause, asked: str) -> list[Word]:
    """Objects, place and time, but for the part that is asked for."""
    shown = {name: name != asked for name in ("object", "recipient", "place", "day", "year")}
    return joined(
        plain(_W["adjectives"][clause.quality]) if clause.quality else [],
        _preposition(clause.verb) if shown["object"] and clause.object else [],
        _entity(clause.object, "object") if shown["object"] else [],
        [*plain("to"), *_entity(clause.recipient, "recipient")] if shown["recipient"] and clause.recipient else [],
        _location(clause) if shown["place"] and clause.place else [],
        [*plain("on"), *plain(_W["days"][clause.day], "day")] if shown["day"] and clause.day else [],
        [*plain("in"), *plain(str(clause.year), "year")] if shown["year"] and clause.year else [],
    )


def _preposition(verb: str) -> list[Word]:
    return plain({"work": "for", "study": "at"}.get(verb, ""))


def _location(clause: Clause) -> list[Word]:
    return [*plain("to" if clause.verb in _DIRECTED else "in"), *plain(_W["places"][clause.place], "place", "LOC")]


def _asking(clause: Clause, asked: str) -> str:
    match asked:
        case "object":
            return _asking_object(clause)
        case "recipient":
            return "to whom"
        case "place":
            return "where"
        case "day":
            return "on which day"
        case _:
            return "in which year"


def _asking_object(clause: Clause) -> str:
    if isinstance(clause.object, Person) or clause.verb in ENCOUNTERS:
        return "whom"
    if isinstance(clause.object, Organisation):
        return {"work": "for which organisation", "study": "at which university"}.get(clause.verb, "which organisation")
    return "what"


def _inverted(clause: Clause, asked: str) -> list[Word]:
    """The auxiliary, the subject, and the rest without what is asked for."""
    if clause.verb in _COPULAS:
        be = "was" if clause.verb == "be_born" else "is"
        return joined(plain(be), _subject(clause), plain(_after_be(clause.verb)), _rest(clause, asked))
    auxiliary = "does" if clause.verb in _PRESENT else "did"
    return joined(plain(auxiliary), _subject(clause), plain(clause.verb), _rest(clause, asked))
