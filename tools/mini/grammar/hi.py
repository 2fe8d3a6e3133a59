"""Hindi."""

from __future__ import annotations

from typing import Any, Final

from tools.mini.grammar._words import bound, joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import KINDS, Clause, Organisation, Person, Thing, Word

_W: Final = words("hi")
_WHO: Final = {"ने": "किसने", "को": "किसे", "का जन्म": "किसका जन्म", "": "कौन"}
_NO: Final = "नहीं"


def sentence(clause: Clause) -> list[Word]:
    """`अन्ना स्मिथ ने सोमवार को पेरिस में कोई पुरानी कार नहीं खरीदी।`"""
    no = plain(_NO) if clause.negated else []
    return [*joined(*_parts(clause).values()), *_host(clause), *no, *_finite(clause), bound("।")]


def question(clause: Clause, asked: str) -> list[Word]:
    """`अन्ना स्मिथ ने सोमवार को एक पुरानी कार कहाँ खरीदी?`

    The question word is before the verb, or between the two words of a verb.
    """
    parts = _parts(clause)
    parts.pop("time" if asked in ("day", "year") else asked)
    wh, host = plain(_asking(clause, asked)), _host(clause)
    late = _verb(clause).get("late") and asked != "object" and not (asked == "place" and clause.verb == "travel")
    before = [*host, *wh] if late else [*wh, *host]
    return [*joined(*parts.values(), before), *_finite(clause, asked), bound("?")]


def _verb(clause: Clause) -> dict[str, Any]:
    bathed = clause.verb == "wash" and isinstance(clause.object, Thing) and _is_animal(clause.object.noun)
    verb: dict[str, Any] = _W["verbs"]["bathe" if bathed else clause.verb]
    return verb


def _is_animal(noun: str) -> bool:
    return noun in ("animal", *KINDS["animal"])


def _parts(clause: Clause) -> dict[str, list[Word]]:
    """The parts before the verb, in order, with postpositions."""
    verb = _verb(clause)
    parts = {
        "subject": _with(_entity(clause, "subject", verb.get("subject", "ने")), verb.get("subject", "ने")),
        "time": _time(clause),
        "place": _location(clause),
        "recipient": _with(_entity(clause, "recipient", "को"), "को"),
        "object": _with(_entity(clause, "object", verb.get("object", "")), verb.get("object", "")),
        "quality": _quality(clause),
    }
    if verb.get("towards"):
        parts["place"] = parts.pop("place")
    return {key: words for key, words in parts.items() if words}


def _with(noun: list[Word], postposition: str) -> list[Word]:
    return [*noun, *plain(postposition)] if noun else []


def _time(clause: Clause) -> list[Word]:
    if clause.day:
        return [*plain(_W["days"][clause.day], "day"), *plain("को")]
    return [*plain(str(clause.year), "year"), *plain("में")] if clause.year else []


def _location(clause: Clause) -> list[Word]:
    name = plain(_W["places"][clause.place], "place", "LOC") if clause.place else []
    verb = _verb(clause)
    return name if verb.get("towards") else _with(name, verb.get("place", "में"))


def _entity(clause: Clause, part: str, postposition: str) -> list[Word]:
    match getattr(clause, part):
        case Person(first, last):
            names = [_W["first_names"][first], *([_W["last_names"][last]] if last else [])]
            return plain(" ".join(names), part, "PER")
        case Organisation(stem, kind):
            if kind == "company":
                return [*plain(_W["stems"][stem], part, "ORG"), *plain("कंपनी")]
            return plain(f"{_W['stems'][stem]} {_W['organisations'][kind]}", part, "ORG")
        case Thing() as thing:
            if clause.verb == "be_role" and isinstance(clause.subject, Person) and clause.subject.woman:
                return plain(_of_a_woman(thing.noun), part)
            article = plain(_article(clause, thing, postposition))
            return [*article, *_noun_phrase(thing, part, oblique=bool(postposition))]
    return []


def _of_a_woman(role: str) -> str:
    entry = _W["roles"][role]
    return str(entry["woman"] if isinstance(entry, dict) else entry)


def _article(clause: Clause, thing: Thing, postposition: str) -> str:
    """`एक`, and `कोई` (`किसी` before a postposition) of a thing where the verb is denied."""
    if thing.definite or clause.verb == "be_role":
        return ""
    if clause.negated:
        return "किसी" if postposition else "कोई"
    entry = _entry(thing.noun)
    return "" if isinstance(entry, dict) and entry.get("mass") else "एक"


def _noun_phrase(thing: Thing, part: str, *, oblique: bool) -> list[Word]:
    entry = _entry(thing.noun)
    adjective = plain(_adjective(thing.adjective, thing.noun, oblique=oblique), part)
    noun = _form(entry) if not oblique or _feminine(thing.noun) else _in_e(_form(entry))
    return [*adjective, *plain(noun, part)]


def _quality(clause: Clause) -> list[Word]:
    if not clause.quality or not isinstance(clause.subject, Thing):
        return []
    return plain(_adjective(clause.quality, clause.subject.noun, oblique=False))


def _adjective(adjective: str, noun: str, *, oblique: bool) -> str:
    """The adjective as it agrees with a noun; those that do not end in -ा keep one form."""
    if not adjective:
        return ""
    entry = _W["adjectives"][adjective]
    form = str(entry["animal"]) if isinstance(entry, dict) and _is_animal(noun) else _form(entry)
    if _feminine(noun):
        return _in_i(form)
    return _in_e(form) if oblique else form


def _entry(noun: str) -> Any:
    return next(_W[table][noun] for table in ("things", "kinds", "roles") if noun in _W[table])


def _form(entry: Any) -> str:
    return str(entry["form"] if isinstance(entry, dict) else entry)


def _feminine(noun: str) -> bool:
    entry = _entry(noun)
    return isinstance(entry, dict) and bool(entry.get("f"))


def _in_i(form: str) -> str:
    """The feminine of an adjective or a verb in -ा: `नीली`, `नई`, `दी`."""
    for masculine, feminine in (("िया", "ी"), ("या", "ई"), ("ा", "ी")):
        if form.endswith(masculine):
            return form.removesuffix(masculine) + feminine
    return form


def _in_e(form: str) -> str:
    """The oblique of a masculine in -ा: `नीले`, `नए`, `कुत्ते`."""
    if form.endswith("या"):
        return form.removesuffix("या") + "ए"
    return form.removesuffix("ा") + "े" if form.endswith("ा") else form


def _host(clause: Clause) -> list[Word]:
    return plain(_verb(clause).get("host", ""))


def _finite(clause: Clause, asked: str = "") -> list[Word]:
    verb = _verb(clause)
    form = verb.get("no", verb["verb"]) if clause.negated else verb["verb"]
    agreed = _in_i(form) if _agrees_in_feminine(clause, asked) else form
    return plain(agreed + (" है" if verb.get("present") and not clause.negated else ""))


def _agrees_in_feminine(clause: Clause, asked: str) -> bool:
    """The verb agrees with a subject without postposition, else with an object without one, else with nothing."""
    verb = _verb(clause)
    if not verb.get("subject", "ने"):
        return asked != "subject" and isinstance(clause.subject, Person) and clause.subject.woman
    agreeing = asked != "object" and not verb.get("object") and isinstance(clause.object, Thing)
    return agreeing and isinstance(clause.object, Thing) and _feminine(clause.object.noun)


def _asking(clause: Clause, asked: str) -> str:
    match asked:
        case "subject":
            who = _WHO[_verb(clause).get("subject", "ने")]
            return "कौन सा संगठन" if isinstance(clause.subject, Organisation) else who
        case "object":
            return str(_verb(clause).get("what", "क्या"))
        case "recipient":
            return "किसे"
        case "place":
            return "कहाँ की" if clause.verb == "travel" else "कहाँ"
        case "day":
            return "किस दिन"
        case _:
            return "किस साल"
