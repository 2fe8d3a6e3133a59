"""What letters of Vietnamese come out as when one key of a syllable goes wrong, by Telex or VNI.

The key of a hat or a tone acts on the whole syllable, and so does a letter that is struck too many. So each letter goes
wrong within the syllables in which it is written most often (pack `vi-syllables`), all of whose keys are typed, the
tone right after its letter or at the end; a form is kept where nearly all of them give it. Where the letters beside
make a difference, two letters are one unit: two consonants, a vowel with a mark and the one after it, qu, oa and such.
"""

from __future__ import annotations

import string
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from robust_xtreme import languages, packs
from robust_xtreme.noise.engine.key_error_table import KeyingError
from robust_xtreme.noise.input.nearby import near
from robust_xtreme.noise.input.telex import STROKE, TONES, Method, Stroke, method_keys, parts, strokes, typed

LAYOUT: Final = "us"
"""The keyboard pack that says where the keys are."""

SURE: Final = 0.99
"""The share of its syllables, by frequency, in which a form must come of one wrong key."""

MOST: Final = 12
"""How many frames of a unit are typed, the commonest ones; those that are too rare to make a form unsure are not."""

_MISSED, _BARE, _SCALE = 12, 2, 100
_VOWELS: Final = frozenset("aeiouy")
_ONSETS: Final = ("qu", "gi", "đ", "d")
_TOGETHER: Final = ("qu", "gi", "oa", "oe", "uy", "ia", "ua")
"""Plain letters that are one unit: vowels of which the first bears the tone at the end, and the second elsewhere."""

_CONSONANTS: Final = "bcghklmnpqrstvx"

Forms = Counter[tuple[str, str]]
"""Weights by kind and form."""


class Frame(NamedTuple):
    """A syllable, or what matters of it, around a unit."""

    before: str
    unit: str
    behind: str


def slips(method: Method) -> Iterator[KeyingError]:
    """What letters and pairs of letters of Vietnamese come out as, in both cases; marks by themselves too."""
    letters = frozenset(languages.language("vi").alphabet) | frozenset(string.digits if method == "vni" else "")
    for unit, frames in _frames().items():
        for (kind, form), weight in _sure(frames, method).items():
            if letters.issuperset(form.lower()):
                yield KeyingError(unit, kind, form, weight)
                if unit.islower():
                    yield KeyingError(unit.upper(), kind, _capital(unit, kind, form), weight)
    yield from _of_marks(method)


def _capital(unit: str, kind: str, form: str) -> str:
    """The form of a unit in capitals; the key of the mark of a single letter is struck without Shift."""
    if kind == "shift":
        return form.swapcase()
    marked = len(unit) == 1 and not unit.isascii()
    return form.title() if marked and not form.endswith(unit) else form.upper()


@packs.cached
def _frames() -> dict[str, Counter[Frame]]:
    """The frames in which each unit is, with their frequencies, the commonest ones.

    A pair that begins a syllable begins one with a capital, too; a letter of no syllable is alone.
    """
    table = packs.table("input", "vi-syllables")
    table.need("syllable", "frequency")
    by_form: defaultdict[str, Counter[Frame]] = defaultdict(Counter)
    for row in table.rows:
        frequency = table.number(row, "frequency")
        for frame in _units(row["syllable"]):
            for titled in _titled(frame):
                by_form[titled.unit][titled] += frequency
    alone = {letter: Counter([Frame("", letter, "")]) for letter in languages.language("vi").alphabet}
    return {unit: _common(frames) for unit, frames in sorted((alone | by_form).items())}


def _common(frames: Counter[Frame]) -> Counter[Frame]:
    least = (1 - SURE) * frames.total()
    return Counter({frame: frequency for frame, frequency in frames.most_common(MOST) if frequency > least})


def _titled(frame: Frame) -> Iterator[Frame]:
    """A frame, and where a pair begins it the one with a capital; single letters need none of their own."""
    yield frame
    if len(frame.unit) > 1 and not frame.before:
        yield Frame("", frame.unit.capitalize(), frame.behind)


def _units(syllable: str) -> Iterator[Frame]:
    """The units of a syllable, from left to right, each with what is around it."""
    position = 0
    while position < len(syllable):
        size = 2 if _paired(syllable[position : position + 2]) else 1
        before, unit, after = syllable[:position], syllable[position : position + size], syllable[position + size :]
        yield Frame(_onset(before), unit, after)
        position += size


def _paired(letters: str) -> bool:
    """Whether two letters are one unit: consonants, a vowel with a mark and another one, or qu, oa and such."""
    if len(letters) < 2:
        return False
    bases = [parts(letter)[0] in _VOWELS for letter in letters]
    return not any(bases) or letters in _TOGETHER or (all(bases) and letters[0] not in _VOWELS)


def _onset(before: str) -> str:
    """What is before a unit, without an initial that makes no difference to keys after it."""
    if before.startswith(_ONSETS):
        return before
    return before.lstrip(_CONSONANTS)


def _sure(frames: Counter[Frame], method: Method) -> Forms:
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


def _wrong(frame: Frame, method: Method) -> Forms:
    """What a unit comes out as within a frame, the tone typed after its letter or at the end."""
    forms: Forms = Counter()
    word = "".join(frame)
    inside = range(len(frame.before), len(frame.before) + len(frame.unit))
    rows = [row for last in (False, True) for row in _mistyped(strokes(word, method, tone_last=last), inside)]
    texts = {struck: typed(struck, method) for struck in {struck for _, struck, _ in rows}}
    slipped = ((kind, texts[struck], weight) for kind, struck, weight in rows)
    for kind, text, weight in (("accent", _bare(word), 2 * _BARE), *slipped):
        form = _between(text, frame)
        if form is not None and form != frame.unit and (form or kind == "delete"):
            forms[kind, form] += weight
    return forms


def _bare(word: str) -> str:
    """A word all of whose marks were missed."""
    return "".join(parts(letter)[0] for letter in word)


def _between(text: str, frame: Frame) -> str | None:
    """What is in the place of the unit; None where the rest of the frame did not stay."""
    stop = len(text) - len(frame.behind)
    fits = stop >= len(frame.before) and text.startswith(frame.before) and text.endswith(frame.behind)
    return text[len(frame.before) : stop] if fits else None


def _mistyped(row: list[Stroke], inside: range) -> Iterator[tuple[str, str, int]]:
    """The kinds of key errors of the keys of some letters of a word, what is struck then, and the weights."""
    struck = "".join(stroke.key for stroke in row)
    for index, stroke in enumerate(row):
        if stroke.place not in inside:
            continue
        head, key, tail = struck[:index], stroke.key, struck[index + 1 :]
        yield ("accent", head + tail, _MISSED) if stroke.mark else ("delete", head + tail, 1)
        yield "double", head + key + key + tail, 1
        if not stroke.mark:
            yield "shift", head + key.swapcase() + tail, 1
        if tail and row[index + 1].place in inside:
            yield "swap", head + tail[0] + key + tail[1:], 1
        for other, weight in near(LAYOUT, key):
            if not stroke.mark and other.isdigit():
                continue
            yield ("accent" if stroke.mark else "neighbour"), head + other + tail, weight
            yield "insert", head + key + other + tail, weight
            yield "insert", head + other + key + tail, weight


def _of_marks(method: Method) -> Iterator[KeyingError]:
    """The marks of a decomposed text: missed, or a tone whose key is beside."""
    table = method_keys(method)
    hats = {mark for row in table.hats.values() for mark in row.values()}
    for mark in sorted({*TONES, *hats} - {STROKE}):
        yield KeyingError(mark, "accent", "", _MISSED)
    for key, tone in table.tones.items():
        for other, weight in near(LAYOUT, key):
            wrong = table.tones.get(other, "")
            if tone and wrong and unicodedata.combining(tone) == unicodedata.combining(wrong):
                yield KeyingError(tone, "accent", wrong, weight)
