"""Arabic: statements begin with the verb, those without a verb with the subject."""

from __future__ import annotations

from typing import Any, Final

from tools.mini.grammar._words import bound, joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import KINDS, Clause, Organisation, Person, Thing, Word

_W: Final = words("ar")
_NOMINAL: Final = ("be_adjective", "be_role")
_ARTICLE: Final = "ال"


def sentence(clause: Clause) -> list[Word]:
    """`لم تشتر آنا سميث سيارة قديمة في باريس يوم الاثنين.`"""
    if clause.verb in _NOMINAL:
        return [*_nominal(clause), bound(".")]
    feminine = _feminine(clause.subject)
    return [*plain(_finite(clause, feminine=feminine)), *_subject(clause), *_rest(clause, ""), bound(".")]


def question(clause: Clause, asked: str) -> list[Word]:
    """`أين اشترت آنا سميث سيارة قديمة يوم الاثنين؟`"""
    if clause.verb in _NOMINAL:
        return [*_who_is_it(clause), bound("؟")]
    if asked == "subject":
        who = "أي مؤسسة" if isinstance(clause.subject, Organisation) else "من"
        feminine = isinstance(clause.subject, Organisation)
        return joined(plain(f"{who} {_finite(clause, feminine=feminine)}"), _rest(clause, asked), [bound("؟")])
    verb = _finite(clause, feminine=_feminine(clause.subject))
    return joined(plain(f"{_asking(clause, asked)} {verb}"), _subject(clause), _rest(clause, asked), [bound("؟")])


def _nominal(clause: Clause) -> list[Word]:
    """`السيارة قديمة`, `ليس الغيتار قديما`, `نينا روسي مطربة`."""
    feminine = _feminine(clause.subject)
    no = ("ليست" if feminine else "ليس") if clause.negated else ""
    if isinstance(clause.subject, Thing) and clause.quality:
        noun = clause.subject.noun
        predicate = plain(_adjective(clause.quality, noun, feminine=feminine, accusative=clause.negated))
    else:
        predicate = plain(_trade(clause, accusative=clause.negated), "object")
    return [*plain(no), *_subject(clause), *predicate]


def _trade(clause: Clause, *, accusative: bool) -> str:
    """The trade that a person has, in the person's gender."""
    entry = _entry(_noun(clause.object))
    if _feminine(clause.subject):
        return _woman(entry)
    return _accusative(entry) if accusative else _form(entry)


def _who_is_it(clause: Clause) -> list[Word]:
    entry = _entry(_noun(clause.object))
    if not _feminine(clause.subject):
        return [*plain("من هو"), *plain(_definite(entry), "object")]
    given = entry.get("defined_woman") if isinstance(entry, dict) else None
    return [*plain("من هي"), *plain(given or _ARTICLE + _woman(entry), "object")]


def _finite(clause: Clause, *, feminine: bool) -> str:
    """The verb with its negation, as it agrees with a subject after it."""
    verb: dict[str, str] = _W["verbs"][clause.verb]
    if "present" in verb:
        return ("لا " if clause.negated else "") + _prefixed(verb["present"], feminine=feminine)
    if clause.negated:
        return f"لم {_prefixed(verb['jussive'], feminine=feminine)}"
    return verb.get("feminine", verb["past"] + "ت") if feminine else verb["past"]


def _prefixed(form: str, *, feminine: bool) -> str:
    return "ت" + form[1:] if feminine else form


def _feminine(entity: Thing | Person | Organisation | None) -> bool:
    match entity:
        case Person():
            return entity.woman
        case Organisation(_, kind):
            return kind in ("company", "university")
        case Thing(noun):
            entry = _entry(noun)
            return bool(entry.get("f")) if isinstance(entry, dict) else str(entry).endswith("ة")
    return False


def _subject(clause: Clause) -> list[Word]:
    return _entity(clause.subject, "subject")


def _rest(clause: Clause, asked: str) -> list[Word]:
    """The words after the subject, without the part that is asked for."""
    verb = _W["verbs"][clause.verb]
    return joined(
        plain(verb.get("extra", "")),
        _with(verb.get("object", ""), _entity(clause.object, "object")) if asked != "object" else [],
        _with(verb.get("recipient", ""), _entity(clause.recipient, "recipient")) if asked != "recipient" else [],
        _with(verb.get("place", "في"), _location(clause)) if asked != "place" else [],
        _with("يوم", plain(_W["days"][clause.day], "day")) if clause.day and asked != "day" else [],
        _with("عام", plain(str(clause.year), "year")) if clause.year and asked != "year" else [],
    )


def _with(preposition: str, noun: list[Word]) -> list[Word]:
    """A preposition before a noun; one of a single letter is written together with it, and ل takes in the article."""
    if len(preposition) != 1 or not noun:
        return [*plain(preposition), *noun] if noun else []
    first = noun[0]
    taken = preposition == "ل" and first.text.startswith(_ARTICLE) and not first.name
    text = first.text.removeprefix(_ARTICLE) if taken else first.text
    return [*plain("لل" if taken else preposition), bound(text, first.part, first.name), *noun[1:]]


def _location(clause: Clause) -> list[Word]:
    return plain(_W["places"][clause.place], "place", "LOC") if clause.place else []


def _entity(entity: Thing | Person | Organisation | None, part: str) -> list[Word]:
    match entity:
        case Person(first, last):
            names = [_W["first_names"][first], *([_W["last_names"][last]] if last else [])]
            return plain(" ".join(names), part, "PER")
        case Organisation(stem, kind):
            if kind == "company":
                return [*plain("شركة"), *plain(_W["stems"][stem], part, "ORG")]
            return plain(f"{_W['organisations'][kind]} {_W['stems'][stem]}", part, "ORG")
        case Thing():
            return plain(_definite(_entry(entity.noun)) if entity.definite else _object(entity), part)
    return []


def _object(thing: Thing) -> str:
    """An indefinite thing as an object, its adjective after it: `كتابا قديما`, `سيارة حمراء`."""
    noun = _accusative(_entry(thing.noun))
    if not thing.adjective:
        return noun
    return f"{noun} {_adjective(thing.adjective, thing.noun, feminine=_feminine(thing), accusative=True)}"


def _adjective(adjective: str, noun: str, *, feminine: bool, accusative: bool) -> str:
    entry = _W["adjectives"][adjective]
    form = _form(entry)
    if isinstance(entry, dict) and "f" in entry:
        return str(entry["f"]) if feminine else form
    if isinstance(entry, dict) and noun in ("animal", *KINDS["animal"]):
        form = str(entry["animal"])
    return form + ("ة" if feminine else "ا" if accusative else "")


def _noun(entity: Thing | Person | Organisation | None) -> str:
    return entity.noun if isinstance(entity, Thing) else ""


def _entry(noun: str) -> Any:
    return next(_W[table][noun] for table in ("things", "kinds", "roles") if noun in _W[table])


def _form(entry: Any) -> str:
    return str(entry["form"] if isinstance(entry, dict) else entry)


def _accusative(entry: Any) -> str:
    if isinstance(entry, dict):
        return str(entry["accusative"])
    return str(entry) if str(entry).endswith("ة") else f"{entry}ا"


def _definite(entry: Any) -> str:
    return str(entry["definite"]) if isinstance(entry, dict) and "definite" in entry else _ARTICLE + _form(entry)


def _woman(entry: Any) -> str:
    return str(entry["woman"]) if isinstance(entry, dict) else f"{entry}ة"


def _asking(clause: Clause, asked: str) -> str:
    verb = _W["verbs"][clause.verb]
    match asked:
        case "object":
            return str(verb.get("what", "ماذا"))
        case "recipient":
            preposition = verb["recipient"]
            return f"{preposition}من" if len(preposition) == 1 else f"{preposition} من"
        case "place":
            return str(verb.get("where", "أين"))
        case "day":
            return "في أي يوم"
        case _:
            return "في أي عام"
