"""Upper and lower case by the rules of each language.

Turkish and Azerbaijani pair i with İ and ı with I. Greek capitals lose their accents, but for the dialytika, which also
comes in where the accent showed a hiatus (Μάιος, ΜΑΪΟΣ), and for ή, "or"; a small sigma at the end of a word is ς.
German ß becomes SS, Dutch IJ is one letter at the beginning of a word, and ǆ, ǉ, ǌ and ǳ have capitals of their own
there (ǅ; Ǆ is for words in capitals). The rules are those of Unicode's SpecialCasing and of CLDR's transforms tr-, az-
and el-Upper.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from robust_xtreme.core import graphemes, packs
from robust_xtreme.core.languages import language

LOWER: Final = "lower"
CAPITAL: Final = "capital"
UPPER: Final = "upper"
MIXED: Final = "mixed"

_TURKIC: Final = ("az", "tr")
_TURKIC_UPPER: Final = str.maketrans({"i": "İ", "ı": "I"})
_LOWER: Final = str.maketrans({"İ": "i"})
_TURKIC_LOWER: Final = str.maketrans({"İ": "i", "I": "ı"})
_DIALYTIKA: Final = "\u0308"
_TONOS: Final = "\u0301"
_ACCENTS: Final = frozenset("\u0300\u0301\u0304\u0306\u0313\u0314\u0342\u0343")
_HIATUS: Final = frozenset("ιυ")
_TITLE: Final = {"Ǆ": "ǅ", "Ǉ": "ǈ", "Ǌ": "ǋ", "Ǳ": "ǲ"}
_DUTCH: Final = ("ij", "IJ")
_OR: Final = ("ή", "Ή")
_VOWELS: Final = frozenset("αεηιουω")


def upper(text: str, code: str) -> str:
    """The text in capitals of the language, composed (NFC) if it was."""
    if code in _TURKIC:
        text = text.translate(_TURKIC_UPPER)
    if code == "el" and text not in _OR:
        text = "".join(_without_accents(text))
    return unicodedata.normalize("NFC", text.upper())


def lower(text: str, code: str) -> str:
    """The text in small letters of the language, composed (NFC) if it was."""
    text = text.translate(_TURKIC_LOWER if code in _TURKIC else _LOWER)
    return unicodedata.normalize("NFC", text.lower())


def capital(text: str, code: str) -> str:
    """The text with its first letter in upper case and the others as they are; Greek keeps its accent there."""
    first, *others = initials(text, code) or [""]
    raised = upper(first, "" if code == "el" else code)
    raised = raised[:1] + lower(raised[1:], code) if len(raised) > len(first) else _TITLE.get(raised, raised)
    return "".join((raised, *others))


def style(text: str, code: str) -> str:
    """How a word is written: `lower` (also what has no case), `capital`, `upper`, or `mixed`."""
    small = lower(text, code)
    if text == small:
        return LOWER
    if text == capital(small, code):
        return CAPITAL
    return MIXED if any(letter != letter.upper() for letter in text) else UPPER


def styled(text: str, how: str, code: str) -> str:
    """A word of small letters written in a style."""
    return {UPPER: upper, CAPITAL: capital}[how](text, code) if how in (UPPER, CAPITAL) else text


def has_case(text: str) -> bool:
    """Whether some letter of the text has case."""
    return text != text.upper() or text != text.lower()


def initials(text: str, code: str) -> list[str]:
    """The clusters of a word, the first of which is capitalised: Dutch IJ is one cluster."""
    if code == "nl" and text[:2] in _DUTCH:
        return [text[:2], *graphemes.split(text[2:])]
    return graphemes.split(text)


def _without_accents(text: str) -> Iterator[str]:
    """Greek without accents; iota and upsilon after an accented vowel get the dialytika that the accent implied."""
    hiatus = False
    for cluster in graphemes.split(unicodedata.normalize("NFD", text)):
        base, marks = cluster[:1], cluster[1:]
        kept = "".join(mark for mark in marks if mark not in _ACCENTS)
        small = base.lower()
        if hiatus and small in _HIATUS and _DIALYTIKA not in kept and not set(marks) & _ACCENTS:
            kept = _DIALYTIKA + kept
        hiatus = small in _VOWELS and _TONOS in marks and _DIALYTIKA not in marks
        yield base + kept


@packs.cached
def letters_of(code: str) -> frozenset[str]:
    """The letters of the language's alphabet in both cases, by its own rules and by Unicode's."""
    small = language(code).alphabet
    forms = (form for letter in small for form in (letter, letter.upper(), upper(letter, code)))
    return frozenset(unicodedata.normalize("NFC", form) for form in forms)


@packs.cached
def cases(code: str) -> tuple[str, ...]:
    """The letters of a language's alphabet that are one code point, and their capitals where those are one, too."""
    return tuple(dict.fromkeys(form for form in cased(code, language(code).alphabet) if len(form) == 1))


def cased(code: str, letters: Sequence[str]) -> Iterator[str]:
    """Letters, each followed by its capital where that differs and is not longer (as that of ß is)."""
    text = "".join(letters)
    if not has_case(text) and unicodedata.is_normalized("NFC", text):
        yield from letters
        return
    for letter in letters:
        yield letter
        raised = capital(letter, code)
        if raised != letter and len(raised) <= len(letter):
            yield raised
