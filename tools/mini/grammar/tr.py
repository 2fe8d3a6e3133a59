"""Turkish."""

from __future__ import annotations

from typing import Any, Final

from tools.mini.grammar._words import bound, joined, plain
from tools.mini.lexicon import words
from tools.mini.meaning import KINDS, Clause, Organisation, Person, Thing, Word

_W: Final = words("tr")
_FRONT: Final = "eiöü"
_ROUND: Final = "oöuü"
_VOWELS: Final = "aeıioöuü"
_VOICELESS: Final = "fstkçşhp"
_DIRECTED: Final = ("travel", "bring")
"""Verbs whose place is where they lead to."""
_THING: Final = {"": "ne", "genitive": "neyin"}


def sentence(clause: Clause) -> list[Word]:
    """`Anna Smith pazartesi günü Paris'te eski bir araba satın almadı.`"""
    parts = _parts(clause)
    return _capitalised([*_line(clause, parts), *plain(_verb(clause)["no" if clause.negated else "yes"]), bound(".")])


def question(clause: Clause, asked: str) -> list[Word]:
    """`Anna Smith pazartesi günü nerede eski bir araba satın aldı?`

    What is asked for is before the verb, or before the object that cannot leave the verb.
    """
    parts = _parts(clause)
    parts.pop("time" if asked in ("day", "year") else asked)
    last = parts.pop("object") if "object" in parts and _stays(clause, asked) else []
    body = joined(_line(clause, parts), plain(_asking(clause, asked)), last, plain(_verb(clause)["yes"]))
    return _capitalised([*body, bound("?")])


def _verb(clause: Clause) -> dict[str, str]:
    verb: dict[str, str] = _W["verbs"][clause.verb]
    return verb


def _parts(clause: Clause) -> dict[str, list[Word]]:
    """The parts before the verb, in order."""
    parts = {
        "subject": _entity(clause.subject, "subject", ""),
        "time": _time(clause),
        "place": _location(clause) if clause.place else [],
        "recipient": _entity(clause.recipient, "recipient", "dative"),
        "object": [*_object(clause), *plain(_verb(clause).get("with", ""))],
        "quality": _quality(clause),
    }
    return {key: words for key, words in parts.items() if words}


def _object(clause: Clause) -> list[Word]:
    """The object; a thing by its bare noun (`araba satın almadı`), or none of them (`hiçbir`), where that is denied."""
    words, target = _entity(clause.object, "object", _case(clause)), clause.object
    if not clause.negated or _definite(target) or words[0].text != "bir":
        return words
    return [*plain("hiçbir" if _case(clause) else ""), *words[1:]]


def _case(clause: Clause) -> str:
    return _verb(clause).get("case", "")


def _stays(clause: Clause, asked: str) -> bool:
    """Whether the object keeps its place before the verb: things, professions, and the university in a city."""
    return not _definite(clause.object) or (clause.verb == "study" and asked == "place")


def _definite(entity: Thing | Person | Organisation | None) -> bool:
    return not isinstance(entity, Thing) or entity.definite


def _line(clause: Clause, parts: dict[str, list[Word]]) -> list[Word]:
    """The parts in a row, with a comma after a subject that could be read together with the next part."""
    subject, rest = parts.get("subject", []), [key for key in parts if key != "subject"]
    comma = [bound(",")] if subject and rest and _runs_on(clause, subject, rest[0], parts) else []
    return [*subject, *comma, *joined(*(parts[key] for key in rest))]


def _runs_on(clause: Clause, subject: list[Word], key: str, parts: dict[str, list[Word]]) -> bool:
    someone = key == "recipient" or (key == "object" and _definite(clause.object))
    return someone or bool(subject[-1].name and parts[key][0].name)


def _time(clause: Clause) -> list[Word]:
    if clause.day:
        return [*plain(_W["days"][clause.day], "day"), *plain("günü")]
    return [*plain(str(clause.year), "year"), *plain("yılında")] if clause.year else []


def _location(clause: Clause) -> list[Word]:
    case = "dative" if clause.verb in _DIRECTED else "locative"
    return _name([_W["places"][clause.place]], "place", "LOC", case)


def _entity(entity: Thing | Person | Organisation | None, part: str, case: str) -> list[Word]:
    match entity:
        case Person(first, last):
            names = [_W["first_names"][first], *([_W["last_names"][last]] if last else [])]
            return _name(names, part, "PER", case)
        case Organisation(stem, kind):
            if kind == "company":
                ending = _ending("şirketi", case, possessed=True)
                return [*plain(_W["stems"][stem], part, "ORG"), *plain(f"şirketi{ending}")]
            return _name([_W["stems"][stem], _W["organisations"][kind]], part, "ORG", case)
        case Thing():
            return _noun_phrase(entity, part, case)
    return []


def _name(entries: list[Any], part: str, name: str, case: str) -> list[Word]:
    """A name, and its ending after an apostrophe."""
    name_words = plain(" ".join(_form(entry) for entry in entries), part, name)
    ending = _ending(_spoken(entries[-1]), case, possessed=name == "ORG" and len(entries) > 1)
    return [*name_words, bound(f"'{ending}")] if ending else name_words


def _noun_phrase(thing: Thing, part: str, case: str) -> list[Word]:
    """`bir araba`, `eski bir araba`, `doktoru`; the article between adjective and noun belongs to the part."""
    entry = next(_W[table][thing.noun] for table in ("things", "kinds", "roles") if thing.noun in _W[table])
    noun = plain(_inflected(entry, case), part)
    if thing.definite or thing.noun in _W["roles"]:
        return noun
    if thing.adjective:
        return [*plain(f"{_adjective(thing.adjective, thing.noun)} bir", part), *noun]
    return [*plain("bir"), *noun]


def _adjective(adjective: str, noun: str) -> str:
    entry = _W["adjectives"][adjective]
    if isinstance(entry, dict) and noun in ("animal", *KINDS["animal"]):
        return str(entry["animal"])
    return _form(entry)


def _quality(clause: Clause) -> list[Word]:
    if not clause.quality or not isinstance(clause.subject, Thing):
        return []
    return plain(_adjective(clause.quality, clause.subject.noun))


def _form(entry: Any) -> str:
    return str(entry["form"] if isinstance(entry, dict) else entry)


def _spoken(entry: Any) -> str:
    """How a word ends for the ear: its last vowel and its last letter decide the endings."""
    if not isinstance(entry, dict):
        return str(entry).lower()
    return str(entry.get("say", entry["form"])).lower() + ("\N{SOFT HYPHEN}" if entry.get("front") else "")


def _inflected(entry: Any, case: str) -> str:
    if not case:
        return _form(entry)
    ending = _ending(_spoken(entry), case)
    soft = entry.get("stem") if isinstance(entry, dict) and ending[0] in _VOWELS else None
    return f"{soft or _form(entry)}{ending}"


def _ending(spoken: str, case: str, *, possessed: bool = False) -> str:
    """The ending of a case after a word; `possessed` words (`Bankası`) put an n before it."""
    front = spoken.endswith("\N{SOFT HYPHEN}")
    spoken = spoken.rstrip("\N{SOFT HYPHEN}")
    vowel = next(letter for letter in reversed(spoken) if letter in _VOWELS)
    low, high = _harmony(vowel, front=front or vowel in _FRONT)
    open_end = spoken[-1] in _VOWELS
    glide = "n" if possessed else "y" if open_end else ""
    match case:
        case "accusative":
            return glide + high
        case "dative":
            return glide + low
        case "genitive":
            return ("n" if open_end else "") + high + "n"
        case "locative":
            return ("n" if possessed else "") + ("t" if spoken[-1] in _VOICELESS else "d") + low
    return ""


def _harmony(vowel: str, *, front: bool) -> tuple[str, str]:
    """The vowels of an ending: low (a, e) and high (ı, i, u, ü)."""
    rounded = vowel in _ROUND and not (front and vowel in "ou")
    if front:
        return "e", "ü" if rounded else "i"
    return "a", "u" if rounded else "ı"


def _asking(clause: Clause, asked: str) -> str:
    match asked:
        case "subject":
            return "hangi kuruluş" if isinstance(clause.subject, Organisation) else "kim"
        case "object":
            return _asking_object(clause)
        case "recipient":
            return "kime"
        case "place":
            return {"travel": "nereye", "bring": "nereye", "study": "hangi şehirde"}.get(clause.verb, "nerede")
        case "day":
            return "hangi gün"
        case _:
            return "hangi yıl"


def _asking_object(clause: Clause) -> str:
    if isinstance(clause.object, Organisation):
        asked = {"work": "hangi kuruluş için", "study": "hangi üniversitede"}
        return asked.get(clause.verb, "hangi kuruluşu")
    if clause.verb == "meet":
        return "kiminle"
    return "kime" if clause.verb in ("help", "call") else _THING[_case(clause)]


def _capitalised(words: list[Word]) -> list[Word]:
    """The words with a capital letter first: the capital of i has a dot."""
    first = words[0]
    capital = "İ" if first.text[0] == "i" else first.text[0].upper()
    return [Word(capital + first.text[1:], first.part, first.name, first.bound), *words[1:]]
