"""Vietnamese typed by Telex or VNI: a letter, then a key for its hat, then one for the tone of its syllable.

The keys and rules are those of Keyman's help pages of the two methods (help.keyman.com, `vietnamese_telex` 1.6 and
`vietnamese_vni` 1.0): a later tone replaces an earlier one, a key struck once more takes back what it did and stays as
a letter, and marks may follow later in the syllable. The tone is where the traditional spelling has it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Final, Literal, NamedTuple, final

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError

Method = Literal["telex", "vni"]

STROKE: Final = "đ"
"""How the pack and this module write the hat of đ, which is not a combining mark."""

TONES: Final = "\u0301\u0300\u0309\u0303\u0323"
_HORN: Final = "\u031b"
_HATS: Final = frozenset(("\u0302", "\u0306", _HORN, STROKE))
_CIRCLE: Final = "◌"
_VOWELS: Final = "aeiouy"


class Keys(NamedTuple):
    """The keys of a method: tones by key ("" takes the tone away), and hats by key and letter."""

    tones: dict[str, str]
    hats: dict[str, dict[str, str]]


@packs.cached
def method_keys(method: Method) -> Keys:
    """The keys of the pack `vi-telex` or `vi-vni`. Raises DataError at a row that is not a key of a mark."""
    table = packs.table("input", f"vi-{method}")
    table.need("key", "mark", "letters")
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


@final
@dataclass(slots=True)  # gets its hat by a later key
class _Letter:
    """A letter of the word being typed: as it was struck, in lower case, and the hat that it has."""

    sign: str
    base: str
    hat: str = ""


@cache
def _composed(sign: str, hat: str, tone: str) -> str:
    """A letter in NFC."""
    if hat == STROKE:
        return "Đ" if sign.isupper() else "đ"
    return unicodedata.normalize("NFC", sign + hat + tone)


@final
@dataclass(slots=True)  # grows as keys are struck
class _Word:
    """The word being typed and the tone that it has."""

    method: Keys
    letters: list[_Letter] = field(default_factory=list)
    tone: str = ""

    def nucleus(self) -> range:
        """The indices of the vowels of the last syllable; u of qu and i of gi before a vowel do not count."""
        stop = len(self.letters)
        while stop and self.letters[stop - 1].base not in _VOWELS:
            stop -= 1
        start = stop
        while start and self.letters[start - 1].base in _VOWELS:
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
        return "".join(
            _composed(letter.sign, letter.hat, self.tone if n == toned else "") for n, letter in enumerate(self.letters)
        )

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
    words = _words(unicodedata.normalize("NFC", text))
    return "".join(stroke.key for word in words for stroke in strokes(word, method, tone_last=tone_last))


def typed(struck: str, method: Method) -> str:
    """What the input method makes of keys."""
    text = ""
    for word in _words(struck):
        typing = _Word(method_keys(method))
        for key in word:
            typing.strike(key)
        text += typing.text()
    return text


def _words(text: str) -> Iterator[str]:
    """Runs of letters and digits, and what is between them."""
    return ("".join(run) for _, run in groupby(text, str.isalnum))


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
