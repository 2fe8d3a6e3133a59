"""Write perturbations/input/ja-romaji.tsv and ja-words.tsv: how Japanese is typed in romaji, and its words.

    python tools/packs/kana.py ROMANJI UNIDIC IPADIC

ROMANJI is mozc's table src/data/preedit/romanji-hiragana.tsv, UNIDIC the sys.dic of UniDic (of unidic-lite), IPADIC the
folder of IPADIC's .csv files (of Debian's mecab-ipadic). Of the romaji table, the rows are kept that are typed with
letters (or the hyphen) and give whole kana. A kana is typed by the spelling of ISO 3602 (kunrei) or of Hepburn where it
has one, both of which JIS X 4063 lists.

Words are those of IPADIC that contain a kanji. A form of a verb or adjective is cut where it is longer than the word in
a dictionary, or than the part of it that does not change, so that forms that differ only after it are one row. A word
has a reading if it is used alone (no name, number, suffix or prefix) and another word is read the same or nearly the
same; the other rows only say where words begin and end. `whole` are complete forms of verbs and adjectives. A weight is
ten times the frequency in UniDic, beside words of the same class that do not occur in its training corpus; a word that
does not occur, or is not in UniDic, weighs 1; verbs and adjectives that are not in it are left out, and so are words of
the kana of a particle and one kanji, as が解, which in texts mostly are the particle and the start of another word.
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

from robust_xtreme.core.languages import language
from robust_xtreme.noise.input.kana import sounds_alike

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
RAREST_NAME: Final = 7_000
LONGEST_NAME: Final = 4
PARTICLES: Final = frozenset("がはもと")
_FIELDS: Final = 20
_HEADER, _CHARSET, _TOKEN = struct.Struct("<10I"), 32, struct.Struct("<HHHhII")
_INFLECTED: Final = ("動詞", "形容詞")
_COMPLETE: Final = ("基本形", "連用形")
_NAME: Final = "固有名詞"
_ALONE: Final = frozenset(
    [
        *(("名詞", kind) for kind in ("一般", "サ変接続", "形容動詞語幹", "副詞可能", "代名詞", "ナイ形容詞語幹")),
        ("動詞", "自立"),
        ("形容詞", "自立"),
        ("副詞", "一般"),
        ("副詞", "助詞類接続"),
        ("接続詞", "*"),
        ("連体詞", "*"),
    ]
)

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
    "source": "IPADIC 2.7.0-20070801 (Debian's mecab-ipadic): words, readings; UniDic 2.1.2 (unidic-lite 1.0.8): costs",
    "licence": "NAIST-2003 (IPADIC), BSD-3-Clause (UniDic); texts in LICENSE-IPADIC.txt, LICENSE-UNIDIC.txt",
    "standing": "derived",
}


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


def weights(dictionary: Path) -> dict[tuple[str, str], int]:
    """The weight of each written form of UniDic with each of its readings in hiragana."""
    rows = [(fields, contexts, cost) for fields, contexts, cost in tokens(dictionary) if len(fields) >= _FIELDS]
    costs: defaultdict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    for _, contexts, cost in rows:
        costs[contexts][cost] += 1
    usual = {contexts: counts.most_common(1)[0][0] for contexts, counts in costs.items()}
    known: dict[tuple[str, str], int] = {}
    for fields, contexts, cost in rows:
        if fields[1] != _NAME and not fields[4].startswith("文語"):
            row = fields[8], _hiragana(fields[17])
            known[row] = max(known.get(row, 0), _weight(cost, usual[contexts]))
    return known


def _weight(cost: int, usual: int) -> int:
    return 1 if cost == usual else min(HEAVIEST, max(2, round(SEEN * exp((usual - cost) / COST_FACTOR))))


class Word(NamedTuple):
    """A word of IPADIC: its form and reading, both cut; whether it is used alone; whether a verb is complete."""

    text: str
    reading: str
    alone: bool
    complete: bool
    weight: int


def words(folder: Path, known: dict[tuple[str, str], int]) -> Iterator[Word]:
    """The words of IPADIC that contain a kanji and are written with letters of the alphabet."""
    for path in sorted(folder.glob("*.csv")):
        for fields in csv.reader(path.read_text("euc-jp").splitlines()):
            text = fields[0]
            kanji = [index for index, letter in enumerate(text) if _is_kanji(letter)]
            if kanji and ALPHABET.issuperset(text) and not fields[9].startswith("文語"):
                yield from _cut(fields, _hiragana(fields[11]), max(kanji), known)


def _cut(fields: list[str], reading: str, last: int, known: dict[tuple[str, str], int]) -> Iterator[Word]:
    """A row of IPADIC as a word, none where its ending is read otherwise or it is rare."""
    text, inflected, name = fields[0], fields[4] in _INFLECTED, fields[5] == _NAME
    stable = fields[4] == "形容詞" or fields[8].startswith("一段")
    ending = text[max(last + 2, len(fields[10]) - stable) :] if inflected else ""
    rare = name and (int(fields[3]) > RAREST_NAME or not 2 <= len(text) <= LONGEST_NAME)
    rare |= inflected and (text, reading) not in known
    rare |= text[0] in PARTICLES and len(text) == 1 + last == 2
    if reading.endswith(ending) and not rare:
        complete = not ending and fields[9] in _COMPLETE
        size = len(ending)
        weight = known.get((text, reading), 1)
        stem = text[: len(text) - size], reading[: len(reading) - size]
        yield Word(*stem, (fields[4], fields[5]) in _ALONE, complete, weight)


def word_rows(words: Iterable[Word]) -> list[tuple[str, str, int, bool]]:
    """Written form, reading, weight, and whether the form is complete; "" and 0 where a word has no reading."""
    readings: defaultdict[str, dict[str, tuple[int, bool]]] = defaultdict(dict)
    for word in words:
        listed = readings[word.text]
        if word.alone:
            weight, complete = listed.get(word.reading, (0, False))
            listed[word.reading] = max(weight, word.weight), complete or word.complete
    rows = []
    for text, listed in readings.items():
        most = max((weight for weight, _ in listed.values()), default=0)
        usual = [(text, reading, *row) for reading, row in listed.items() if row[0] >= most * RAREST_READING]
        rows += usual or [(text, "", 0, False)]
    return sorted(rows)


def _is_kanji(letter: str) -> bool:
    return "\u4e00" <= letter <= "\u9fff"


def _hiragana(reading: str) -> str:
    return "".join(chr(ord(character) - 0x60) if "ァ" <= character <= "ヶ" else character for character in reading)


def useful(rows: list[tuple[str, str, int, bool]]) -> list[tuple[str, str, int | str, str]]:
    """The rows, with readings only where another word has the same reading or a near one."""
    count = Counter(reading for _, reading, *_ in rows if reading)
    full: list[tuple[str, str, int | str, str]] = [
        (text, reading, weight, "yes" if complete else "")
        for text, reading, weight, complete in rows
        if count[reading] > 1 or any(other in count for other in sounds_alike(reading))
    ]
    read = {text for text, *_ in full}
    return sorted([*full, *((text, "", "", "") for text in {text for text, *_ in rows} - read)])


def write(name: str, facts: dict[str, str], columns: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Write a pack's file."""
    lines = ["\t".join(map(str, row)) for row in rows]
    path = TARGET / f"{name}.tsv"
    path.write_text(HEAD.format(**facts) + columns + "\n" + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(lines):,} rows, {path.stat().st_size:,} bytes")


def main(table: Path, unidic: Path, ipadic: Path) -> None:
    """Write both packs."""
    TARGET.mkdir(exist_ok=True)
    write("ja-romaji", ROMAJI, "keys\tkana\trest\ttyped", romaji_rows(table))
    write("ja-words", WORDS, "word\treading\tweight\twhole", useful(word_rows(words(ipadic, weights(unidic)))))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
