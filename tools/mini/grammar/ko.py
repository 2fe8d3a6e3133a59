"""Korean: who, when, where, to whom, what, and the verb in the polite formal style.

What is asked for stays in its place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tools.mini.grammar._special import special
from tools.mini.grammar._words import bound, joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import ENCOUNTERS, Clause, Organisation, Person, Thing, Word

_W: Final = words("ko")
_BEHIND_VOWELS: Final = {"은": "는", "이": "가", "을": "를", "으로": "로"}
"""Particles as written after a consonant, and after a vowel."""
_L: Final = 8
"""The final consonant ㄹ, which 으로 treats as a vowel."""


def sentence(clause: Clause) -> list[Word]:
    """`안나 스미스는 월요일에 파리에서 오래된 자동차를 사지 않았습니다.`"""
    return [*_clause_words(clause, ""), bound(".")]


def question(clause: Clause, asked: str) -> list[Word]:
    """`안나 스미스는 월요일에 어디에서 오래된 자동차를 샀습니까?`"""
    *before, last = _clause_words(replace(clause, negated=False), asked)
    asking = Word(last.text.removesuffix("다") + "까", last.part, last.name, last.bound)
    return [*before, asking, bound("?")]


def _clause_words(clause: Clause, asked: str) -> list[Word]:
    if clause.quality:
        return joined(
            _slots(clause, asked, "{subject}은"), plain(_adjective(clause)["no" if clause.negated else "yes"])
        )
    topic = "{subject}이" if asked == "subject" else "{subject}은"
    if clause.verb == "be_role":
        return joined(_slots(clause, asked, topic), _copula(clause))
    verb = _verb(clause)
    at = "" if "{place}" in verb["with"] else "{place}에서"
    return joined(_slots(clause, asked, f"{topic} {{day}}에 {{year}}에 {at} {verb['with']}"), _finite(clause, verb))


def _adjective(clause: Clause) -> Any:
    noun = clause.subject.noun if isinstance(clause.subject, Thing) else ""
    return special(_W, clause.quality, noun) or _W["adjectives"][clause.quality]


def _copula(clause: Clause) -> list[Word]:
    role = _entity(clause.object, "object")
    return joined(_with(role, "이"), plain("아닙니다")) if clause.negated else [*role, bound("입니다")]


def _verb(clause: Clause) -> Any:
    noun = clause.object.noun if isinstance(clause.object, Thing) else ""
    return special(_W, clause.verb, noun) or _W["verbs"][clause.verb]


def _finite(clause: Clause, verb: Any) -> list[Word]:
    """The verb with its tense and negation."""
    if clause.negated and "no" in verb:
        return plain(verb["no"])
    if clause.negated:
        return plain(verb["stem"] + ("지 않습니다" if "present" in verb else "지 않았습니다"))
    return plain(verb["present"] if "present" in verb else verb["past"] + "습니다")


def _slots(clause: Clause, asked: str, frame: str) -> list[Word]:
    """The parts that a frame names, each with its particle; those that the clause does not have are left out."""
    words: list[Word] = []
    for slot in frame.split():
        name, particle = slot.removeprefix("{").split("}")
        if getattr(clause, name):
            words += _with(plain(_asking(clause, name)) if name == asked else _part(clause, name), particle)
    return words


def _with(words: list[Word], particle: str) -> list[Word]:
    """Words with the particle that fits their last sound."""
    final = (ord(words[-1].text[-1]) - ord("가")) % 28
    vowel = final == 0 or (final == _L and particle == "으로")
    return [*words, bound(_BEHIND_VOWELS.get(particle, particle) if vowel else particle)]


def _part(clause: Clause, name: str) -> list[Word]:
    match name:
        case "place":
            return plain(_W["places"][clause.place], "place", "LOC")
        case "day":
            return plain(_W["days"][clause.day], "day")
        case "year":
            return [*plain(str(clause.year), "year"), bound("년")]
        case _:
            return _entity(getattr(clause, name), name)


def _entity(entity: Thing | Person | Organisation | None, part: str) -> list[Word]:
    match entity:
        case Person(first, last):
            surname = f" {_W['last_names'][last]}" if last else ""
            return plain(_W["first_names"][first] + surname, part, "PER")
        case Organisation(stem, "company"):
            return [*plain(_W["stems"][stem], part, "ORG"), bound(_W["company"]["suffix"], part, "ORG")]
        case Organisation(stem, kind):
            return plain(f"{_W['stems'][stem]} {_W['organisations'][kind]}", part, "ORG")
        case Thing():
            return _noun_phrase(entity, part)
    return []


def _noun_phrase(thing: Thing, part: str) -> list[Word]:
    name = next(_W[table][thing.noun] for table in ("things", "kinds", "roles") if thing.noun in _W[table])
    before = special(_W, thing.adjective, thing.noun) or _W["adjectives"].get(thing.adjective, {"before": ""})
    that = plain("그") if thing.definite and thing.noun not in _W["roles"] else []
    return joined(that, plain(f"{before['before']} {name}", part))


def _asking(clause: Clause, asked: str) -> str:
    """The question word of a part, without its particle; before 이 it is 누."""
    match asked:
        case "place":
            return "어디"
        case "day":
            return "무슨 요일"
        case "year":
            return "몇 년"
        case "subject":
            return _which(clause.subject) if isinstance(clause.subject, Organisation) else "누"
        case "object" if isinstance(clause.object, Organisation):
            return "어느 대학교" if clause.verb == "study" else _which(clause.object)
        case "object" if clause.verb not in ENCOUNTERS:
            return "무엇"
        case _:
            return "누구"


def _which(organisation: Organisation) -> str:
    return "어느 회사" if organisation.kind == "company" else "어느 기관"
