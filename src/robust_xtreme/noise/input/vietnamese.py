"""The key errors of Vietnamese letters, typed by Telex or VNI.

The key of a hat or a tone acts on the whole syllable, and so does an additional letter. So each letter is mistyped
within the syllables in which it is written most often (pack `vi-syllables`), all of whose keys are typed, the tone
directly after its letter or at the end; a form is kept where nearly all of them give it. Where neighbouring letters
make a difference, two letters are one unit: two consonants, a vowel with a mark and the next vowel, qu, oa and such.
"""

from __future__ import annotations

import string
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from robust_xtreme.core import languages, packs
from robust_xtreme.noise.engine.key_error_table import KeyingError
from robust_xtreme.noise.input.nearby import LATIN, near
from robust_xtreme.noise.input.telex import STROKE, TONES, Method, TelexStroke, method_keys, parts, strokes, typed

SURE: Final = 0.99
"""The share of a unit's syllables, by frequency, in which one mistyped key must give a form."""

MOST: Final = 12
"""How many frames of a unit are typed, the commonest ones; rarer frames cannot change which forms are kept."""

_MISSED, _BARE, _SCALE = 12, 2, 100
_VOWELS: Final = frozenset("aeiouy")
_ONSETS: Final = ("qu", "gi", "đ", "d")
_TOGETHER: Final = ("qu", "gi", "oa", "oe", "uy", "ia", "ua")
"""Plain letters that are one unit: vowels of which the first bears the tone at the end, and the second elsewhere."""

_CONSONANTS: Final = "bcghklmnpqrstvx"

Forms = Counter[tuple[str, str]]
"""Weights by kind and form."""


class SyllableFrame(NamedTuple):
    """A syllable, or the relevant part of it, around a unit."""

    before: str
    unit: str
    after: str


def key_errors(method: Method) -> Iterator[KeyingError]:
    """The key errors of letters, pairs of letters and single marks of Vietnamese, in both cases."""
    letters = frozenset(languages.language("vi").alphabet) | frozenset(string.digits if method == "vni" else "")
    for unit, frames in _frames().items():
        for (kind, form), weight in _sure(frames, method).items():
            if letters.issuperset(form.lower()):
                yield KeyingError(unit, kind, form, weight)
                if unit.islower():
                    yield KeyingError(unit.upper(), kind, _capital(unit, kind, form), weight)
    yield from _of_marks(method)


def _capital(unit: str, kind: str, form: str) -> str:
    """The form of a unit in capitals; the key of a single letter's mark is struck without Shift."""
    if kind == "shift":
        return form.swapcase()
    marked = len(unit) == 1 and not unit.isascii()
    return form.title() if marked and not form.endswith(unit) else form.upper()


@packs.cached
def _frames() -> dict[str, Counter[SyllableFrame]]:
    """The commonest frames of each unit, with their frequencies.

    A pair that begins a syllable also begins a capitalised one; a letter of no syllable has an empty frame.
    """
    table = packs.table("input", "vi-syllables")
    table.need("syllable", "frequency")
    by_form: defaultdict[str, Counter[SyllableFrame]] = defaultdict(Counter)
    for row in table.rows:
        frequency = table.number(row, "frequency")
        for frame in _units(row["syllable"]):
            by_form[frame.unit][frame] += frequency
            if len(frame.unit) > 1 and not frame.before:
                titled = frame._replace(unit=frame.unit.capitalize())
                by_form[titled.unit][titled] += frequency
    alone = {letter: Counter([SyllableFrame("", letter, "")]) for letter in languages.language("vi").alphabet}
    common = {}
    for unit, frames in sorted((alone | by_form).items()):
        least = (1 - SURE) * frames.total()
        common[unit] = Counter({frame: count for frame, count in frames.most_common(MOST) if count > least})
    return common


def _units(syllable: str) -> Iterator[SyllableFrame]:
    """The units of a syllable, from left to right, each in its frame."""
    position = 0
    while position < len(syllable):
        size = 2 if _paired(syllable[position : position + 2]) else 1
        before, unit, after = syllable[:position], syllable[position : position + size], syllable[position + size :]
        # The letters before the unit, without an initial that does not affect later keys.
        yield SyllableFrame(before if before.startswith(_ONSETS) else before.lstrip(_CONSONANTS), unit, after)
        position += size


def _paired(letters: str) -> bool:
    """Whether two letters are one unit: consonants, a vowel with a mark and another one, or qu, oa and such."""
    if len(letters) < 2:
        return False
    bases = [parts(letter)[0] in _VOWELS for letter in letters]
    return not any(bases) or letters in _TOGETHER or (all(bases) and letters[0] not in _VOWELS)


def _sure(frames: Counter[SyllableFrame], method: Method) -> Forms:
    """The forms of a unit that nearly all of its frames give, with their mean weights."""
    total: Forms = Counter()
    reach: Forms = Counter()
    for frame, frequency in frames.items():
        forms = _wrong(frame, method)
        for form, weight in forms.items():
            total[form] += weight * frequency
            reach[form] += frequency
    every = frames.total()
    return Counter({form: -(-total[form] * _SCALE // every) for form, sure in reach.items() if sure >= SURE * every})


def _wrong(frame: SyllableFrame, method: Method) -> Forms:
    """The key errors of a unit within a frame, the tone typed after its letter or at the end."""
    forms: Forms = Counter()
    word = "".join(frame)
    inside = range(len(frame.before), len(frame.before) + len(frame.unit))
    rows = [row for last in (False, True) for row in _mistyped(strokes(word, method, tone_last=last), inside)]
    texts = {struck: typed(struck, method) for struck in {struck for _, struck, _ in rows}}
    bare = "".join(parts(letter)[0] for letter in word)
    slipped = ((kind, texts[struck], weight) for kind, struck, weight in rows)
    for kind, text, weight in (("accent", bare, 2 * _BARE), *slipped):
        # Only the unit may change, not the rest of the frame.
        stop = len(text) - len(frame.after)
        form = text[len(frame.before) : stop]
        kept = stop >= len(frame.before) and text.startswith(frame.before) and text.endswith(frame.after)
        if kept and form != frame.unit and (form or kind == "delete"):
            forms[kind, form] += weight
    return forms


def _mistyped(row: list[TelexStroke], inside: range) -> Iterator[tuple[str, str, int]]:
    """The key errors of some letters of a word: kind, the keys struck, weight."""
    struck = "".join(stroke.key for stroke in row)
    for index, stroke in enumerate(row):
        if stroke.position not in inside:
            continue
        head, key, tail = struck[:index], stroke.key, struck[index + 1 :]
        yield ("accent", head + tail, _MISSED) if stroke.mark else ("delete", head + tail, 1)
        yield "double", head + key + key + tail, 1
        if not stroke.mark:
            yield "shift", head + key.swapcase() + tail, 1
        if tail and row[index + 1].position in inside:
            yield "swap", head + tail[0] + key + tail[1:], 1
        for other, weight in near(LATIN, key):
            if not stroke.mark and other.isdigit():
                continue
            yield ("accent" if stroke.mark else "neighbour"), head + other + tail, weight
            yield "insert", head + key + other + tail, weight
            yield "insert", head + other + key + tail, weight


def _of_marks(method: Method) -> Iterator[KeyingError]:
    """The key errors of the marks of a decomposed text: the mark is missed, or a tone has a neighbouring key."""
    table = method_keys(method)
    hats = {mark for row in table.hats.values() for mark in row.values()}
    for mark in sorted({*TONES, *hats} - {STROKE}):
        yield KeyingError(mark, "accent", "", _MISSED)
    for key, tone in table.tones.items():
        for other, weight in near(LATIN, key):
            wrong = table.tones.get(other, "")
            if tone and wrong and unicodedata.combining(tone) == unicodedata.combining(wrong):
                yield KeyingError(tone, "accent", wrong, weight)
