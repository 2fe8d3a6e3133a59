"""German: the perfect for what is past, `kein` before what is indefinite, and the known before the new."""

from __future__ import annotations

from typing import Any, Final

from tools.mini.grammar._words import bound, capitalised, joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import ENCOUNTERS, SEATS, Clause, Organisation, Person, Thing, Word

_W: Final = words("de")
_SIMPLE: Final = {
    "live": "wohnt",
    "work": "arbeitet",
    "be_born": "wurde",
    "be_in": "befindet sich",
    "be_adjective": "ist",
    "be_role": "ist",
}
"""Verbs that are used in one tense of their own; all others in the perfect."""
_DIRECTED: Final = ("travel", "bring")
"""Verbs whose place is where they lead to."""
_PREPOSITIONS: Final = {"work": "für", "study": "an"}

_THE: Final = {
    "nom": {"m": "der", "f": "die", "n": "das"},
    "acc": {"m": "den", "f": "die", "n": "das"},
    "dat": {"m": "dem", "f": "der", "n": "dem"},
}
_A: Final = {
    "nom": {"m": "ein", "f": "eine", "n": "ein"},
    "acc": {"m": "einen", "f": "eine", "n": "ein"},
    "dat": {"m": "einem", "f": "einer", "n": "einem"},
}
_WEAK: Final = {
    "nom": {"m": "e", "f": "e", "n": "e"},
    "acc": {"m": "en", "f": "e", "n": "e"},
    "dat": {"m": "en", "f": "en", "n": "en"},
}
"""Endings of an adjective after `der`."""
_MIXED: Final = {
    "nom": {"m": "er", "f": "e", "n": "es"},
    "acc": {"m": "en", "f": "e", "n": "es"},
    "dat": {"m": "en", "f": "en", "n": "en"},
}
"""Endings of an adjective after `ein` and `kein`."""


def sentence(clause: Clause) -> list[Word]:
    """`Anna Smith hat am Montag in Paris kein altes Auto gekauft.`"""
    body = joined(_entity(clause.subject, "subject", "nom"), _finite(clause), _field(clause, ""), _closing(clause))
    return capitalised([*body, bound(".")])


def question(clause: Clause, asked: str) -> list[Word]:
    """`Wo hat Anna Smith am Montag ein altes Auto gekauft?`"""
    if _side_by_side(clause, asked):
        return _apart(clause, asked)
    subject = [] if asked == "subject" else _entity(clause.subject, "subject", "nom")
    body = joined(plain(_asking(clause, asked)), _finite(clause), subject, _field(clause, asked), _closing(clause))
    return capitalised([*body, bound("?")])


def _side_by_side(clause: Clause, asked: str) -> bool:
    """Whether a name would directly follow the subject, as if it belonged to it: `hat Elena Martin angerufen`."""
    other = "recipient" if clause.recipient else "object"
    between = [part for part in ("place", "day") if part != asked and getattr(clause, part)]
    return asked not in ("subject", other) and isinstance(getattr(clause, other), Person) and not between


def _apart(clause: Clause, asked: str) -> list[Word]:
    """`Wo wurde Martin von Elena ein altes Auto gezeigt?`, but `Wo hat sich Elena mit Martin getroffen?`"""
    other = _entity(clause.recipient, "recipient", "dat") or _entity(clause.object, "object", "dat")
    thing = _entity(clause.object, "object", "nom") if clause.recipient and asked != "object" else []
    if clause.verb == "meet":
        people = joined(plain("hat sich"), _entity(clause.subject, "subject", "nom"), plain("mit"), other)
    else:
        people = joined(plain("wurde"), other, _by(clause))
    body = joined(plain(_asking(clause, asked)), people, thing, _closing(clause))
    return capitalised([*body, bound("?")])


def _by(clause: Clause) -> list[Word]:
    """Who does it, in the passive; `von dem` is `vom`."""
    subject = _entity(clause.subject, "subject", "dat")
    return [*plain("von"), *subject] if isinstance(clause.subject, Person) else [*plain("vom"), *subject[1:]]


def _finite(clause: Clause) -> list[Word]:
    """The finite verb, with `sich` where the verb has it."""
    if clause.verb in _SIMPLE:
        return plain(_SIMPLE[clause.verb])
    verb = _W["verbs"][clause.verb]
    return plain(f"{'ist' if verb.get('is') else 'hat'}{' sich' if verb.get('self') else ''}")


def _closing(clause: Clause) -> list[Word]:
    """What ends the clause: the participle."""
    if clause.verb in _SIMPLE:
        return plain("geboren" if clause.verb == "be_born" else "")
    return plain(_W["verbs"][clause.verb]["participle"])


def _field(clause: Clause, asked: str) -> list[Word]:
    """The words between the finite verb and the end of the clause, without the part that is asked for."""
    thing = _object(clause) if asked != "object" else []
    when, where = _when(clause, asked), _where(clause) if asked != "place" else []
    negation = plain("nicht" if clause.negated else "")
    match clause.verb:
        case "found" | "be_born":
            return joined(thing, negation, when, where)
        case "work" | "study":
            return joined(where, negation, thing)
        case "live" | "travel" | "be_in":
            return joined(when, negation, where)
        case "be_adjective":
            return joined(negation, plain(_bare(clause.quality)))
        case "be_role":
            return thing
        case _:
            return _event(clause, asked, thing, when, where)


def _event(clause: Clause, asked: str, thing: list[Word], when: list[Word], where: list[Word]) -> list[Word]:
    """Known parts come before time and place, new parts after them, a goal last.

    In a question, time and place come between the subject and a name, so that they stay apart.
    """
    around, goal = (when, where) if clause.verb in _DIRECTED else ([*when, *where], [])
    recipient = _entity(clause.recipient, "recipient", "dat") if asked != "recipient" else []
    indefinite = _indefinite(clause.object)
    known, new = (recipient, thing) if indefinite else ([*recipient, *thing], [])
    negation = plain("nicht" if clause.negated and not indefinite else "")
    apart = asked not in ("", "subject") and isinstance(clause.recipient or clause.object, Person)
    return joined(*((around, known) if apart else (known, around)), new, negation, goal)


def _indefinite(entity: Thing | Person | Organisation | None) -> bool:
    return isinstance(entity, Thing) and not entity.definite


def _object(clause: Clause) -> list[Word]:
    """The object in its case; what is indefinite carries the negation."""
    if clause.verb == "be_role":
        return _profession(clause)
    dative = clause.verb == "study" or _W["verbs"].get(clause.verb, {}).get("dative")
    case = "dat" if dative else "acc"
    preposition = plain(_PREPOSITIONS.get(clause.verb, ""))
    return joined(preposition, _entity(clause.object, "object", case, no=clause.negated))


def _profession(clause: Clause) -> list[Word]:
    """A profession has no article, and is feminine when a woman has it."""
    assert isinstance(clause.object, Thing)
    assert isinstance(clause.subject, Person)
    role = _W["roles"][clause.object.noun]
    gender = "f" if clause.subject.woman else "m"
    article = f"k{_A['nom'][gender]}" if clause.negated else ""
    return [*plain(article), *plain(role["f"] if gender == "f" else role["text"], "object")]


def _entity(entity: Thing | Person | Organisation | None, part: str, case: str, *, no: bool = False) -> list[Word]:
    match entity:
        case Person(first, last):
            names = [_W["first_names"][first], *([_W["last_names"][last]] if last else [])]
            return plain(" ".join(names), part, "PER")
        case Organisation(stem, kind):
            return _organisation(stem, kind, part, case)
        case Thing():
            return _noun_phrase(entity, part, case, no=no)
    return []


def _organisation(stem: str, kind: str, part: str, case: str) -> list[Word]:
    """`die Firma Nova`, `die Delta-Universität`, `die Universität Berlin`."""
    name = _W["stems"][stem]
    if kind == "company":
        return [*plain(f"{_THE[case]['f']} Firma"), *plain(name, part, "ORG")]
    noun = _W["organisations"][kind]
    full = f"{noun['text']} {name}" if stem in SEATS else f"{name}-{noun['text']}"
    return [*plain(_THE[case][noun["gender"]]), *plain(full, part, "ORG")]


def _noun_phrase(thing: Thing, part: str, case: str, *, no: bool) -> list[Word]:
    noun = _noun(thing.noun)
    gender = noun["gender"]
    article = _THE[case][gender] if thing.definite else ("k" if no else "") + _A[case][gender]
    text = noun["text"] if case == "nom" else noun.get("oblique", noun["text"])
    if thing.adjective:
        ending = (_WEAK if thing.definite else _MIXED)[case][gender]
        text = f"{_stem(thing.adjective)}{ending} {text}"
    return [*plain(article), *plain(text, part)]


def _noun(noun: str) -> dict[str, Any]:
    return next(_W[table][noun] for table in ("things", "kinds", "roles") if noun in _W[table])


def _bare(adjective: str) -> str:
    entry = _W["adjectives"][adjective]
    return entry if isinstance(entry, str) else str(entry["text"])


def _stem(adjective: str) -> str:
    entry = _W["adjectives"][adjective]
    return entry if isinstance(entry, str) else str(entry["stem"])


def _when(clause: Clause, asked: str) -> list[Word]:
    day = [*plain("am"), *plain(_W["days"][clause.day], "day")] if clause.day and asked != "day" else []
    return [*day, *(plain(str(clause.year), "year") if clause.year and asked != "year" else [])]


def _where(clause: Clause) -> list[Word]:
    if not clause.place:
        return []
    return [*plain("nach" if clause.verb in _DIRECTED else "in"), *plain(_W["places"][clause.place], "place", "LOC")]


def _asking(clause: Clause, asked: str) -> str:
    match asked:
        case "subject":
            return "welche Organisation" if isinstance(clause.subject, Organisation) else "wer"
        case "object":
            return _asking_object(clause)
        case "recipient":
            return "wem"
        case "place":
            return "wohin" if clause.verb in _DIRECTED else "wo"
        case "day":
            return "an welchem Tag"
        case _:
            return "in welchem Jahr"


def _asking_object(clause: Clause) -> str:
    if isinstance(clause.object, Person) or clause.verb in ENCOUNTERS:
        return "wem" if _W["verbs"][clause.verb].get("dative") else "wen"
    if isinstance(clause.object, Organisation):
        asking = {"work": "für welche Organisation", "study": "an welcher Universität"}
        return asking.get(clause.verb, "welche Organisation")
    return "was"
