"""The slot of a letter or sign in its syllable: only code points of one slot replace each other.

A vowel sign instead of a consonant, or a medial that occurs twice, makes syllables that no font can show. The slots
follow the names and categories of the Unicode character database; Thai and Burmese, whose vowels are on all sides of a
consonant and occur together, are listed.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

_LISTED: Final = {
    point: slot
    for slot, points in {
        "vowel before": "เแโใไ",
        "vowel after": "ะาๅ",
        "vowel above": "ัิีึื็",
        "vowel below": "ุู",
        "tone": "่้๊๋",
        "syllable": "ฤฦ",
        "am": "ำ",
        "aa": "ါာ",
        "sign above": "ိီဲ",
        "sign below": "ုူ",
        "consonant": "အ",
        "final": "ৎ",
    }.items()
    for point in points
}
_SYLLABIC: Final = (
    *("BENGALI", "DEVANAGARI", "GUJARATI", "GURMUKHI", "KANNADA", "MALAYALAM"),
    *("MYANMAR", "ORIYA", "SINHALA", "TAMIL", "TELUGU", "THAI"),
)
_MODIFIERS: Final = ("ANUSVARA", "CANDRABINDU", "VISARGA", "TIPPI", "BINDI")
_VOWELS: Final = frozenset("AEIOU")

REPEATED: Final = frozenset(("letter", "consonant", "vowel", "vowel before", "vowel after"))
"""The slots that may occur twice: a key struck twice there gives two whole clusters."""

INSERTED: Final = frozenset(("letter", "consonant", "vowel"))
"""The slots that may occur side by side."""


def script(point: str) -> str:
    """The script that a code point's name begins with; marks of all scripts are "COMBINING"."""
    return unicodedata.name(point, "").split(" ")[0]


def is_mark(point: str) -> bool:
    """Whether a code point is a combining mark."""
    return unicodedata.category(point).startswith("M")


@cache
def slot(point: str) -> str:
    """The slot of a letter or mark; one that nothing can replace has a slot of its own, which is its name."""
    if point in _LISTED:
        return _LISTED[point]
    name = unicodedata.name(point, "")
    if is_mark(point):
        return _sign(name, point)
    return _letter(name) if script(point) in _SYLLABIC else "letter"


def _sign(name: str, point: str) -> str:
    if name.startswith("COMBINING "):
        return "accent"
    if name.startswith("ARABIC "):
        return name if "SHADDA" in name else f"haraka {unicodedata.combining(point) // 100}"
    if name.startswith("MYANMAR ") or script(point) not in _SYLLABIC:
        return name
    if " VOWEL SIGN " in name:
        return "vowel sign"
    return "modifier" if name.endswith(_MODIFIERS) else name


def _letter(name: str) -> str:
    """Consonant or vowel by the name: vowels are called by vowels only (A, EE, SHORT E, VOCALIC L)."""
    words = name.split()
    if words[0] == "THAI":
        return "consonant" if "O" in words or words[2].endswith("O") else name
    if "VOCALIC" in words or "VOWEL" in words or ("LETTER" in words and _VOWELS.issuperset(words[-1])):
        return "vowel"
    return "final" if "CHILLU" in words else "consonant" if "LETTER" in words else name
