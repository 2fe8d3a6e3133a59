"""Write perturbations/input/zh-words.tsv: the words of Chinese, how they are typed by pinyin, and how often.

    python tools/packs/pinyin.py UNIHAN JIEBA PYPINYIN

UNIHAN is the folder of Unicode's Unihan files (plain or .bz2), JIEBA jieba's dict.txt, PYPINYIN pypinyin's
phrases_dict.json. Readings of characters, with how often each is meant, are Unihan's (kHanyuPinlu, else kTGHZ2013, else
kMandarin), and those that a fifth of a character's words have; readings of words are pypinyin's, frequencies those of
jieba's words. A character is a word if in three of ten places where it is written it is one for jieba. A word has a
reading if another one is typed by the same or a mistyped reading, and if it is not a name; other rows only say where
words begin and end.
"""

from __future__ import annotations

import bz2
import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from robust_xtreme.core.languages import language
from robust_xtreme.noise.input.keyboards import struck
from robust_xtreme.noise.input.pinyin import fuzzy

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "input"
ALPHABET: Final = frozenset(language("zh").alphabet)
RAREST_WORD: Final = 20
RAREST_LIMIT: Final = 20
LONGEST: Final = 4
ALONE: Final = 0.3
BOUND: Final = ("g", "h", "j", "k", "nr", "ns", "nz", "x")
"""jieba's tags of characters that are not words: morphemes, prefixes, suffixes, abbreviations, names."""

DIGITS: Final = 2
RAREST_READING: Final = 0.02
IN_WORDS: Final = 0.2
_PINLU: Final = re.compile(r"(\S+?)\((\d+)\)")
_VOWEL: Final = re.compile("[aeiouv]")
_LATER: Final = ("kTGHZ2013", "kMandarin")

HEAD: Final = """\
# language: zh
# source: {source}
# licence: Unicode-3.0 (Unihan), MIT (jieba, pypinyin); texts in LICENSE-UNICODE.txt, LICENSE-JIEBA.txt, LICENSE-PYPINYIN.txt
# standing: derived
# maker: tools/packs/pinyin.py
"""  # noqa: E501 - a header line cannot be broken
WORDS: Final = "jieba 0.42.1 dict.txt, pypinyin 0.55.0 phrases_dict.json, Unihan 15.0 (kHanyuPinlu, kMandarin)"


class Unihan(NamedTuple):
    """Fields of Unihan by name and character."""

    fields: dict[str, dict[str, str]]

    def get(self, field: str, character: str) -> str:
        """What a field says of a character, "" where nothing."""
        return self.fields.get(field, {}).get(character, "")


def unihan(folder: Path) -> Unihan:
    """The fields of the files of readings, variants and dictionaries."""
    fields: dict[str, dict[str, str]] = defaultdict(dict)
    for name in ("Readings", "Variants", "DictionaryLikeData"):
        for line in _lines(folder / f"Unihan_{name}.txt"):
            if line.startswith("U+"):
                point, field, value = line.split("\t", 2)
                fields[field][_character(point)] = value
    return Unihan(fields)


def _lines(path: Path) -> list[str]:
    packed = path.with_name(path.name + ".bz2")
    content = bz2.decompress(packed.read_bytes()) if packed.is_file() else path.read_bytes()
    return content.decode("utf-8").splitlines()


def _character(point: str) -> str:
    return chr(int(point.removeprefix("U+"), base=16))


def typed(syllable: str) -> str:
    """A syllable as it is typed: without its tone, ü as v."""
    plain = unicodedata.normalize("NFD", syllable.lower()).replace("u\u0308", "v")
    return "".join(letter for letter in plain if letter.isascii() and letter.isalpha())


def readings(known: Unihan, character: str) -> dict[str, float]:
    """The syllables of a character and the share of each."""
    counts: Counter[str] = Counter()
    for syllable, count in _PINLU.findall(known.get("kHanyuPinlu", character)):
        counts[typed(syllable)] += int(count)
    for field in _LATER:
        value = known.get(field, character)
        if not counts and value:
            counts[typed(value.split()[0].split(":")[-1].split(",")[0])] += 1
    total = counts.total()
    usual = {reading: count / total for reading, count in counts.most_common() if _VOWEL.search(reading)}
    return {reading: share for reading, share in usual.items() if share >= RAREST_READING}


class Word(NamedTuple):
    """A word with its frequency and what kind of word jieba calls it."""

    text: str
    frequency: int
    tag: str


def words(path: Path) -> Iterator[Word]:
    """The words of jieba's dictionary that are written in Han characters only."""
    for line in path.read_text("utf-8").splitlines():
        text, frequency, tag = line.rsplit(" ", 2)
        if all("\u4e00" <= character <= "\u9fff" for character in text):
            yield Word(text, int(frequency), tag)


Phrases = dict[str, list[list[str]]]


def spoken(lexicon: Iterable[Word], phrases: Phrases) -> dict[str, dict[str, float]]:
    """The syllables that characters have within words, and the share of each in all that is written of a character."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    for word in lexicon:
        totals.update(dict.fromkeys(word.text, word.frequency))
        for character, syllables in zip(word.text, phrases.get(word.text, ()), strict=False):
            counts[character][typed(syllables[0])] += word.frequency
    return {
        character: {syllable: n / totals[character] for syllable, n in counted.items()}
        for character, counted in counts.items()
    }


def character_rows(known: Unihan, lexicon: list[Word], phrases: Phrases) -> Iterator[tuple[str, str, int]]:
    """Character, syllable, frequency, of the characters that are words."""
    counts: Counter[str] = Counter()
    for word in lexicon:
        counts.update(dict.fromkeys(word.text, word.frequency))
    inside = spoken(lexicon, phrases)
    for word in lexicon:
        bound = word.tag.startswith(BOUND)
        if word.text in ALPHABET and not bound and word.frequency >= ALONE * counts[word.text]:
            more = {reading: share for reading, share in inside.get(word.text, {}).items() if share >= IN_WORDS}
            for syllable, share in {**more, **readings(known, word.text)}.items():
                yield word.text, syllable, max(1, round(word.frequency * share))


def word_rows(known: Unihan, lexicon: Iterable[Word], phrases: Phrases) -> Iterator[tuple[str, str, int]]:
    """Words of several characters, how they are typed, "" for names and rare ones, and how often they are written."""
    for word in lexicon:
        if 2 <= len(word.text) <= LONGEST and word.frequency >= RAREST_LIMIT and ALPHABET.issuperset(word.text):
            usual = word.frequency >= RAREST_WORD and not word.tag.startswith("nr")
            yield word.text, _reading(known, word.text, phrases) if usual else "", word.frequency


def _reading(known: Unihan, word: str, phrases: Phrases) -> str:
    if word in phrases:
        return " ".join(typed(syllables[0]) for syllables in phrases[word])
    return " ".join(next(iter(readings(known, character))) for character in word)


def useful(rows: list[tuple[str, str, int]]) -> list[tuple[str, str, int | str]]:
    """The rows, with readings only where another word of as many letters has the same reading or a mistyped one."""
    count = Counter(reading for _, reading, _ in rows if reading)
    syllables = frozenset(syllable for reading in count for syllable in reading.split(" "))
    kept: list[tuple[str, str, int | str]] = []
    for text, reading, frequency in rows:
        near = count[reading] > 1 or any(other in count for other in _mistyped(reading, syllables))
        kept.append((text, reading, _rounded(frequency)) if near else (text, "", ""))
    return sorted(set(kept))


def _rounded(frequency: int) -> int:
    """A frequency with two digits that count, so that the pack is small."""
    return round(frequency, DIGITS - len(str(frequency)))


def _mistyped(reading: str, syllables: Container[str]) -> Iterator[str]:
    """The readings with one syllable that sounds like another or is mistyped."""
    parts = reading.split(" ")
    for index, syllable in enumerate(parts):
        for other in (*fuzzy(syllable), *(letters for _, letters, _ in struck(syllable))):
            if other in syllables:
                yield " ".join((*parts[:index], other, *parts[index + 1 :]))


def write(name: str, source: str, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Write a pack's file."""
    lines = ["\t".join(str(cell or "") for cell in row) for row in rows]
    path = TARGET / f"{name}.tsv"
    path.write_text(HEAD.format(source=source) + columns + "\n" + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(lines):,} rows, {path.stat().st_size:,} bytes")


def main(folder: Path, dictionary: Path, phrases: Path) -> None:
    """Write the pack."""
    known, lexicon = unihan(folder), list(words(dictionary))
    TARGET.mkdir(exist_ok=True)
    readings: Phrases = json.loads(phrases.read_text("utf-8"))
    rows = [*character_rows(known, lexicon, readings), *word_rows(known, lexicon, readings)]
    write("zh-words", WORDS, "word\treading\tfrequency", useful(rows))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
