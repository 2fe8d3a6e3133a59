"""Vietnamese typed by Telex or VNI: a letter, then a key for its hat, then one for the tone of its syllable.

The keys and rules are those of Keyman's help pages of the two methods (help.keyman.com, `vietnamese_telex` 1.6 and
`vietnamese_vni` 1.0): a later tone replaces an earlier one, a key struck once more takes back what it did and stays as
a letter, and marks may follow later in the syllable. The tone stands where the traditional spelling has it.
"""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, Literal, NamedTuple, final

from robust_xtreme import languages
from robust_xtreme.noise._nearby import near
from robust_xtreme.noise._slip_table import Slip

Method = Literal["telex", "vni"]

LAYOUT: Final = "us"
"""The keyboard pack that says where the keys lie."""

_CIRCUMFLEX, _BREVE, _HORN, _STROKE = "\u0302", "\u0306", "\u031b", "đ"
_MISSED, _LITERAL = 12, 2
_VOWELS: Final = "aeiouy"


class _Keys(NamedTuple):
    """The keys of a method: tones by key ("" takes the tone away), and hats as (key, letter) -> mark."""

    tones: dict[str, str]
    hats: dict[tuple[str, str], str]


def _hats(circumflex: str, breve: str, horn: str, stroke: str) -> dict[tuple[str, str], str]:
    """Hats by key and letter; an empty key stands for the letter itself."""
    round_ = {(circumflex or letter, letter): _CIRCUMFLEX for letter in "aeo"}
    return round_ | {(breve, "a"): _BREVE, (horn, "o"): _HORN, (horn, "u"): _HORN, (stroke, "d"): _STROKE}


_TONES: Final = ("\u0301", "\u0300", "\u0309", "\u0303", "\u0323", "")
_METHODS: Final[dict[str, _Keys]] = {
    "telex": _Keys(dict(zip("sfrxjz", _TONES, strict=True)), _hats("", "w", "w", "d")),
    "vni": _Keys(dict(zip("123450", _TONES, strict=True)), _hats("6", "8", "7", "9")),
}


@final
@dataclass(slots=True)  # gets its hat by a later key
class _Letter:
    """A letter of the word being typed: as it was struck, and the hat that it has."""

    sign: str
    hat: str = ""

    @property
    def base(self) -> str:
        """The letter in lower case, without its hat."""
        return self.sign.lower()

    def text(self, tone: str = "") -> str:
        """The letter in NFC."""
        if self.hat == _STROKE:
            return "Đ" if self.sign.isupper() else "đ"
        return unicodedata.normalize("NFC", self.sign + self.hat + tone)


@final
@dataclass(slots=True)  # grows as keys are struck
class _Word:
    """The word being typed and the tone that it has."""

    method: _Keys
    letters: list[_Letter] = field(default_factory=list)
    tone: str = ""

    def nucleus(self) -> range:
        """The places of the vowels of the last syllable; u of qu and i of gi before a vowel are none."""
        stop = next((n for n in range(len(self.letters), 0, -1) if self.letters[n - 1].base in _VOWELS), 0)
        start = stop
        while start and self.letters[start - 1].base in _VOWELS:
            start -= 1
        before = self.letters[start - 1].base if start else ""
        glide = before + self.letters[start].base in ("qu", "gi") if stop > start else False
        return range(start + (glide and stop - start > 1), stop)

    def strike(self, key: str) -> None:
        """One key more."""
        if self._toned(key.lower()) or self._hatted(key.lower()):
            return
        self.letters.append(_Letter(key))
        if "".join(letter.text() for letter in self.letters[-3:-1]).lower() == "uơ":
            self.letters[-3].hat = _HORN

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
        places = self._hats_of(key)
        fresh = [
            place for place in places if self.letters[place].hat != self.method.hats[key, self.letters[place].base]
        ]
        for place in places:
            letter = self.letters[place]
            letter.hat = self.method.hats[key, letter.base] if fresh else ""
        return bool(fresh)

    def _hats_of(self, key: str) -> list[int]:
        """The places of the letters that a key puts its hat on: uo inside a word, u of ua and uu, else the last one."""
        vowels = self.nucleus()
        first = range(min(1, len(self.letters))) if (key, "d") in self.method.hats else range(0)
        fits = [place for place in (*first, *vowels) if (key, self.letters[place].base) in self.method.hats]
        spelt = "".join(self.letters[place].base for place in vowels)
        if spelt.startswith("uo") and vowels.stop < len(self.letters):
            return fits
        return fits[:1] if spelt.startswith(("ua", "uu")) else fits[-1:]

    def text(self) -> str:
        """The word with its tone where the traditional spelling puts it."""
        place = self._toned_place() if self.tone else -1
        return "".join(letter.text(self.tone if n == place else "") for n, letter in enumerate(self.letters))

    def _toned_place(self) -> int:
        """The last vowel with a hat; else the last before a consonant; else the one before the last."""
        vowels = self.nucleus()
        hatted = [n for n in vowels if self.letters[n].hat]
        if hatted:
            return hatted[-1]
        closed = vowels.stop < len(self.letters)
        return vowels[-1] if closed or len(vowels) == 1 else vowels[-2]


def keys(text: str, method: Method, *, tone_last: bool = False) -> str:
    """The keys that type a Vietnamese text: hats behind their letter, the tone there or at the end of the word."""
    words = _words(unicodedata.normalize("NFC", text))
    return "".join(_strokes(word, _METHODS[method], tone_last=tone_last) for word in words)


def typed(strokes: str, method: Method) -> str:
    """What the input method makes of keys."""
    return "".join(_typed(word, _METHODS[method]) for word in _words(strokes))


def slips(method: Method) -> Iterator[Slip]:
    """What each letter of Vietnamese comes out as when one of its keys goes wrong; marks by themselves too."""
    letters = {form for letter in languages.language("vi").alphabet for form in (letter, letter.upper())}
    own = letters.union(string.digits if method == "vni" else "")
    for letter in sorted(letters):
        yield Slip(letter, "delete", "")
        yield Slip(letter, "shift", letter.swapcase())
        for (kind, form), weight in _changed(letter, method).items():
            if form != letter and own.issuperset(form):
                yield Slip(letter, kind, form, weight)
    yield from _of_marks(_METHODS[method])


def _words(text: str) -> Iterator[str]:
    """Runs of letters and digits, and what is between them."""
    return ("".join(run) for _, run in groupby(text, str.isalnum))


def _strokes(word: str, method: _Keys, *, tone_last: bool) -> str:
    """The keys of a word; those of marks are capitals where the whole word is, and has more letters than one."""
    tones = {tone: key for key, tone in method.tones.items() if tone}
    hats = {(mark, letter): key for (key, letter), mark in method.hats.items()}
    done, last = "", ""
    for sign in word:
        base, hat, mark = _parts(sign)
        tone = tones.get(mark, "")
        done += base + hats.get((hat, base.lower()), "") + ("" if tone_last else tone)
        last += tone if tone_last else ""
    return (done + last).upper() if len(word) > 1 and word.isupper() else done + last


def _parts(sign: str) -> tuple[str, str, str]:
    """A letter without marks, its hat and its tone."""
    if sign in "đĐ":
        return ("d" if sign == "đ" else "D"), _STROKE, ""
    base, *marks = tuple(unicodedata.normalize("NFD", sign))
    tone = "".join(mark for mark in marks if mark in _TONES)
    return base, "".join(mark for mark in marks if mark not in _TONES), tone


def _typed(word: str, method: _Keys) -> str:
    typing = _Word(method)
    for key in word:
        typing.strike(key)
    return typing.text()


def _changed(letter: str, method: Method) -> Counter[tuple[str, str]]:
    """The forms of a letter by kind, with their weights; its keys may also stay as they are, or all marks be missed."""
    found: Counter[tuple[str, str]] = Counter()
    strokes = keys(letter, method)
    if len(strokes) > 1:
        found["accent", strokes] += _LITERAL
        found["accent", strokes[0]] += _LITERAL
    for place, key in enumerate(strokes):
        head, tail = strokes[:place], strokes[place + 1 :]
        if place:
            found["accent", typed(head + tail, method)] += _MISSED
        found["double", typed(head + key + key + tail, method)] += 1
        for other, weight in near(LAYOUT, key):
            for kind, struck in (
                ("accent" if place else "neighbour", head + other + tail),
                ("insert", head + key + other + tail),
                ("insert", head + other + key + tail),
            ):
                form = typed(struck, method)
                if place or not (other.isdigit() and other in form):
                    found[kind, form] += weight
    return found


def _of_marks(method: _Keys) -> Iterator[Slip]:
    """The marks of a decomposed text: missed, or a tone whose key is beside."""
    for mark in sorted({*_TONES, *method.hats.values()} - {"", _STROKE}):
        yield Slip(mark, "accent", "", _MISSED)
    for key, tone in method.tones.items():
        for other, weight in near(LAYOUT, key):
            wrong = method.tones.get(other, "")
            if tone and wrong and unicodedata.combining(tone) == unicodedata.combining(wrong):
                yield Slip(tone, "accent", wrong, weight)
