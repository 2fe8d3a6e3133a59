"""The key errors of Vietnamese letters, typed by Telex or VNI.

The key of a hat or a tone acts on the whole syllable, and so does an additional letter. So each letter is mistyped
within the syllables in which it is written most often (pack `vi-syllables`), all of whose keys are typed, the tone
directly after its letter or at the end; a form is kept where nearly all of them give it. Where neighbouring letters
make a difference, two letters are one unit: two consonants, a vowel with a mark and the next vowel, qu, oa and such.
"""

import string
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, Literal, NamedTuple

from robust_xtreme.core import languages, packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.key_error_table import KeyingError
from robust_xtreme.noise.input.keyboards import LATIN, near

# Vietnamese typed by Telex or VNI: a letter, then a key for its hat, then one for the tone of its syllable.
#
# The keys and rules are those of Keyman's help pages of the two methods (help.keyman.com, `vietnamese_telex` 1.6 and
# `vietnamese_vni` 1.0): a later tone replaces an earlier one, a key struck once more takes back what it did and stays
# as a letter, and marks may follow later in the syllable. The tone is where the traditional spelling has it.

Method = Literal["telex", "vni"]

STROKE: Final = "đ"
"""How the pack and this module write the hat of đ, which is not a combining mark."""

TONES: Final = "\u0301\u0300\u0309\u0303\u0323"
_HORN: Final = "\u031b"
_HATS: Final = frozenset(("\u0302", "\u0306", _HORN, STROKE))
_CIRCLE: Final = "◌"
_TELEX_VOWELS: Final = "aeiouy"


class Keys(NamedTuple):
    """The keys of a method: tones by key ("" takes the tone away), and hats by key and letter."""

    tones: dict[str, str]
    hats: dict[str, dict[str, str]]


@packs.cached
def method_keys(method: Method) -> Keys:
    """The keys of the pack `vi-telex` or `vi-vni`. Raises DataError at a row that is not a key of a mark."""
    table = packs.table("input", f"vi-{method}").need("key", "mark", "letters")
    keys = Keys({}, {})
    for row in table.rows:
        key, mark, letters = row["key"], row["mark"].removeprefix(_CIRCLE), row["letters"].split()
        if len(key) != 1 or mark not in (_HATS if letters else ("", *TONES)):
            raise DataError(table.path, f"the row {', '.join(row.values())!r:.40} is not a key of a tone or a hat")
        if not letters:
            keys.tones[key] = mark
        else:
            keys.hats.setdefault(key, {}).update(dict.fromkeys(letters, mark))
    return keys


@dataclass(slots=True)  # gets its hat by a later key
class _Letter:
    """A letter of the word being typed: as it was struck, in lower case, and the hat that it has."""

    sign: str
    base: str
    hat: str = ""

    def written(self, tone: str) -> str:
        """The letter with a tone, in NFC."""
        if self.hat == STROKE:
            return "Đ" if self.sign.isupper() else "đ"
        return unicodedata.normalize("NFC", self.sign + self.hat + tone)


@dataclass(slots=True)  # grows as keys are struck
class _Word:
    """The word being typed and the tone that it has."""

    method: Keys
    letters: list[_Letter] = field(default_factory=list)
    tone: str = ""

    def nucleus(self) -> range:
        """The indices of the vowels of the last syllable; u of qu and i of gi before a vowel do not count."""
        stop = len(self.letters)
        while stop and self.letters[stop - 1].base not in _TELEX_VOWELS:
            stop -= 1
        start = stop
        while start and self.letters[start - 1].base in _TELEX_VOWELS:
            start -= 1
        before = self.letters[start - 1].base if start else ""
        glide = before + self.letters[start].base in ("qu", "gi") if stop > start else False
        return range(start + (glide and stop - start > 1), stop)

    def strike(self, key: str) -> None:
        """Add one key."""
        base = key.lower()
        if self._toned(base) or self._hatted(base):
            return
        if [(letter.base, letter.hat) for letter in self.letters[-2:]] == [("u", ""), ("o", _HORN)]:
            self.letters[-2].hat = _HORN
        self.letters.append(_Letter(key, base))

    def _toned(self, key: str) -> bool:
        """Whether a key set the tone, or took it away; the same key again takes it back and is a letter."""
        tone = self.method.tones.get(key)
        if tone is None or not self.nucleus() or (not tone and not self.tone):
            return False
        again = tone == self.tone
        self.tone = "" if again else tone
        return not again

    def _hatted(self, key: str) -> bool:
        """Whether a key put a hat on a letter of the word; the same key again takes it off and is a letter."""
        hats = self.method.hats.get(key)
        if not hats:
            return False
        letters = [self.letters[index] for index in self._vowel_positions(hats)]
        fresh = any(letter.hat != hats[letter.base] for letter in letters)
        for letter in letters:
            letter.hat = hats[letter.base] if fresh else ""
        return fresh

    def _vowel_positions(self, hats: dict[str, str]) -> list[int]:
        """The indices of the letters that a key puts its hat on: uo inside a word, u of ua and uu, else the last."""
        vowels = self.nucleus()
        first = range(min(1, len(self.letters))) if "d" in hats else range(0)
        fits = [index for index in (*first, *vowels) if self.letters[index].base in hats]
        spelt = "".join(self.letters[vowel].base for vowel in vowels)
        if spelt.startswith("uo") and vowels.stop < len(self.letters):
            return fits
        return fits[:1] if spelt.startswith(("ua", "uu")) else fits[-1:]

    def text(self) -> str:
        """The word with its tone by the traditional spelling."""
        toned = self._toned_position() if self.tone else -1
        return "".join(letter.written(self.tone if n == toned else "") for n, letter in enumerate(self.letters))

    def _toned_position(self) -> int:
        """The last vowel with a hat; else the last before a consonant; else the one before the last."""
        vowels = self.nucleus()
        hatted = [n for n in vowels if self.letters[n].hat]
        if hatted:
            return hatted[-1]
        closed = vowels.stop < len(self.letters)
        return vowels[-1] if closed or len(vowels) == 1 else vowels[-2]


class TelexStroke(NamedTuple):
    """A key, the position of the letter that it belongs to, and whether it is the key of a mark."""

    key: str
    position: int
    mark: bool = False


def keys(text: str, method: Method, *, tone_last: bool = False) -> str:
    """The keys that type a Vietnamese text: hats after their letter, the tone there or at the end of the word."""
    words = ("".join(run) for _, run in groupby(unicodedata.normalize("NFC", text), str.isalnum))
    return "".join(stroke.key for word in words for stroke in strokes(word, method, tone_last=tone_last))


def typed(struck: str, method: Method) -> str:
    """What the input method makes of keys."""
    text = ""
    for _, word in groupby(struck, str.isalnum):
        typing = _Word(method_keys(method))
        for key in word:
            typing.strike(key)
        text += typing.text()
    return text


def strokes(word: str, method: Method, *, tone_last: bool) -> list[TelexStroke]:
    """The keys of a word; those of marks are capitals where the whole word is, and has more letters than one."""
    table = method_keys(method)
    tones = {tone: key for key, tone in table.tones.items() if tone}
    hats = {(mark, letter): key for key, row in table.hats.items() for letter, mark in row.items()}
    capital = len(word) > 1 and word.isupper()
    done: list[TelexStroke] = []
    last: list[TelexStroke] = []
    for index, sign in enumerate(word):
        base, hat, tone = parts(sign)
        done.append(TelexStroke(base, index))
        for key, row in ((hats.get((hat, base.lower()), ""), done), (tones.get(tone, ""), last if tone_last else done)):
            row += [TelexStroke(key.upper() if capital else key, index, mark=True)] if key else []
    return done + last


def parts(sign: str) -> tuple[str, str, str]:
    """A letter without marks, its hat and its tone."""
    if sign in "đĐ":
        return ("d" if sign == "đ" else "D"), STROKE, ""
    base, *marks = tuple(unicodedata.normalize("NFD", sign))
    tone = "".join(mark for mark in marks if mark in TONES)
    return base, "".join(mark for mark in marks if mark not in TONES), tone


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
                    # The key of a single letter's mark is struck without Shift.
                    marked = len(unit) == 1 and not unit.isascii() and not form.endswith(unit)
                    raised = form.swapcase() if kind == "shift" else form.title() if marked else form.upper()
                    yield KeyingError(unit.upper(), kind, raised, weight)
    yield from _of_marks(method)


@packs.cached
def _frames() -> dict[str, Counter[SyllableFrame]]:
    """The commonest frames of each unit, capitalised ones too, with their frequencies; empty for lone letters."""
    table = packs.table("input", "vi-syllables").need("syllable", "frequency")
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
        # Two letters are one unit: consonants, a vowel with a mark and another one, or qu, oa and such.
        pair = syllable[position : position + 2]
        bases = [parts(letter)[0] in _VOWELS for letter in pair]
        joined = not any(bases) or pair in _TOGETHER or (all(bases) and pair[0] not in _VOWELS)
        size = 2 if len(pair) > 1 and joined else 1
        before, unit, after = syllable[:position], syllable[position : position + size], syllable[position + size :]
        # The letters before the unit, without an initial that does not affect later keys.
        yield SyllableFrame(before if before.startswith(_ONSETS) else before.lstrip(_CONSONANTS), unit, after)
        position += size


def _sure(frames: Counter[SyllableFrame], method: Method) -> Forms:
    """The forms of a unit that nearly all of its frames give, with their mean weights."""
    total: Forms = Counter()
    reach: Forms = Counter()
    for frame, frequency in frames.items():
        for form, weight in _wrong(frame, method).items():
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
