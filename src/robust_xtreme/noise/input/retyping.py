"""Text retyped: what the keys of one keyboard or input method give on another.

A text is taken back to the keys that type it, each at its level, and the same keys are struck on the other keyboard.
A text that the first cannot type, or the keys of which type nothing on the other, has no such form. A dead key is a
stroke of its own: it acts on the next letter where the other layout has one there, and is a sign where it has none. A
key of three or four levels is struck without AltGr on a layout that has no AltGr.

In an input method the keys are those of the letters that it composes: Korean jamo, the Telex or VNI keys of Vietnamese
(the tone at the end of the word), the romaji or pinyin of Japanese and Chinese words, by the readings of the packs
`ja-words`, `ja-readings` and `zh-words`, and of characters by `romanisations/zh`. On a kana keyboard voicing marks are
keys of their own.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from robust_xtreme.core import packs
from robust_xtreme.noise.input import hangul, kana, keyboards, pinyin, vietnamese
from robust_xtreme.noise.input.keyboards import DEAD, LATIN, Layout, Stroke

_ALTGR: Final = 2
_BACKSLASH: Final = {"AD13": "AC12"}
"""The key that is above Enter on one form of keyboard, and beside it on the other."""

_WITHIN_WORDS: Final = ("dead key", "several code points")
"""Why a sign may not come back that is a part of a letter, or several."""

_LONGEST: Final = 16
"""The letters of the longest word that is read as a whole."""

_KANA: Final = "jp-kana"
_HIRAGANA: Final = {point + 0x60: point for point in range(0x3041, 0x3097)}
_VOICING: Final = {0x3099: "゛", 0x309A: "゜"}


Readings = Mapping[tuple[str, str], str]
"""Readings by a word and where it counts: anywhere, as the whole `word`, at the `start` or `end` of one."""


class TypingMethod(NamedTuple):
    """How keys become text beyond what a layout says: the layout, the keys of a text, and the text of keys.

    `keys` gives the signs of the layout that are struck, None where the text cannot be typed; `text` is the reverse,
    and None where keys are left over, or for all keys where the method offers several texts. `signs` are the keys other
    than letters that are parts of words.
    """

    layout: str
    keys: Callable[[str], str | None]
    text: Callable[[str], str | None]
    signs: str = ""


def _kana_keys(text: str) -> str:
    """The signs of the kana keyboard that type kana."""
    return unicodedata.normalize("NFD", text).translate(_VOICING).translate(kana.KATAKANA)


def _kana_text(signs: str) -> str:
    """The hiragana of signs of the kana keyboard; a voicing mark after a kana that it does not voice is by itself."""
    marked = signs.translate({ord(sign): mark for mark, sign in _VOICING.items()})
    return unicodedata.normalize("NFC", marked).translate(_HIRAGANA).translate(_VOICING)


def _romaji_keys(text: str) -> str | None:
    """The romaji of a Japanese text, its words by their readings; None where a part has none."""
    reading = _read(text, _japanese())
    return None if reading is None else _spelt(reading.translate(_HIRAGANA))


def _spelt(reading: str) -> str | None:
    """The keys of hiragana: the longest kana first, a small っ by the next consonant doubled."""
    spellings, keys, doubled, at = kana.romaji().spellings, "", False, 0
    while at < len(reading):
        if reading[at] == "っ" and not doubled and reading[at + 1 : at + 2]:
            doubled, at = True, at + 1
            continue
        match = next((reading[at : at + size] for size in (2, 1) if reading[at : at + size] in spellings), "")
        if not match:
            return None
        struck = spellings[match][-1]
        if doubled and (struck[0] in "aiueon-" or not struck[0].isalpha()):
            return None
        keys += struck[0] * doubled + struck
        doubled, at = False, at + len(match)
    return keys


def _read(text: str, readings: Readings) -> str | None:
    """The readings of the longest words that a text consists of, from left to right; None where there is a gap."""
    read, at = "", 0
    while at < len(text):
        sizes = range(min(_LONGEST, len(text) - at), 0, -1)
        part = next((text[at : at + size] for size in sizes if (text[at : at + size], "") in readings), "")
        conditions = ("word" * (part == text), "start" * (not at), "end" * (at + len(part) == len(text)), "")
        if not part:
            return None
        read += next(readings[part, condition] for condition in conditions if (part, condition) in readings)
        at += len(part)
    return read


@packs.cached
def _japanese() -> Readings:
    """The reading of each word, the one of the largest weight, of each kanji where it is, and of each kana."""
    table, others = packs.table("input", "ja-words"), packs.table("input", "ja-readings")
    known = ({"weight": "1", **row} for row in table.rows if row.get("reading"))
    rows = sorted(known, key=lambda row: table.number(row, "weight"))
    words = {(row["word"], "word" * (len(row["word"]) == 1)): row["reading"] for row in rows}
    more = {(row["word"], row.get("where", "")): row["reading"].replace(" ", "") for row in others.rows}
    kana = {(sign, ""): sign for sign in map(chr, range(0x3041, 0x30FD))}
    anywhere = {(word, ""): reading for (word, _), reading in words.items()}
    return {**anywhere, **words, **more, **kana}


@packs.cached
def _chinese() -> Readings:
    """The reading of each word, the most frequent one, and of each character by itself."""
    known = [(many, word, reading) for reading, forms in pinyin.readings().items() for word, many in forms.items()]
    alone = {(row["letters"], ""): row["forms"].split()[0] for row in packs.table("romanisations", "zh").rows}
    return alone | {(word, ""): reading.replace(" ", "") for _, word, reading in sorted(known)}


def _vietnamese(method: vietnamese.Method, signs: str) -> TypingMethod:
    keys = partial(vietnamese.keys, method=method, tone_last=True)
    return TypingMethod(LATIN, keys, partial(vietnamese.typed, method=method), signs)


METHODS: Final[Mapping[str, TypingMethod]] = {
    "ko-2set": TypingMethod(hangul.LAYOUT, hangul.keys, hangul.typed),
    "vi-telex": _vietnamese("telex", ""),
    "vi-vni": _vietnamese("vni", "0123456789"),
    "ja-romaji": TypingMethod(LATIN, _romaji_keys, lambda keys: kana.romaji().decode(keys), "-"),
    "zh-pinyin": TypingMethod(LATIN, lambda text: _read(text, _chinese()), lambda _: None),
    _KANA: TypingMethod(_KANA, _kana_keys, _kana_text),
}
"""Input methods by the name that `keyboard_typo` gives them, and the keyboard of kana."""


def retyped(text: str, typed: str, on: str) -> str | None:
    """What the keys of a text give that is typed for one keyboard or method while another is on; None where nothing."""
    struck = strokes(text, typed)
    return None if struck is None else shown(struck, on)


def strokes(text: str, typed: str) -> tuple[Stroke, ...] | None:
    """The keys that type a text; None if it cannot be typed."""
    method = METHODS.get(typed)
    signs = method.keys(text) if method else text
    if not signs:
        return None
    layout = keyboards.layout(method.layout if method else typed)
    return layout.strokes(signs) or layout.strokes(signs.replace("’", "'"))


def shown(struck: Sequence[Stroke], on: str) -> str | None:
    """What keys give on a keyboard, or in an input method; None where one gives nothing."""
    method = METHODS.get(on)
    known = _signs(method.layout if method else on)
    signs = [known.get((_BACKSLASH.get(key.name, key.name), level), "") for key, level in struck]
    text = _composed(signs) if all(signs) else None
    return method.text(text) if method and text else text


def _composed(signs: Sequence[str]) -> str | None:
    """Signs with each dead key on the letter after it; None where the letter does not take it."""
    text = dead = ""
    for sign in signs:
        if sign.startswith(DEAD):
            dead += sign.removeprefix(DEAD)
            continue
        whole = unicodedata.normalize("NFC", sign + dead[::-1])
        if dead and len(whole) != 1:
            return None
        text, dead = text + whole, ""
    return None if dead else text


def _sign(layout: Layout, stroke: Stroke) -> str:
    """What a stroke types on a layout; "" where nothing."""
    return _signs(layout.name).get(_at(stroke), "")


@packs.cached
def _signs(name: str) -> Mapping[tuple[str, int], str]:
    """What a layout types, by the position of the key and the level."""
    keys, levels = keyboards.layout(name).keys, _levels(name)
    strokes = (Stroke(key, level) for key in keys for level in range(len(keyboards.LEVELS)))
    return {_at(stroke): stroke.key.levels[stroke.level % levels] for stroke in strokes}


@packs.cached
def _levels(name: str) -> int:
    """How many levels a layout has: two without AltGr, else four."""
    altgr = any(sign for key in keyboards.layout(name).keys for sign in key.levels[_ALTGR:])
    return len(keyboards.LEVELS) if altgr else _ALTGR


@packs.cached
def signs_of_words(typed: str, on: str) -> frozenset[str]:
    """The characters other than letters that are typed with a word: another layout or method gives others for them.

    A sign that is the same there, or has no key of its own on one of the two, is beside words, as a blank is.
    """
    first, second = (keyboards.layout(METHODS[name].layout if name in METHODS else name) for name in (typed, on))
    method = METHODS.get(on)
    return frozenset((*_changed_signs(first, second), *(method.signs if method else ())))


def _changed_signs(first: Layout, second: Layout) -> Iterator[str]:
    for stroke in (Stroke(key, level) for key in first.keys for level in range(len(key.levels))):
        sign, other = _sign(first, stroke), _sign(second, stroke)
        kept = not _single(first, stroke) and _single(second, stroke) in ("", *_WITHIN_WORDS)
        if kept and other != sign and not sign.isalpha():
            yield sign


def irreversible(typed: str, on: str) -> Iterator[tuple[str, str]]:
    """The signs of a layout that do not come back from another one, each with the reason."""
    first, second = keyboards.layout(typed), keyboards.layout(on)
    for stroke in (Stroke(key, level) for key in first.keys for level, sign in enumerate(key.levels) if sign):
        if reason := _single(first, stroke) or _single(second, stroke):
            yield _sign(first, stroke), reason


def _single(layout: Layout, stroke: Stroke) -> str:
    """Why a stroke is not the only one of a layout that types a sign; "" if it is."""
    sign = _sign(layout, stroke)
    if not sign:
        return "no key there"
    if stroke.level >= _levels(layout.name):
        return "no AltGr there"
    if sign.startswith(DEAD):
        return _WITHIN_WORDS[0]
    if len(sign) > 1:
        return _WITHIN_WORDS[1]
    typed = layout.strokes(sign)
    single = typed is not None and len(typed) == 1 and _at(typed[0]) == _at(stroke)
    return "" if single else "also on another key"


def _at(stroke: Stroke) -> tuple[str, int]:
    return _BACKSLASH.get(stroke.key.name, stroke.key.name), stroke.level
