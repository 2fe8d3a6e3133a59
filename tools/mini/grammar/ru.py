"""Russian: time and place first, what is new last; the verb before the subject in questions that end with it."""

from __future__ import annotations

from typing import Any, Final

from tools.mini.grammar import _russian
from tools.mini.grammar._words import bound, capitalised, joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import (
    ACTIONS,
    ENCOUNTERS,
    KINDS,
    SEATS,
    TRANSFERS,
    Clause,
    Organisation,
    Person,
    Thing,
    Word,
)

_W: Final = words("ru")
_PRESENT: Final = {"live": "живёт", "work": "работает", "be_in": "находится"}
_DIRECTED: Final = ("travel", "bring")
"""Verbs whose place is where they lead to."""
_FRONTED: Final = (*ACTIONS, *TRANSFERS, *ENCOUNTERS, "found")
"""Verbs of events: a statement begins with when and where."""
_CASES: Final = {"help": "dat", "call": "dat", "work": "prep", "study": "prep", "be_role": "nom"}
"""The case of the object, where it is not the accusative; `prep` is after `в`."""
_COMPANY: Final = {"nom": "компания", "acc": "компанию", "prep": "компании"}


def sentence(clause: Clause) -> list[Word]:
    """`В понедельник в Париже Анна Смит не покупала старую машину.`"""
    when, where = _time(clause, ""), _location(clause)
    if clause.verb in _DIRECTED:
        around, after = when, where
    else:
        around, after = ([*when, *where], []) if clause.verb in _FRONTED else ([], [*where, *when])
    core = joined(_entity(clause.subject, "subject", "nom"), _verb(clause, ""), _objects(clause, ""))
    return capitalised([*around, *core, *after, bound(".")])


def question(clause: Clause, asked: str) -> list[Word]:
    """`Где Анна Смит купила старую машину в понедельник?`"""
    subject = [] if asked == "subject" else _entity(clause.subject, "subject", "nom")
    location = _location(clause) if asked != "place" else []
    rest = joined(_objects(clause, asked), location, _time(clause, asked))
    verb = _verb(clause, asked)
    core = joined(subject, verb) if rest else joined(verb, subject)
    return capitalised([*plain(_asking(clause, asked)), *core, *rest, bound("?")])


def _verb(clause: Clause, asked: str) -> list[Word]:
    """The verb with its negation; `be` is not said, but for a dash between two nouns."""
    negation = "не " if clause.negated else ""
    if clause.verb == "be_role":
        return plain(negation or ("" if asked else "—"))
    if clause.verb == "be_adjective":
        return plain(negation)
    return plain(negation + (_PRESENT.get(clause.verb) or _past(clause, asked)))


def _past(clause: Clause, asked: str) -> str:
    """The past, in the gender of the subject, which `кто` makes masculine; imperfective where it is denied."""
    entry = _W["verbs"][clause.verb]
    verb: dict[str, str] = {"m": entry} if isinstance(entry, str) else entry
    woman = asked != "subject" and isinstance(clause.subject, Person) and clause.subject.woman
    clothes = isinstance(clause.object, Thing) and clause.object.noun in ("garment", *KINDS["garment"])
    wanted = "_".join(["garment"] * (clothes and "garment" in verb) + ["denied"] * clause.negated)
    if wanted in verb:
        return verb[wanted] + ("а" if woman else "")
    return verb.get("f", f"{verb['m']}а") if woman else verb["m"]


def _objects(clause: Clause, asked: str) -> list[Word]:
    """The recipient, the object, or the quality of the subject; not the part that is asked for."""
    recipient = _entity(clause.recipient, "recipient", "dat") if asked != "recipient" else []
    return joined(_quality(clause), recipient, _object(clause) if asked != "object" else [])


def _quality(clause: Clause) -> list[Word]:
    if not clause.quality or not isinstance(clause.subject, Thing):
        return []
    text = _W["adjectives"][clause.quality]
    return plain(_russian.adjective(text, _noun(clause.subject.noun)["gender"], "nom", animate=False))


def _object(clause: Clause) -> list[Word]:
    """The object in its case; a profession is that of a man or of a woman."""
    if clause.verb == "be_role" and isinstance(clause.object, Thing):
        woman = isinstance(clause.subject, Person) and clause.subject.woman
        return plain(_W["roles"][clause.object.noun]["f" if woman else "text"], "object")
    case = _CASES.get(clause.verb, "acc")
    return joined(plain("в" if case == "prep" else ""), _entity(clause.object, "object", case))


def _entity(entity: Thing | Person | Organisation | None, part: str, case: str) -> list[Word]:
    match entity:
        case Person():
            return plain(_full_name(entity, case), part, "PER")
        case Organisation(stem, kind):
            return _organisation(stem, kind, part, case)
        case Thing(noun, adjective):
            return plain(_noun_phrase(noun, adjective, case), part)
    return []


def _full_name(person: Person, case: str) -> str:
    first = (_russian.feminine if person.woman else _russian.masculine)(_W["first_names"][person.first], case)
    if not person.last:
        return first
    return f"{first} {_russian.surname(_W['last_names'][person.last], case, woman=person.woman)}"


def _organisation(stem: str, kind: str, part: str, case: str) -> list[Word]:
    """`компания «Нова»`, `банк «Нова»`, `Банк Берлина`."""
    name = _W["stems"][stem]
    if kind == "company":
        return [*plain(f"{_COMPANY[case]} «"), bound(name, part, "ORG"), bound("»")]
    noun = _W["organisations"][kind][case]
    if stem in SEATS:
        return plain(f"{noun.capitalize()} {name}", part, "ORG")
    return [*plain(f"{noun} «", part, "ORG"), bound(name, part, "ORG"), bound("»", part, "ORG")]


def _noun_phrase(noun: str, adjective: str, case: str) -> str:
    noun_entry, animate = _noun(noun), noun in _W["roles"]
    text = _russian.noun(noun_entry, case, animate=animate)
    if not adjective:
        return text
    return f"{_russian.adjective(_W['adjectives'][adjective], noun_entry['gender'], case, animate=animate)} {text}"


def _noun(noun: str) -> dict[str, Any]:
    return next(_W[table][noun] for table in ("things", "kinds", "roles") if noun in _W[table])


def _location(clause: Clause) -> list[Word]:
    if not clause.place:
        return []
    case = "acc" if clause.verb in _DIRECTED else "prep"
    return [*plain("в"), *plain(_russian.city(_W["places"][clause.place], case), "place", "LOC")]


def _time(clause: Clause, asked: str) -> list[Word]:
    entry = _W["days"].get(clause.day, "")
    day, at = (entry, "в") if isinstance(entry, str) else (entry["text"], entry["at"])
    return joined(
        [*plain(at), *plain(day, "day")] if day and asked != "day" else [],
        [*plain("в"), *plain(str(clause.year), "year"), *plain("году")] if clause.year and asked != "year" else [],
    )


def _asking(clause: Clause, asked: str) -> str:
    match asked:
        case "subject":
            return "какая организация" if isinstance(clause.subject, Organisation) else "кто"
        case "object":
            return _asking_object(clause)
        case "recipient":
            return "кому"
        case "place":
            return "куда" if clause.verb in _DIRECTED else "где"
        case "day":
            return "в какой день"
        case _:
            return "в каком году"


def _asking_object(clause: Clause) -> str:
    if isinstance(clause.object, Person) or clause.verb in ENCOUNTERS:
        return "кому" if _CASES.get(clause.verb) == "dat" else "кого"
    if isinstance(clause.object, Organisation):
        asking = {"work": "в какой организации", "study": "в каком университете"}
        return asking.get(clause.verb, "какую организацию")
    return "что"
