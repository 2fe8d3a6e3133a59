"""Write perturbations/input/ja-readings.tsv: how Japanese words are read, beside what ja-words.tsv says.

    python tools/packs/readings.py UNIHAN IPADIC

UNIHAN is the folder of Unicode's Unihan files (plain or .bz2), IPADIC the folder of IPADIC's .csv files. A row of one
kanji is its reading within words, or as a word; within words it is the one that most words of two kanji have (of
Unihan's kJapaneseOn and kJapaneseKun). A kanji that is an affix in IPADIC has its reading there, at the start or end of
a word. A word has a row if its reading is not that of the words in it, or if its letters are: where two vowels within
it are not a long one (a blank in the reading, by IPADIC's pronunciations), or ん is before a vowel. An adjective has a
row for each of its usual forms, which are words in a text without spaces. The readings of usual_readings.tsv come
before all others, those of ja-words too, then those of numerals with counters.
"""

from __future__ import annotations

import bz2
import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Final

from robust_xtreme.core import packs
from robust_xtreme.core.languages import language

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "input" / "ja-readings.tsv"
INFLECTED: Final = ("動詞", "形容詞")
NAME: Final = "固有名詞"
HEAD: Final = """\
# language: ja
# source: IPADIC 2.7.0-20070801 (Debian's mecab-ipadic): readings; Unihan 15.0 (kJapaneseOn, kJapaneseKun); authored
# licence: NAIST-2003 (IPADIC), Unicode-3.0 (Unihan); texts in LICENSE-IPADIC.txt, LICENSE-UNICODE.txt
# standing: derived
# maker: tools/packs/readings.py
word\treading\twhere
"""
USUAL: Final = Path(__file__).with_name("usual_readings.tsv")
NAMED: Final = {"岐阜": "ぎふ"}
"""A prefecture with a kanji beside the alphabet."""

PLACES: Final = {"接尾": "end", "接頭詞": "start"}
"""The places of affixes, by their classes in IPADIC."""

COUNTER: Final = "助数詞"
PAST, STEM = "連用タ接続", "ガル接続"
FORMS: Final = {"基本形": ("",), "連用テ接続": ("", "て"), PAST: ("た",), "仮定形": ("ば",), STEM: ("",)}
"""The forms of adjectives in IPADIC that have rows, and what is after them there."""

LONG: Final = 4
"""The least letters of an adjective that is not in ja-words: 回遠い mostly is a word that ends with 回, and 遠い."""

NUMERALS: Final = {
    "一": "いち いっ", "二": "に", "三": "さん", "四": "よん", "五": "ご", "六": "ろく ろっ", "七": "なな",
    "八": "はち はっ", "九": "きゅう", "十": "じゅう じゅっ", "百": "ひゃく ひゃっ", "千": "せん", "何": "なん",
}  # fmt: skip
"""The reading of numerals, and that before k, s, t and h, or before k and h alone where it is of HARD."""

HARD: Final = frozenset("六百")
VOICING: Final = frozenset("三千何")
COUNTERS: Final = {
    "本": "ほん ぽん ぼん", "匹": "ひき ぴき びき", "杯": "はい ぱい ばい", "百": "ひゃく ぴゃく びゃく",
    "千": "せん せん ぜん", "分": "ふん ぷん ぷん", "階": "かい かい がい", "軒": "けん けん げん",
    "歳": "さい", "回": "かい", "冊": "さつ", "頭": "とう",
}  # fmt: skip
"""The readings of counters: after most numerals, after a small っ, after a numeral of VOICING."""

NOT_COUNTED: Final = frozenset(["二分", "十分", "百分", "千分", "千歳", "十百", "十千", "百百", "百千", "千百", "千千"])
"""Words of a numeral and the kanji of a counter that mostly are other words, or two numerals."""
LENGTHENED: Final = frozenset("おこそとのほもよろごぞどぼぽうくすつぬふむゆるぐずづぶぷ")
"""Kana after which う makes a vowel long."""

Places = dict[tuple[str, str], str]
"""Readings by a word and where it counts: "", word, start or end."""


def kanji_readings(folder: Path) -> dict[str, list[str]]:
    """The readings of each kanji in hiragana, Chinese ones first."""
    path = next(folder.glob("Unihan_Readings.txt*"))
    data = bz2.decompress(path.read_bytes()) if path.suffix == ".bz2" else path.read_bytes()
    kana = {row["keys"]: row["kana"] for row in packs.table("input", "ja-romaji").rows if not row.get("rest")}
    known: defaultdict[str, list[str]] = defaultdict(list)
    for wanted in ("kJapaneseOn", "kJapaneseKun"):
        for line in data.decode("utf-8").splitlines():
            point, _, rest = line.partition("\t")
            field, _, value = rest.partition("\t")
            if point.startswith("U+") and field == wanted:
                letter = chr(int(point.removeprefix("U+"), base=16))
                known[letter] += [text for word in value.split() if (text := from_romaji(word.lower(), kana))]
    return known


def from_romaji(word: str, kana: Mapping[str, str]) -> str:
    """Romaji as hiragana; "" where it is not romaji."""
    text, index = "", 0
    while index < len(word):
        size = next((size for size in (4, 3, 2, 1) if word[index : index + size] in kana), 0)
        if word[index] == "n" and (index + 1 == len(word) or word[index + 1] not in "aiueoy"):
            text, index = text + "ん", index + 1
        elif word[index : index + 1] == word[index + 1 : index + 2] and word[index] not in "aiueo":
            text, index = text + "っ", index + 1
        elif size:
            text, index = text + kana[word[index : index + size]], index + size
        else:
            return ""
    return text


def listed() -> tuple[dict[str, str], set[str]]:
    """The most frequent reading of each word of ja-words, and the words without a reading."""
    rows = packs.table("input", "ja-words").rows
    known: dict[str, tuple[int, str]] = {}
    for row in rows:
        if row["reading"]:
            known[row["word"]] = max(known.get(row["word"], (0, "")), (int(row["weight"]), row["reading"]))
    return {word: reading for word, (_, reading) in known.items()}, {row["word"] for row in rows} - known.keys()


def ipadic(folder: Path, wanted: set[str]) -> dict[str, str]:
    """The reading in IPADIC of each wanted word: that of the cheapest row, names last."""
    best: dict[str, tuple[bool, int, str]] = {}
    for path in sorted(folder.glob("*.csv")):
        for fields in csv.reader(path.read_text("euc-jp").splitlines()):
            for word, reading in cut(fields):
                rank = fields[5] == NAME, int(fields[3]), reading
                if word in wanted and rank < best.get(word, (True, 1 << 30, "")):
                    best[word] = rank
    return {word: reading for word, (_, _, reading) in best.items()}


def cut(fields: list[str]) -> Iterator[tuple[str, str]]:
    """A row of IPADIC without the ending that ja-words leaves out."""
    text, reading = fields[0], hiragana(fields[11])
    kanji = [index for index, letter in enumerate(text) if is_kanji(letter)]
    if kanji and not fields[9].startswith("文語"):
        stable = fields[4] == "形容詞" or fields[8].startswith("一段")
        ending = text[max(max(kanji) + 2, len(fields[10]) - stable) :] if fields[4] in INFLECTED else ""
        if reading.endswith(ending):
            yield text[: len(text) - len(ending)], reading[: len(reading) - len(ending)]


def is_kanji(letter: str) -> bool:
    """Whether a letter is an ideograph."""
    return "\u4e00" <= letter <= "\u9fff"


def hiragana(text: str) -> str:
    """A text with its katakana as hiragana."""
    return "".join(chr(ord(letter) - 0x60) if "ァ" <= letter <= "ヶ" else letter for letter in text)


def within(words: Mapping[str, str], kanji: Mapping[str, list[str]]) -> dict[str, str]:
    """The reading of each kanji that most words of two kanji have, else its first one."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for word, reading in words.items():
        if len(word) == 2:
            for first in kanji.get(word[0], ()):
                if reading.startswith(first) and reading[len(first) :] in kanji.get(word[1], ()):
                    counts[word[0]][first] += 1
                    counts[word[1]][reading[len(first) :]] += 1
    usual = {letter: readings[0] for letter, readings in kanji.items() if readings}
    return usual | {letter: count.most_common(1)[0][0] for letter, count in counts.items()}


def usual() -> Places:
    """The rows of the list of usual readings; "" where a kanji is not an affix."""
    lines = (line for line in USUAL.read_text("utf-8").splitlines() if not line.startswith("#"))
    word, reading, where = next(lines).split("\t")
    rows = csv.DictReader(lines, (word, reading, where), delimiter="\t")
    return {(row[word], row[where]): row[reading] for row in rows}


def counted() -> Places:
    """The readings of numerals with counters."""
    rows: Places = {("四分", ""): "よんぷん"}
    for numeral, counts in NUMERALS.items():
        plain, *short = counts.split()
        for counter, forms in COUNTERS.items():
            usual, doubled, voiced = (forms.split() * 3)[:3]
            if short and (usual[0] not in "さしせとた" or numeral not in HARD):
                reading = short[0] + doubled
            else:
                reading = plain + (voiced if numeral in VOICING else usual)
            if numeral + counter not in NOT_COUNTED:
                rows.setdefault((numeral + counter, ""), reading)
    return rows


def adjectives(folder: Path, known: Mapping[str, str], alphabet: frozenset[str]) -> Places:
    """The readings of the usual forms of adjectives: of those whose stem is read as it is known, the cheapest."""
    best: dict[str, tuple[bool, int, str]] = {}
    for fields in csv.reader((folder / "Adj.csv").read_text("euc-jp").splitlines()):
        text, base, reading = fields[0], fields[10], hiragana(fields[11])
        stem = known.get(base, "").removesuffix("い") or known.get(base[:-1], "")
        if is_form(text, fields[9]) and (stem or len(base) >= LONG or not alphabet.issuperset(base)):
            for after in FORMS[fields[9]]:
                rank = not reading.startswith(stem), int(fields[3]), reading + after
                best[text + after] = min(best.get(text + after, rank), rank)
    return {(text, ""): reading for text, (_, _, reading) in sorted(best.items()) if text not in known}


def is_form(text: str, form: str) -> bool:
    """Whether a text is a usual form of an adjective with kanji, and is not a noun with the particle が or な."""
    particle = any(is_kanji(first) and last == "が" for first, last in pairwise(text))
    cut = text[-1] == "な" if form == STEM else text[-1] == "っ" and form != PAST
    return form in FORMS and any(map(is_kanji, text)) and not particle and not cut


def affixes(folder: Path) -> Places:
    """The reading in IPADIC of each kanji that is a suffix or a prefix: the cheapest, those that count things last."""
    best: dict[tuple[str, str], tuple[bool, int, str]] = {}
    for path in sorted(folder.glob("*.csv")):
        for fields in csv.reader(path.read_text("euc-jp").splitlines()):
            where = PLACES.get(fields[5]) or PLACES.get(fields[4])
            if where and len(fields[0]) == 1 and is_kanji(fields[0]):
                key, rank = (fields[0], where), (fields[6] == COUNTER, int(fields[3]), hiragana(fields[11]))
                best[key] = min(best.get(key, rank), rank)
    return {key: reading for key, (_, _, reading) in sorted(best.items())}


def pronounced(folder: Path, known: Mapping[str, str], kanji: Mapping[str, list[str]]) -> dict[str, str]:
    """The readings of words with a blank before each う that is not the length of the vowel before it, where one is."""
    divided: dict[str, str] = {}
    for path in sorted(folder.glob("*.csv")):
        for fields in csv.reader(path.read_text("euc-jp").splitlines()):
            text, reading, sound = fields[0], hiragana(fields[11]), fields[12]
            begins = len(text) == 1 or any(way[0] == "う" for letter in text for way in kanji.get(letter, letter))
            if known.get(text) == reading and len(sound) == len(reading) and begins and text not in divided:
                stop = len(reading) - min(index for index, letter in enumerate(text[::-1] + "一") if is_kanji(letter))
                pairs = zip(pairwise(reading), sound[1:], strict=True)
                cuts = [" " * ((last in LENGTHENED) and now == "う" and heard == "ウ") for (last, now), heard in pairs]
                parts = zip(("", *cuts), reading, strict=True)
                divided[text] = "".join(cut * (index < stop) + kana for index, (cut, kana) in enumerate(parts))
    return {text: reading for text, reading in divided.items() if " " in reading}


def composed(word: str, known: Places, affixed: bool) -> str:
    """How a word is read by the longest words in it, itself left out; kana stay, and affixes are as at a word's ends.

    A reading that depends on where parts meet is "": where one ends with ん, and the next begins with a vowel or y.
    """
    parts, index = [], 0
    while index < len(word):
        sizes = range(min(len(word) - index, len(word) - 1), 0, -1)
        size = next((size for size in sizes if (word[index : index + size], "") in known), 1)
        part = word[index : index + size]
        where = "start" if not index else "end" if index + size == len(word) else ""
        parts.append((affixed and known.get((part, where))) or known.get((part, ""), hiragana(part)))
        index += size
    joined = any(first[-1] == "ん" and last[0] in "あいうえおやゆよ" for first, last in pairwise(parts))
    return "" if joined else "".join(parts)


def main(unihan: Path, folder: Path) -> None:
    """Write the pack."""
    words, bare = listed()
    first = counted() | usual()
    more = ipadic(folder, bare) | NAMED
    alphabet = frozenset(language("ja").alphabet)
    readings = kanji_readings(unihan)
    kanji = within(words | more, readings)
    inside = {letter: reading for letter, reading in kanji.items() if letter in alphabet}
    rows: Places = {(letter, ""): reading for letter, reading in sorted(inside.items())}
    ends = {key: reading for key, reading in affixes(folder).items() if key[0] in alphabet}
    apart = {letter for letter, _ in ends} | {word for word in more if inside.get(word, more[word]) != more[word]}
    rows |= {(word, "word"): reading for word, reading in sorted(more.items()) if word in apart}
    rows |= ends
    rows = adjectives(folder, words | more, alphabet) | rows
    rows = {key: reading for key, reading in (rows | first).items() if reading}
    divided = pronounced(folder, words | more, readings)
    suffixes = {letter for letter, where in rows if where == "end"}
    pairs = ((word, reading) for word, reading in (words | more).items() if len(word) == 2 and word[1] in suffixes)
    begun = {word[0] for word, reading in pairs if not reading.startswith(inside.get(word[0], ""))}
    known = {**{(word, ""): reading for word, reading in words.items() if len(word) > 1}, **rows}
    for word, reading in sorted(more.items(), key=lambda row: (len(row[0]), row[0])):
        ways = {composed(word, known, affixed) for affixed in (True, False)}
        if len(word) > 1 and (word, "") not in first and (ways != {reading} or word[-1] in begun):
            rows[word, ""] = known[word, ""] = divided.get(word, reading)
    rows |= {(word, ""): divided[word] for word in sorted(divided) if word in words and (word, "") not in rows}
    lines = (f"{word}\t{reading}\t{where}\n" for (word, where), reading in rows.items())
    TARGET.write_text(HEAD + "".join(lines), encoding="utf-8")
    print(f"{TARGET.name}: {len(rows):,} rows, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
