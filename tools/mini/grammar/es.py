"""Spanish: `a` before people, the recipient said twice (`le dio ... a`), the verb before the subject in questions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tools.mini.grammar._words import bound, capitalised, joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import ENCOUNTERS, SEATS, TRANSFERS, Clause, Organisation, Person, Thing, Word

_W: Final = words("es")
_DIRECTED: Final = ("travel", "bring")
"""Verbs whose place is where they lead to."""
_PREPOSITIONS: Final = {"work": "para", "study": "en", "meet": "con", "help": "a", "call": "a"}
"""The words before the object, where there are some."""
_THE: Final = {"m": "el", "f": "la"}
_A: Final = {"m": "un", "f": "una"}
_NO: Final = {"m": "ningún", "f": "ninguna"}


def sentence(clause: Clause) -> list[Word]:
    """`Ana Smith no compró ningún coche viejo en París el lunes.`"""
    negation = plain("no" if clause.negated else "")
    subject = _entity(clause.subject, "subject")
    body = joined(subject, negation, _verb(clause), _participle(clause, ""), _rest(clause, ""))
    return capitalised([*body, bound(".")])


def question(clause: Clause, asked: str) -> list[Word]:
    """`¿Dónde compró Ana Smith un coche viejo el lunes?`"""
    subject = [] if asked == "subject" else _entity(clause.subject, "subject")
    verb = joined(_verb(clause), _participle(clause, asked))
    body = joined(plain(_asking(clause, asked)), verb, subject, _rest(clause, asked))
    first, *others = capitalised(body)
    return [*plain("¿"), replace(first, bound=True), *others, bound("?")]


def _verb(clause: Clause) -> list[Word]:
    """The verb; the recipient is announced by `le`."""
    if clause.verb == "be_adjective":
        return plain("está" if _W["adjectives"][clause.quality].get("state") else "es")
    if clause.verb == "be_role":
        return plain("es")
    return plain(f"{'le ' if clause.verb in TRANSFERS else ''}{_W['verbs'][clause.verb]}")


def _participle(clause: Clause, asked: str) -> list[Word]:
    """`prestado`, which makes `tomar` a loan and agrees with what is borrowed."""
    if clause.verb != "borrow" or not isinstance(clause.object, Thing):
        return []
    feminine = asked != "object" and _noun(clause.object.noun)["gender"] == "f"
    return plain("prestada" if feminine else "prestado")


def _rest(clause: Clause, asked: str) -> list[Word]:
    """Objects, place and time, but for the part that is asked for."""
    return joined(
        _quality(clause),
        _object(clause) if asked != "object" else [],
        _after("a", _entity(clause.recipient, "recipient")) if asked != "recipient" else [],
        _location(clause) if clause.place and asked != "place" else [],
        [*plain("el"), *plain(_W["days"][clause.day], "day")] if clause.day and asked != "day" else [],
        [*plain("en"), *plain(str(clause.year), "year")] if clause.year and asked != "year" else [],
    )


def _quality(clause: Clause) -> list[Word]:
    if not clause.quality or not isinstance(clause.subject, Thing):
        return []
    return plain(_W["adjectives"][clause.quality][_noun(clause.subject.noun)["gender"]])


def _object(clause: Clause) -> list[Word]:
    """The object; none at all (`ningún`) of an indefinite thing where the verb is denied."""
    if clause.verb == "be_role":
        return _profession(clause)
    words = _entity(clause.object, "object")
    if clause.negated and isinstance(clause.object, Thing) and not clause.object.definite:
        words = [Word(_NO[_noun(clause.object.noun)["gender"]]), *words[1:]]
    return _after(_PREPOSITIONS.get(clause.verb, ""), words)


def _profession(clause: Clause) -> list[Word]:
    """A profession has no article, and is feminine when a woman has it."""
    assert isinstance(clause.object, Thing)
    assert isinstance(clause.subject, Person)
    return plain(_W["roles"][clause.object.noun]["f" if clause.subject.woman else "text"], "object")


def _after(preposition: str, words: list[Word]) -> list[Word]:
    """The preposition and the words after it, with `a` and `el` in one; nothing without words."""
    if preposition == "a" and words and words[0] == Word("el"):
        return [Word("al"), *words[1:]]
    return [*plain(preposition), *words] if words else []


def _location(clause: Clause) -> list[Word]:
    return [*plain("a" if clause.verb in _DIRECTED else "en"), *plain(_W["places"][clause.place], "place", "LOC")]


def _entity(entity: Thing | Person | Organisation | None, part: str) -> list[Word]:
    match entity:
        case Person(first, last):
            names = [_W["first_names"][first], *([_W["last_names"][last]] if last else [])]
            return plain(" ".join(names), part, "PER")
        case Organisation(stem, kind):
            return _organisation(stem, kind, part)
        case Thing(noun, adjective, definite):
            return _noun_phrase(noun, adjective, definite, part)
    return []


def _organisation(stem: str, kind: str, part: str) -> list[Word]:
    """`la empresa Nova`, `el Banco Nova`, `el Banco de Berlín`."""
    name = _W["stems"][stem]
    if kind == "company":
        return [*plain("la empresa"), *plain(name, part, "ORG")]
    noun = _W["organisations"][kind]
    of = " de" if stem in SEATS else ""
    return [*plain(_THE[noun["gender"]]), *plain(f"{noun['text']}{of} {name}", part, "ORG")]


def _noun_phrase(noun: str, adjective: str, definite: bool, part: str) -> list[Word]:
    noun_entry = _noun(noun)
    quality = f" {_W['adjectives'][adjective][noun_entry['gender']]}" if adjective else ""
    article = (_THE if definite else _A)[noun_entry["gender"]]
    return [*plain(article), *plain(f"{noun_entry['text']}{quality}", part)]


def _noun(noun: str) -> dict[str, Any]:
    return next(_W[table][noun] for table in ("things", "kinds", "roles") if noun in _W[table])


def _asking(clause: Clause, asked: str) -> str:
    match asked:
        case "subject":
            return "qué organización" if isinstance(clause.subject, Organisation) else "quién"
        case "object":
            return _asking_object(clause)
        case "recipient":
            return "a quién"
        case "place":
            return "adónde" if clause.verb in _DIRECTED else "dónde"
        case "day":
            return "qué día"
        case _:
            return "en qué año"


def _asking_object(clause: Clause) -> str:
    if isinstance(clause.object, Person) or clause.verb in ENCOUNTERS:
        return f"{_PREPOSITIONS[clause.verb]} quién"
    if isinstance(clause.object, Organisation):
        asking = {"work": "para qué organización", "study": "en qué universidad"}
        return asking.get(clause.verb, "qué organización")
    return "qué"
