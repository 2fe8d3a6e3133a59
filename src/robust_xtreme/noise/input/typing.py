"""Key errors on a keyboard, from its geometry: neighbouring keys, keys struck twice or missed, wrong Shift or accent.

All forms are letters of the language's own alphabet, in positions where they are possible. Other characters of
neighbouring keys (digits, punctuation, letters of other languages) are left out.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

from robust_xtreme.core import packs
from robust_xtreme.core.graphemes import joins
from robust_xtreme.core.languages import language
from robust_xtreme.noise.engine.key_error_table import KeyingError
from robust_xtreme.noise.engine.letters import alphabet
from robust_xtreme.noise.input.keyboards import DEAD, Layout, Stroke, closeness

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
        return _slot_sign(name, point)
    return _letter(name) if script(point) in _SYLLABIC else "letter"


def _slot_sign(name: str, point: str) -> str:
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


_SHIFT: Final = 1
_ALTGR: Final = 2
_MISSED: Final = 3

Row = tuple[str, str, int]
"""A kind, a form and its weight."""


class _Keyboard(NamedTuple):
    """A layout with the letters and marks that a language writes with, and the marks that the layout has keys for."""

    layout: Layout
    signs: frozenset[str]
    marks: tuple[str, ...]

    def writes(self, form: str) -> bool:
        """Whether a form is a letter or mark of the language, or several."""
        return form in self.signs or (len(form) > 1 and self.signs.issuperset(form))


class _Typed(NamedTuple):
    """A letter as it is typed: the key of its base, and the marks struck besides, by dead keys or keys of their own."""

    base: Stroke
    dead: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()

    def with_marks(self, sign: str) -> str:
        """A sign with the marks of this letter."""
        return unicodedata.normalize("NFC", sign + "".join((*self.dead, *self.marks)))


def typing_errors(layout: Layout, code: str) -> Iterator[KeyingError]:
    """The key errors of a language on a layout, for every letter and mark of its script that the layout types."""
    marks = str(packs.read("alphabets", code).get("marks", "")).split()
    signs = dict.fromkeys(sign.removeprefix(DEAD) for key in layout.keys for sign in key.levels if sign)
    accents = tuple(sign for sign in signs if len(sign) == 1 and slot(sign) == "accent")
    keyboard = _Keyboard(layout, frozenset((*alphabet(code).letters, *language(code).alphabet, *marks)), accents)
    for point in _points(keyboard):
        if typed := _typed(keyboard, point):
            for (kind, form), weight in _key_errors(keyboard, point, typed).items():
                yield KeyingError(point, kind, form, weight)
    yield from _accent_marks(keyboard)


def reached(layout: Layout, code: str) -> tuple[int, int]:
    """How many of a language's letters a layout types, and how many there are, without those with diacritics."""
    plain = [letter for letter in language(code).alphabet if len(unicodedata.normalize("NFD", letter)) == 1]
    return sum(layout.strokes(letter) is not None for letter in plain), len(plain)


def _points(keyboard: _Keyboard) -> list[str]:
    """The letters and marks of the language's scripts that a layout types, by a key of their own or by dead keys."""
    scripts = {script(point) for form in keyboard.signs for point in form}
    single = {sign for key in keyboard.layout.keys for sign in key.levels if len(sign) == 1}
    typed = {sign for sign in single if unicodedata.category(sign)[0] in "LM"}
    return sorted(point for point in typed | keyboard.signs if len(point) == 1 and script(point) in scripts)


def _typed(keyboard: _Keyboard, point: str) -> _Typed | None:
    """How a letter is typed; a letter whose accent has no key is typed by its base and by the accent's strokes."""
    strokes = keyboard.layout.strokes(point)
    if strokes:
        return _distinguished(strokes)
    whole = unicodedata.normalize("NFD", point)
    strokes, accents = keyboard.layout.strokes(whole[0]) or (), tuple(whole[1:])
    if len(strokes) == 1 and all(slot(accent) == "accent" for accent in accents):
        return _Typed(strokes[0], (), accents)
    return None


def _distinguished(strokes: tuple[Stroke, ...]) -> _Typed:
    signs = [stroke.key.levels[stroke.level] for stroke in strokes]
    bases = [index for index, sign in enumerate(signs) if not (sign.startswith(DEAD) or is_mark(sign[0]))]
    base = bases[0] if bases else 0
    marks = [sign for index, sign in enumerate(signs) if index != base]
    dead = tuple(sign.removeprefix(DEAD) for sign in marks if sign.startswith(DEAD))
    return _Typed(strokes[base], dead, tuple(sign for sign in marks if not sign.startswith(DEAD)))


def _key_errors(keyboard: _Keyboard, point: str, typed: _Typed) -> Counter[tuple[str, str]]:
    """The forms of one letter or mark by kind, with their weights."""
    counts: Counter[tuple[str, str]] = Counter()
    counts["accent" if slot(point) == "accent" else "delete", ""] += _MISSED
    # The key of the letter struck twice: a dead key affects only the first.
    twice = point + (point if not typed.dead else typed.base.key.levels[typed.base.level])
    if slot(point) in REPEATED and keyboard.writes(twice):
        counts["double", twice] += 1
    for kind, form, weight in chain(_near(keyboard, point, typed), _wrong(keyboard, point, typed)):
        if form != point and (not form or keyboard.writes(form)):
            counts[kind, form] += weight
    return counts


def _near(keyboard: _Keyboard, point: str, typed: _Typed) -> Iterator[Row]:
    """A neighbouring key struck instead, or along with the right one: before it (no dead key waiting) or after it."""
    key, level = typed.base
    for other in keyboard.layout.neighbours[key]:
        sign, weight = other.levels[level], closeness(key, other)
        if not sign or not _alike(point, sign):
            continue
        yield "neighbour", typed.with_marks(sign), weight
        if slot(point) in INSERTED:
            yield "insert", point + sign, weight
            if not typed.dead:
                yield "insert", sign + point, weight


def _alike(point: str, sign: str) -> bool:
    """Whether each character that a key types can replace the point."""
    return not sign.startswith(DEAD) and all(slot(character) == slot(point) for character in sign)


def _wrong(keyboard: _Keyboard, point: str, typed: _Typed) -> Iterator[Row]:
    """Shift added or missed; a dead key, the key of a mark, or AltGr missed; another such key struck."""
    key, level = typed.base
    sign, shifted, without = key.levels[level], key.levels[level ^ 1], key.levels[level % _ALTGR]
    if level & _SHIFT and point.lower() == point:
        if len(shifted) == 1 and _follows(shifted) == _follows(point):
            yield "unshift", typed.with_marks(shifted), 1
    elif shifted and _alike(point, shifted):
        yield "shift", typed.with_marks(shifted), 1
    if typed.dead or typed.marks:
        yield "accent", sign, _MISSED
        for mark in keyboard.marks:
            yield "accent", unicodedata.normalize("NFC", sign + mark), 1
    elif level >= _ALTGR and without and _alike(point, without):
        yield "accent", without, _MISSED


def _follows(point: str) -> bool:
    return is_mark(point) or joins(point)


def _accent_marks(keyboard: _Keyboard) -> Iterator[KeyingError]:
    """In decomposed texts an accent with its own key is a code point: it is missed, or another one is struck."""
    no_key = [letter for letter in sorted(keyboard.signs) if len(keyboard.layout.strokes(letter) or ()) != 1]
    marks = (mark for letter in no_key for mark in unicodedata.normalize("NFD", letter)[1:])
    used = dict.fromkeys(mark for mark in marks if slot(mark) == "accent")
    for mark in used:
        yield KeyingError(mark, "accent", "", _MISSED)
        for other in used:
            yield KeyingError(mark, "accent", other)
