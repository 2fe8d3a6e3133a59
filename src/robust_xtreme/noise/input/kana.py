"""Japanese typed in romaji and converted: mistyped keys that still give kana, and words that sound alike.

The keys of kana are those of the pack `ja-romaji`; a kana of two usual spellings has the key errors of both. A small っ
is the first of two equal consonants, so it and the kana after it are one unit. A form is kept where the letters give
only kana, of the script of the kana, and do not begin with a small kana.

Words of the pack `ja-words` are converted as a whole, up to their last kanji, to other words with the same ending: of
the same reading (`candidate`), or of one that sounds nearly the same (`syllable`): a vowel long or short, a small っ or
none, a consonant voiced or not. A word without ending also becomes one that has its own. A word becomes a rare one only
where no other sounds like it.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final, NamedTuple

from robust_xtreme.core import languages, packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.key_error_table import KeyingError, Word
from robust_xtreme.noise.input.keyboards import struck

MOST: Final = 8
"""How many forms a kana or a word has in one kind."""

_NEAR: Final = 4
_RARE: Final = 1
"""The weight of words that do not occur in the texts that the weights of `ja-words` come from."""

_LONG: Final = {"O": "う", "U": "う", "E": "い", "I": "い"}
_VOICED: Final = "\u3099"

_TSU: Final = "っ"
_SMALL: Final = tuple("ぁぃぅぇぉゃゅょゎ")
_ONE_KEY: Final = (_TSU, "ん", "ー")
_KANA: Final = "".join(map(chr, range(0x3041, 0x3100)))
KATAKANA: Final = {point: point + 0x60 for point in range(0x3041, 0x3097)}


class Romaji(NamedTuple):
    """The kana and the keys left over for what is typed, and the spellings by which a kana is typed."""

    gives: Mapping[str, tuple[str, str]]
    spellings: Mapping[str, tuple[str, ...]]

    def decode(self, keys: str) -> str | None:
        """The kana that keys give, from the longest match on; None where a letter is left over."""
        kana = ""
        while keys:
            match = next((keys[:size] for size in range(len(keys), 0, -1) if keys[:size] in self.gives), "")
            if not match:
                return None
            form, remainder = self.gives[match]
            kana, keys = kana + form, remainder + keys[len(match) :]
        return kana


@packs.cached
def romaji() -> Romaji:
    """The table of the pack `ja-romaji`. Raises DataError at a row whose keys give no kana, or never end."""
    table = packs.table("input", "ja-romaji").need("keys", "kana", optional=("rest", "typed"))
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for row in table.rows:
        if row.get("typed"):
            spellings[row["kana"]].append(row["keys"])
        if not row["kana"] or len(row["keys"]) <= len(row.get("rest", "")):
            what = f"the row {', '.join(row.values())!r:.40} is not keys, their kana, and the last of the keys or none"
            raise DataError(table.path, what)
    gives = {row["keys"]: (row["kana"], row.get("rest", "")) for row in table.rows}
    return Romaji(gives, {kana: tuple(keys) for kana, keys in spellings.items()})


def key_errors() -> Iterator[KeyingError]:
    """The key errors of romaji input in hiragana and katakana, and of the conversion to kanji."""
    alphabet = frozenset(languages.language("ja").alphabet)
    for kana, kind, form, weight, *_ in _of_kana(romaji()):
        for point, other in ((kana, form), (kana.translate(KATAKANA), form.translate(KATAKANA))):
            if alphabet.issuperset(point + other):
                yield KeyingError(point, kind, other, weight)
    yield KeyingError("ー", "delete", "")
    yield KeyingError("ー", "double", "ーー")
    yield from _of_words(_readings())


def _of_kana(table: Romaji) -> Iterator[KeyingError]:
    # A small っ is typed by the first key of the kana after it, struck twice.
    typed = {kana: [keys[0] + keys for keys in spellings] for kana, spellings in table.spellings.items()}
    doubled = {
        _TSU + kana: [keys for keys in several if table.decode(keys) == _TSU + kana]
        for kana, several in typed.items()
        if len(kana) == 1
    }
    for kana, spellings in chain(table.spellings.items(), doubled.items()):
        if kana in _ONE_KEY:
            continue
        # っ and a kana that can be before a small kana stay so that the form can, too: っき is part of っきょ.
        before_small = kana[0] == _TSU and any(kana[1:] + small in table.spellings for small in _SMALL)
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for kind, keys, weight in chain.from_iterable(map(struck, spellings)):
            form = table.decode(keys)
            ends = form is not None and (not before_small or form.endswith(kana[1:]))
            if form is not None and ends and form != kana and form[:1] not in _SMALL:
                counts[kind][form] += weight
        for kind, forms in counts.items():
            yield from (KeyingError(kana, kind, form, weight) for form, weight in forms.most_common(MOST))
    for kana in (_TSU, "ん"):
        yield KeyingError(kana, "delete", "")
        yield KeyingError(kana, "double", kana * 2)
    yield from (KeyingError(kana, "delete", "") for kana in _SMALL)


Group = tuple[str, str, str]
"""What words that replace each other share: their reading, the kana between their kanji, and their ending."""

Readings = dict[Group, dict[str, int]]
"""The letters of words, up to the last kanji, with their weights, the heaviest first."""


@packs.cached
def words() -> tuple[Word, ...]:
    """All words of the pack `ja-words`. One of a single kanji counts only where no other kanji is beside it."""
    table = packs.table("input", "ja-words").need("word", optional=("reading", "weight", "whole"))
    parts = (_parts(word) for word in dict.fromkeys(row["word"] for row in table.rows) if word)
    return tuple(Word(letters, tail, len(letters) == 1) for letters, tail in parts)


def _parts(word: str) -> tuple[str, str]:
    """A word up to its last kanji, and its ending in kana."""
    letters = word.rstrip(_KANA)
    return (letters, word[len(letters) :]) if letters else (word, "")


@packs.cached
def _readings() -> Readings:
    """The words that have a reading; those that are complete with an ending are also among the words without one."""
    groups: defaultdict[Group, dict[str, int]] = defaultdict(dict)
    table = packs.table("input", "ja-words")
    rows = [{"weight": "1", **row} for row in table.rows if row["word"] and row.get("reading")]
    for row in sorted(rows, key=lambda row: (-table.number(row, "weight"), row["word"])):
        letters, tail = _parts(row["word"])
        kana = "".join(letter for letter in letters if letter in _KANA)
        groups[row["reading"], kana, tail].setdefault(letters, int(row["weight"]))
        if tail and row.get("whole"):
            groups[row["reading"], kana, ""].setdefault(row["word"], int(row["weight"]))
    return groups


def _of_words(groups: Readings) -> Iterator[KeyingError]:
    typed: defaultdict[tuple[str, str], list[tuple[str, str, int]]] = defaultdict(list)
    for (reading, kana, tail), homophones in groups.items():
        alike = [groups[other, kana, tail] for other in sounds_alike(reading) if (other, kana, tail) in groups]
        for letters in homophones:
            if not _parts(letters)[1]:
                typed[letters, tail] += _instead(letters, homophones, alike)
    for (letters, tail), rows in typed.items():
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for kind, form, weight in [row for row in rows if row[2] > _RARE] or rows:
            counts[kind][form] += weight
        for kind, forms in counts.items():
            for form, weight in forms.most_common(MOST if kind == "candidate" else _NEAR):
                yield KeyingError(letters, kind, form, weight, tail=tail)


def _instead(
    letters: str, homophones: Mapping[str, int], alike: Iterable[Mapping[str, int]]
) -> Iterator[tuple[str, str, int]]:
    """The words of the same reading, and those as long that sound alike: kind, form, weight."""
    for form, weight in homophones.items():
        if form != letters:
            yield "candidate", form, weight
    for form, weight in chain.from_iterable(others.items() for others in alike):
        if form != letters and len(form) == len(letters):
            yield "syllable", form, weight


def sounds_alike(reading: str) -> Iterator[str]:
    """The readings that differ in one sound: a vowel long or short, a small っ or none, a consonant voiced or not."""
    for index, kana in enumerate(reading):
        before, after = reading[:index], reading[index + 1 :]
        sound = unicodedata.name(kana).split()[-1]
        lengthening = _LONG.get(sound[-1])
        if lengthening:
            yield before + kana + (after[1:] if after.startswith(lengthening) else lengthening + after)
        if kana == _TSU:
            yield before + after
        elif before and before[-1] not in "っん" and sound[0] in "KSTP":
            yield before + _TSU + kana + after
        base = unicodedata.normalize("NFD", kana)
        other = base[0] if base[1:] == _VOICED else unicodedata.normalize("NFC", base + _VOICED)
        if other != "ゔ" and len(other) == 1:
            yield before + other + after
