"""Thai. Texts of the lexicon are cut into words at their spaces; words are written together but around surnames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from tools.mini.grammar._words import apart, joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import KINDS, Clause, Organisation, Person, Thing, Word

_W: Final = words("th")
_BY_KIND: Final = {
    "wash": (("animal", "bathe"), ("garment", "launder")),
    "carry": (("furniture", "shoulder"), ("instrument", "shoulder")),
}
"""Verbs that are others for things of these kinds."""


def sentence(clause: Clause) -> list[Word]:
    """`แอนนา สมิธ ไม่ได้ซื้อรถยนต์เก่าที่ปารีสเมื่อวันจันทร์`"""
    if isinstance(clause.subject, Thing) and clause.quality:
        return [*_that_one(clause.subject), *plain(_predicate(clause, clause.subject.noun))]
    return _clause_words(clause, "")


def question(clause: Clause, asked: str) -> list[Word]:
    """`แอนนา สมิธ ซื้อรถยนต์เก่าที่ไหนเมื่อวันจันทร์`: the question word is at the position of the answer."""
    return _clause_words(clause, asked)


def _clause_words(clause: Clause, asked: str) -> list[Word]:
    """Subject, verb and the rest in order; what is asked for is replaced by its question word."""
    words = joined(
        plain(_who(clause)) if asked == "subject" else _entity(clause, "subject"),
        plain(_finite(clause)),
        _objects(clause, asked),
        _location(clause, asked),
        _time(clause, asked),
    )
    return _parted(words)


def _parted(words: Sequence[Word]) -> list[Word]:
    """The words, also with a space after a surname."""
    breaks = [False, *(word.apart for word in words)]
    return [replace(word, apart=word.apart or parted) for word, parted in zip(words, breaks, strict=False)]


def _verb(clause: Clause) -> dict[str, str]:
    noun = clause.object.noun if isinstance(clause.object, Thing) else ""
    name = next((name for kind, name in _BY_KIND.get(clause.verb, ()) if _is(kind, noun)), clause.verb)
    verb: dict[str, str] = _W["verbs"][name]
    return verb


def _is(kind: str, noun: str) -> bool:
    return noun in (kind, *KINDS[kind])


def _finite(clause: Clause) -> str:
    verb = _verb(clause)
    if clause.negated:
        return verb.get("negated", f"ไม่ ได้ {verb['verb']}")
    return verb["verb"]


def _objects(clause: Clause, asked: str) -> list[Word]:
    """Object and recipient in the order of the verb."""
    verb = _verb(clause)
    thing = plain(_what(clause)) if asked == "object" else _entity(clause, "object")
    someone = plain("ใคร") if asked == "recipient" else _entity(clause, "recipient")
    if "first" in verb:
        return [*someone, *plain(verb["first"]), *thing]
    return joined(thing, plain(verb.get("behind", "")), plain(verb.get("to", "")), someone)


def _location(clause: Clause, asked: str) -> list[Word]:
    if not clause.place:
        return []
    if asked == "place":
        return plain(_verb(clause).get("where", "ที่ไหน"))
    return [*plain(_verb(clause).get("at", "ที่")), *plain(_W["places"][clause.place], "place", "LOC")]


def _time(clause: Clause, asked: str) -> list[Word]:
    if clause.day:
        return plain("ใน วัน ไหน") if asked == "day" else [*plain("เมื่อ"), *plain(_W["days"][clause.day], "day")]
    if clause.year:
        return plain("ใน ปี ไหน") if asked == "year" else [*plain("ใน ปี"), apart(str(clause.year), "year")]
    return []


def _entity(clause: Clause, part: str) -> list[Word]:
    match getattr(clause, part):
        case Person(first, last):
            surname = [apart(_W["last_names"][last], part, "PER")] if last else []
            return [*plain(_W["first_names"][first], part, "PER"), *surname]
        case Organisation(stem, kind):
            if kind == "company":
                return [*plain("บริษัท"), *plain(_W["stems"][stem], part, "ORG")]
            return plain(f"{_W['organisations'][kind]} {_W['stems'][stem]}", part, "ORG")
        case Thing(noun, adjective):
            woman = clause.verb == "be_role" and isinstance(clause.subject, Person) and clause.subject.woman
            form = "washed" if clause.verb == "wash" else "form"
            return plain(_noun_phrase(noun, adjective, form, woman=woman), part)
    return []


def _noun_phrase(noun: str, adjective: str, form: str, *, woman: bool) -> str:
    entry = _entry(noun)
    name = str(entry["woman"]) if woman and isinstance(entry, dict) and "woman" in entry else _form(entry)
    if not adjective:
        return name
    counted = isinstance(_W["adjectives"][adjective], dict) and _W["adjectives"][adjective].get("counted")
    return f"{name} {entry['classifier'] if counted else ''} {_adjective(adjective, noun, form)}"


def _that_one(thing: Thing) -> list[Word]:
    entry = _entry(thing.noun)
    return [*plain(_form(entry), "subject"), *plain(f"{entry['classifier']} นั้น")]


def _predicate(clause: Clause, noun: str) -> str:
    """A quality as predicate: `เก่า`, `ไม่ เก่า`, `ไม่ใช่ สีแดง`."""
    entry = _W["adjectives"][clause.quality]
    if not clause.negated:
        return _adjective(clause.quality, noun, "predicate")
    if isinstance(entry, dict) and "negated" in entry:
        return str(entry["negated"])
    return f"ไม่ {_adjective(clause.quality, noun, 'predicate')}"


def _adjective(adjective: str, noun: str, form: str) -> str:
    entry = _W["adjectives"][adjective]
    if not isinstance(entry, dict):
        return str(entry)
    return str(entry["animal"] if "animal" in entry and _is("animal", noun) else entry.get(form, entry["form"]))


def _entry(noun: str) -> Any:
    return next(_W[table][noun] for table in ("things", "kinds", "roles") if noun in _W[table])


def _form(entry: Any) -> str:
    return str(entry["form"] if isinstance(entry, dict) else entry)


def _who(clause: Clause) -> str:
    return "องค์กร ไหน" if isinstance(clause.subject, Organisation) else "ใคร"


def _what(clause: Clause) -> str:
    return _verb(clause).get("what", "อะไร")
