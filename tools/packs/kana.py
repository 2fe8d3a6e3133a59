"""Write perturbations/input/ja-romaji.tsv and ja-words.tsv: how Japanese is typed in romaji, and homophones.

    python tools/packs/kana.py ROMANJI UNIDIC

ROMANJI is mozc's table src/data/preedit/romanji-hiragana.tsv, UNIDIC the sys.dic of UniDic (of unidic-lite). Of the
romaji table, the rows are kept that are typed with letters (or the hyphen) and give whole kana. A kana is typed by the
spelling of ISO 3602 (kunrei) or of Hepburn where it has one, both of which JIS X 4063 lists. Words are those of one
kanji, of two kanji, and of a kanji and a kana, in modern inflection and no names. UniDic gives all words of a class
that do not occur in its training corpus one cost: those weigh 1 here, others ten times their frequency beside them.
"""

from __future__ import annotations

import csv
import struct
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from math import exp
from pathlib import Path
from typing import Final, NamedTuple

from robust_xtreme.languages import language

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "input"
ALPHABET: Final = frozenset(language("ja").alphabet)
HEPBURN: Final = frozenset(
    ["shi", "chi", "tsu", "fu", "ji", "sha", "shu", "she", "sho", "cha", "chu", "che", "cho", "ja", "ju", "je", "jo"]
)
SMALL: Final = frozenset("ぁぃぅぇぉゃゅょゎゕゖヵヶ")
COST_FACTOR: Final = 700
SEEN: Final = 10
HEAVIEST: Final = 10_000
RAREST_READING: Final = 0.05
FEW, MANY = 3, 7
_FIELDS: Final = 20
_HEADER, _CHARSET, _TOKEN = struct.Struct("<10I"), 32, struct.Struct("<HHHhII")
_CLASSES: Final = frozenset(["名詞", "代名詞", "形状詞", "連体詞", "副詞", "動詞", "形容詞", "接頭辞", "接尾辞"])

HEAD: Final = """\
# language: ja
# source: {source}
# licence: {licence}
# standing: {standing}
# maker: tools/packs/kana.py
"""
ROMAJI: Final = {
    "source": "mozc, src/data/preedit/romanji-hiragana.tsv at commit abe2577dfd46; typed by ISO 3602 and Hepburn",
    "licence": "BSD-3-Clause (mozc), text in LICENSE-MOZC.txt",
    "standing": "attested",
}
WORDS: Final = {
    "source": "UniDic 2.1.2 (package unidic-lite 1.0.8), sys.dic: written form, kana form, cost",
    "licence": "BSD-3-Clause (UniDic), text in LICENSE-UNIDIC.txt",
    "standing": "derived",
}


class Word(NamedTuple):
    """A written form with its reading in katakana, its class of contexts and its cost."""

    text: str
    reading: str
    contexts: tuple[int, int]
    cost: int


def romaji_rows(table: Path) -> Iterator[tuple[str, str, str, str]]:
    """Keys, the kana that they give, the keys that stay, and whether the kana is typed so."""
    rows = [(*line.split("\t"), "")[:3] for line in table.read_text("utf-8").splitlines() if line]
    kept = [row for row in rows if _whole(row[0], row[1])]
    ordered = sorted(kept, key=lambda row: (_rank(row[0]), len(row[0]), row[0]), reverse=True)
    first = {kana: keys for keys, kana, _ in ordered}
    for keys, kana, rest in kept:
        typed = not rest and (first[kana] == keys or keys in HEPBURN)
        yield keys, kana, rest, "yes" if typed else ""


def _whole(keys: str, kana: str) -> bool:
    letters = keys.isascii() and (keys.isalpha() or keys == "-")
    kana_only = all("ぁ" <= character <= "ゖ" or character == "ー" for character in kana)
    return letters and keys[0] not in "xl" and kana[0] not in SMALL and kana_only


def _rank(keys: str) -> tuple[bool, bool]:
    """What is typed last, of several spellings: those that are neither kunrei nor short for a foreign sound."""
    return keys in HEPBURN, keys[0] in "cqjv" or keys[:2] in ("wh", "wu", "hw", "kw") or keys == "n"


def tokens(dictionary: Path) -> Iterator[tuple[list[str], tuple[int, int], int]]:
    """Features, contexts and cost of each word of a MeCab dictionary."""
    data = dictionary.read_bytes()
    head = _HEADER.unpack_from(data)
    start = _HEADER.size + _CHARSET + head[6]
    features = start + head[7]
    for left, right, _, cost, feature, _ in _TOKEN.iter_unpack(data[start:features]):
        stop = data.index(b"\0", features + feature)
        line = data[features + feature : stop].decode("utf-8")
        yield next(csv.reader([line])), (left, right), cost


def words(dictionary: Path) -> Iterator[Word]:
    """The words of one or two letters that begin with a kanji."""
    for fields, contexts, cost in tokens(dictionary):
        usual = len(fields) >= _FIELDS and fields[0] in _CLASSES and fields[1] != "固有名詞"
        if usual and not fields[4].startswith("文語") and fields[17] != "*":
            yield Word(fields[8], fields[17], contexts, cost)


def word_rows(words: Iterable[Word]) -> list[tuple[str, str, int]]:
    """Written form, reading in hiragana, and weight, of the words that are written with letters of the alphabet."""
    listed = list(words)
    costs: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    for word in listed:
        costs[word.contexts][word.cost] += 1
    weights: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for word in listed:
        if len(word.text) <= 2 and ALPHABET.issuperset(word.text) and _is_kanji(word.text[0]):
            usual = costs[word.contexts].most_common(1)[0][0]
            reading = _hiragana(word.reading)
            weights[word.text][reading] = max(weights[word.text].get(reading, 0), _weight(word.cost, usual))
    return sorted((text, *row) for text, readings in weights.items() for row in _main(readings))


def _weight(cost: int, usual: int) -> int:
    return 1 if cost == usual else min(HEAVIEST, max(2, round(SEEN * exp((usual - cost) / COST_FACTOR))))


def _main(readings: dict[str, int]) -> list[tuple[str, int]]:
    most = max(readings.values())
    return [(reading, weight) for reading, weight in readings.items() if weight >= most * RAREST_READING]


def _is_kanji(letter: str) -> bool:
    return "\u4e00" <= letter <= "\u9fff"


def _hiragana(reading: str) -> str:
    return "".join(chr(ord(character) - 0x60) if "ァ" <= character <= "ヶ" else character for character in reading)


def useful(rows: list[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """The words that have another of the same reading, length and ending; rare ones only beside few usual ones."""
    usual = Counter(_like(*row) for row in rows if row[2] > 1)
    kept = [row for row in rows if row[2] > 1 or 0 < usual[_like(*row)] < FEW]
    count = Counter(_like(*row) for row in kept)
    return [row for row in kept if count[_like(*row)] > 1 and (row[2] > 1 or count[_like(*row)] <= MANY)]


def _like(text: str, reading: str, _: int) -> tuple[str, int, str]:
    return reading, len(text), "" if _is_kanji(text[-1]) else text[-1]


def write(name: str, facts: dict[str, str], columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Write a pack's file."""
    lines = ["\t".join(map(str, row)) for row in rows]
    path = TARGET / f"{name}.tsv"
    path.write_text(HEAD.format(**facts) + columns + "\n" + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(lines):,} rows, {path.stat().st_size:,} bytes")


def main(table: Path, dictionary: Path) -> None:
    """Write both packs."""
    TARGET.mkdir(exist_ok=True)
    write("ja-romaji", ROMAJI, "keys\tkana\trest\ttyped", romaji_rows(table))
    write("ja-words", WORDS, "word\treading\tweight", useful(word_rows(words(dictionary))))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
