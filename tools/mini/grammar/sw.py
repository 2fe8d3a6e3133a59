"""Swahili: concords by noun class, and question words at the position of the answer."""

from __future__ import annotations

from typing import Any, Final

from tools.mini.grammar._words import bound, capitalised, joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import ENCOUNTERS, KINDS, Clause, Organisation, Person, Thing, Word

_W: Final = words("sw")
_PRESENT: Final = {"live": ("anaishi", "haishi"), "work": ("anafanyia kazi", "hafanyii kazi")}
"""The affirmative and negative forms of the verbs of state."""
_OF: Final = {"1": "wa", "3": "wa", "5": "la", "6": "ya", "7": "cha", "9": "ya", "11": "wa"}
"""`-a` of a noun of a class."""
_SUBJECT: Final = {"5": "li", "6": "ya", "7": "ki", "9": "i"}
"""What a verb begins with, by the class of the subject."""
_COMPANY: Final = "9"
_ORGANISATION: Final = "5"


def sentence(clause: Clause) -> list[Word]:
    """`Anna Smith hakununua gari la zamani jijini Paris siku ya Jumatatu.`"""
    return capitalised([*_entity(clause.subject, "subject"), *_predicate(clause, ""), bound(".")])


def question(clause: Clause, asked: str) -> list[Word]:
    """`Anna Smith alinunua nini jijini Paris siku ya Jumatatu?`"""
    if asked == "subject":
        wh = "shirika gani" if isinstance(clause.subject, Organisation) else "nani"
        body = joined(plain(wh), _predicate(clause, asked))
    elif asked == "place" and clause.verb == "study":
        body = joined(
            plain("ni wapi ambapo"), _entity(clause.subject, "subject"), _clause_words(clause, ""), _time(clause, "")
        )
    else:
        body = joined(_entity(clause.subject, "subject"), _predicate(clause, asked))
    return capitalised([*body, bound("?")])


def _predicate(clause: Clause, asked: str) -> list[Word]:
    """Everything after the subject, with a question word instead of the part that is asked for."""
    return joined(_clause_words(clause, asked), _location(clause, asked), _time(clause, asked))


def _clause_words(clause: Clause, asked: str) -> list[Word]:
    """The verb with its objects."""
    match clause.verb:
        case "be_in":
            return plain(_located(clause, asked))
        case "be_adjective":
            return joined(plain("si" if clause.negated else "ni"), plain(_quality(clause)))
        case "be_role":
            return joined(plain("si" if clause.negated else "ni"), _entity(clause.object, "object"))
        case _:
            return _acted(clause, asked)


def _acted(clause: Clause, asked: str) -> list[Word]:
    """A verb of doing; what is asked for comes between the verb and its noun (`alipaka nini rangi`)."""
    verb: dict[str, str] = _W["verbs"].get(clause.verb, {})
    recipient = plain("nani") if asked == "recipient" else _entity(clause.recipient, "recipient")
    thing = plain(_asking_object(clause)) if asked == "object" else _entity(clause.object, "object")
    after = plain(verb.get("after", "") if clause.place or clause.verb != "travel" else "")
    noun = plain(verb.get("noun", ""))
    objects = [*thing, *noun] if asked == "object" else [*noun, *after, *thing]
    return joined(plain(_finite(clause, verb)), recipient, after if asked == "object" else [], objects)


def _finite(clause: Clause, verb: dict[str, str]) -> str:
    """The verb with its tense; clothes are washed with a verb of their own."""
    if clause.verb in _PRESENT:
        return _PRESENT[clause.verb][clause.negated]
    clothes = isinstance(clause.object, Thing) and clause.object.noun in ("garment", *KINDS["garment"])
    stem = verb["garment"] if clothes and "garment" in verb else verb["stem"]
    return f"{'haku' if clause.negated else 'ali'}{stem}"


def _located(clause: Clause, asked: str) -> str:
    """`-po` with the concord of the organisation, or of `shirika` where it is asked for."""
    assert isinstance(clause.subject, Organisation)
    kind = clause.subject.kind
    noun_class = _COMPANY if kind == "company" else _W["organisations"][kind]["class"]
    concord = _SUBJECT[_ORGANISATION if asked == "subject" else noun_class]
    return f"{'ha' if clause.negated else ''}{concord}po"


def _quality(clause: Clause) -> str:
    assert isinstance(clause.subject, Thing)
    return _adjective(clause.quality, _noun(clause.subject.noun)["class"])


def _adjective(adjective: str, noun_class: str) -> str:
    """The adjective with its concord."""
    entry = _W["adjectives"][adjective]
    if isinstance(entry, str):
        return entry
    return str(entry[noun_class] if noun_class in entry else f"{_OF[noun_class]} {entry['of']}")


def _location(clause: Clause, asked: str) -> list[Word]:
    if not clause.place:
        return []
    if asked == "place":
        return plain("wapi")
    entry = _W["places"][clause.place]
    name, at = (entry, "jijini") if isinstance(entry, str) else (entry["text"], entry["at"])
    return [*plain("" if clause.verb == "travel" else at), *plain(name, "place", "LOC")]


def _time(clause: Clause, asked: str) -> list[Word]:
    day = plain("gani") if asked == "day" else [*plain("ya"), *plain(_W["days"].get(clause.day, ""), "day")]
    year = plain("gani") if asked == "year" else plain(str(clause.year), "year")
    return joined(
        [*plain("siku"), *day] if clause.day else [],
        [*plain("mwaka"), *year] if clause.year else [],
    )


def _entity(entity: Thing | Person | Organisation | None, part: str) -> list[Word]:
    match entity:
        case Person(first, last):
            names = [_W["first_names"][first], *([_W["last_names"][last]] if last else [])]
            return plain(" ".join(names), part, "PER")
        case Organisation(stem, kind):
            return _organisation(_W["stems"][stem], kind, part)
        case Thing(noun, adjective):
            noun_entry = _noun(noun)
            quality = f" {_adjective(adjective, noun_entry['class'])}" if adjective else ""
            return plain(f"{noun_entry['text']}{quality}", part)
    return []


def _organisation(name: str, kind: str, part: str) -> list[Word]:
    """`kampuni ya Nova`, `Chuo Kikuu cha Nova`."""
    if kind == "company":
        return [*plain("kampuni ya"), *plain(name, part, "ORG")]
    noun = _W["organisations"][kind]
    return plain(f"{noun['text']} {_OF[noun['class']]} {name}", part, "ORG")


def _noun(noun: str) -> dict[str, Any]:
    return next(_W[table][noun] for table in ("things", "kinds", "roles") if noun in _W[table])


def _asking_object(clause: Clause) -> str:
    if isinstance(clause.object, Person) or clause.verb in ENCOUNTERS:
        return "nani"
    if isinstance(clause.object, Organisation):
        return "chuo kikuu gani" if clause.verb == "study" else "shirika gani"
    return "nini"
