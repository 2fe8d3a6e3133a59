"""Chinese: who, when, (not), where, and the verb's frame. What is asked for stays in its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from tools.mini.grammar._special import special
from tools.mini.grammar._words import joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import ENCOUNTERS, Clause, Organisation, Person, Thing, Word

_W: Final = words("zh")


def sentence(clause: Clause) -> list[Word]:
    """`安娜·史密斯星期一没有在巴黎买旧汽车。`"""
    return [*_clause_words(clause, ""), Word("。")]


def question(clause: Clause, asked: str) -> list[Word]:
    """`安娜·史密斯星期一在哪里买了一辆旧汽车？`"""
    return [*_clause_words(replace(clause, negated=False), asked), Word("？")]


def _clause_words(clause: Clause, asked: str) -> list[Word]:
    return joined(_filled("{subject}", clause, asked), _filled(_predicate(clause), clause, asked))


def _predicate(clause: Clause) -> str:
    """Everything after the subject, with the positions of the parts."""
    if clause.quality:
        return _quality(clause)
    noun = clause.object.noun if isinstance(clause.object, Thing) else ""
    frame = str(special(_W, clause.verb, noun) or _W["verbs"][clause.verb])
    at = "" if "{place}" in frame else "{at}"
    if not clause.negated:
        return f"{{time}} {at} {frame}"
    negated = " ".join(word for word in frame.split() if word != "了")
    return str(_W["negated"].get(clause.verb, f"{{time}} 没有 {at} {negated}"))


def _quality(clause: Clause) -> str:
    noun = clause.subject.noun if isinstance(clause.subject, Thing) else ""
    quality = str(_adjective(clause.quality, noun)["quality"])
    return f"不 {quality.removeprefix('很 ')}" if clause.negated else quality


def _adjective(concept: str, noun: str) -> Any:
    return special(_W, concept, noun) or _W["adjectives"][concept]


def _filled(frame: str, clause: Clause, asked: str) -> list[Word]:
    """The words of a frame, with the parts of the clause in their places; a word before a part falls away with it."""
    words: list[Word] = []
    for word in frame.split():
        before, brace, name = word.partition("{")
        part = _slot(name[:-1], clause, asked) if brace else []
        words += joined(plain(before), part) if part or not brace else []
    return words


def _slot(name: str, clause: Clause, asked: str) -> list[Word]:
    if name == "time":
        return joined(_slot("day", clause, asked), _slot("year", clause, asked))
    if name == "at":
        return joined(plain("在"), _slot("place", clause, asked)) if clause.place else []
    if not getattr(clause, name):
        return []
    return plain(_asking(clause, name)) if name == asked else _part(name, clause, asked)


def _part(name: str, clause: Clause, asked: str) -> list[Word]:
    match name:
        case "place":
            return plain(_W["places"][clause.place], "place", "LOC")
        case "day":
            return plain(_W["days"][clause.day], "day")
        case "year":
            return joined(plain(str(clause.year), "year"), plain("年"))
        case _:
            return _entity(getattr(clause, name), name, clause.negated or bool(asked and clause.verb == "be_role"))


def _entity(entity: Thing | Person | Organisation, part: str, bare: bool) -> list[Word]:
    """A person, thing or organisation; `bare` are indefinite things without number."""
    match entity:
        case Person(first, last):
            surname = f" · {_W['last_names'][last]}" if last else ""
            return plain(_W["first_names"][first] + surname, part, "PER")
        case Organisation(stem, kind):
            return plain(f"{_W['stems'][stem]} {_W['organisations'].get(kind, _W['company']['name'])}", part, "ORG")
        case Thing():
            return _noun_phrase(entity, part, bare)


def _noun_phrase(thing: Thing, part: str, bare: bool) -> list[Word]:
    role = thing.noun in _W["roles"]
    entry = _W["things"].get(thing.noun) or _W["kinds"].get(thing.noun) or {"measure": "名"}
    name = _W["roles"][thing.noun] if role else entry["noun"]
    before = _attribute(thing, len(name), bare and not thing.definite)
    if role if thing.definite else bare:
        return plain(f"{before} {name}", part)
    return joined(plain("那" if thing.definite else "一"), plain(entry["measure"]), plain(f"{before} {name}", part))


def _attribute(thing: Thing, length: int, bare: bool) -> str:
    """The adjective; 的 links one of a syllable to a long noun, 很 marks no degree and falls away in bare phrases."""
    if not thing.adjective:
        return ""
    form = str(_adjective(thing.adjective, thing.noun)["before"])
    form = f"{form} 的" if len(form) == 1 and length > 3 else form
    return form.removeprefix("很 ") if bare else form


def _asking(clause: Clause, asked: str) -> str:
    match asked:
        case "place":
            return "哪里"
        case "day":
            return "星期 几"
        case "year":
            return "哪 一 年"
        case "object":
            return _asking_object(clause)
        case _:
            return _which(clause.subject) if isinstance(clause.subject, Organisation) else "谁"


def _asking_object(clause: Clause) -> str:
    if clause.verb in ENCOUNTERS:
        return "谁"
    if isinstance(clause.object, Organisation):
        return "哪 所 大学" if clause.verb == "study" else _which(clause.object)
    return "什么"


def _which(organisation: Organisation) -> str:
    return "哪 家 公司" if organisation.kind == "company" else "哪 个 机构"
