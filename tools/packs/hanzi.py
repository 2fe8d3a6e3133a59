"""Write perturbations/romanisations/zh.tsv: how Chinese is written in pinyin without tones.

    python -m tools.packs.hanzi UNIHAN JIEBA PYPINYIN

UNIHAN is the folder of Unicode's Unihan files (plain or .bz2), JIEBA jieba's dict.txt, PYPINYIN pypinyin's
phrases_dict.json. A character is written as it is read most often: kHanyuPinlu, else kMandarin where kTGHZ2013 has that
reading too, else kTGHZ2013. A word of zh-words.tsv has a row if pypinyin reads it otherwise; other words of jieba,
which have characters that are not in the alphabet, have one in any case, since text is divided into the words of both
files. A word that pypinyin does not have is read as its characters are, but for those that are particles when alone,
and for 曾 in names. Between a word's syllables there is no space. The letter ü is v, as on keyboards, or u.
"""

from __future__ import annotations

import bz2
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tools.packs.pinyin import LONGEST, RAREST_LIMIT, words

from robust_xtreme.core.languages import language

FOLDER: Final = Path(__file__).parents[2] / "perturbations"
FIELDS: Final = ("kHanyuPinlu", "kMandarin", "kTGHZ2013")
NAMES: Final = "nr"
ADVERBS: Final = ("d", "u", "z")
"""jieba's tags of names of persons, and of adverbs and what is like them."""

WITHIN: Final = {"地": "di", "著": "zhu", "拓": "tuo", "埔": "pu", "咳": "ke", "呐": "na", "呵": "he", "忒": "te"}
"""Readings within words, of characters that are particles or interjections, or are read otherwise, when alone."""

SURNAMES: Final = {"曾": "zeng"}
"""Readings that characters have as surnames, of those that begin few names of other countries (which 查尔斯 is)."""

AUTHORED: Final = {
    "随地": "suidi", "深深地": "shenshende", "系统地": "xitongde",
    "朴槿惠": "piaojinhui", "朴正熙": "piaozhengxi", "单田芳": "shantianfang", "查良镛": "zhaliangyong",
    "尉迟恭": "yuchigong", "仇英": "qiuying", "解缙": "xiejin", "柬埔寨": "jianpuzhai", "亳州": "bozhou",
    "会稽": "kuaiji", "洪洞": "hongtong", "珲春": "hunchun", "大宛": "dayuan", "大月氏": "dayuezhi",
}  # fmt: skip
"""Words that pypinyin does not have: adverbs and not, names of persons and places."""

AMBIGUOUS: Final = {"朝阳": "chaoyang zhaoyang"}
"""Words with two readings, the more frequent one first: the district and city, and the morning sun."""

_PINLU: Final = re.compile(r"([^\s(]+)\((\d+)\)")
HEAD: Final = """\
# language: zh
# scheme: typed
# source: Unihan 15.0 (kHanyuPinlu, kMandarin, kTGHZ2013), jieba 0.42.1 dict.txt, pypinyin 0.55.0 phrases_dict.json
# licence: Unicode-3.0 (Unihan), MIT (jieba, pypinyin); texts beside the packs of input methods
# standing: derived
# maker: tools/packs/hanzi.py
letters\tforms\tweights\tstanding
"""


def readings(folder: Path) -> dict[str, dict[str, str]]:
    """The fields of each character that say how it is read."""
    path = next(folder.glob("Unihan_Readings.txt*"))
    data = bz2.decompress(path.read_bytes()) if path.suffix == ".bz2" else path.read_bytes()
    known: dict[str, dict[str, str]] = {}
    for line in data.decode("utf-8").splitlines():
        point, _, rest = line.partition("\t")
        field, _, value = rest.partition("\t")
        if point.startswith("U+") and field in FIELDS:
            known.setdefault(chr(int(point.removeprefix("U+"), base=16)), {})[field] = value
    return known


def usual(fields: dict[str, str]) -> str:
    """The most frequent reading of a character, as it is typed."""
    if "kHanyuPinlu" in fields:
        counts: dict[str, int] = {}
        for reading, count in _PINLU.findall(fields["kHanyuPinlu"]):
            syllable = "er" if plain(reading) == "r" else plain(reading)
            counts[syllable] = counts.get(syllable, 0) + int(count)
        return max(counts, key=lambda reading: counts[reading])
    table = [listed.partition(":")[2].split(",")[0] for listed in fields.get("kTGHZ2013", "").split()]
    usually = fields.get("kMandarin", "").split()[:1]
    return plain(usually[0] if usually and (not table or usually[0] in table) else table[0])


def plain(reading: str) -> str:
    """A syllable without its tone; ü is v."""
    parts = unicodedata.normalize("NFD", reading.replace("ü", "v").replace("Ü", "v"))
    umlauts = re.sub("u([\u0300-\u0307\u0309-\u036f]*)\u0308", "v", parts)
    return "".join(letter for letter in umlauts if letter.isascii())


def composed(word: str, known: dict[str, str]) -> str:
    """How a word is written by the longest rows."""
    text, index = "", 0
    while index < len(word):
        size = next(
            size for size in range(len(word) - index, 0, -1) if size == 1 or word[index : index + size] in known
        )
        text += known.get(word[index : index + size], "?")
        index += size
    return text


def lexicon(path: Path) -> dict[str, str]:
    """The words of jieba that are neither long nor rare, and their tags."""
    frequent = (word for word in words(path) if 2 <= len(word.text) <= LONGEST and word.frequency >= RAREST_LIMIT)
    return {word.text: word.tag for word in frequent}


def characters(folder: Path, used: Iterable[str]) -> dict[str, str]:
    """How each character is read most often, of those of the alphabet, of tables, and of the words used."""
    fields = readings(folder)
    wanted = {letter for letter, row in fields.items() if "kTGHZ2013" in row or "kHanyuPinlu" in row}
    wanted |= set(language("zh").alphabet).union(*used)
    traditional = FOLDER / "romanisations" / "zh-hant-back.tsv"
    if traditional.exists():
        wanted |= {line[0] for line in traditional.read_text("utf-8").splitlines() if not line.isascii()}
    return {letter: usual(fields[letter]) for letter in sorted(wanted & fields.keys()) if letter > "\u3006"}


def rows(folder: Path, dictionary: Path, phrases: dict[str, list[list[str]]]) -> dict[str, str]:
    """Letters and how they are read: characters, then words from short to long."""
    tags = lexicon(dictionary)
    known = characters(folder, tags)
    lines = (FOLDER / "input" / "zh-words.tsv").read_text("utf-8").splitlines()
    listed = {line.partition("\t")[0] for line in lines if not line.startswith("#")}
    for word in sorted({*listed, *tags, *AUTHORED}, key=lambda word: (len(word), word)):
        if len(word) > 1:
            read = [plain(ways[0]) for ways in phrases.get(word, ())]
            reading = "".join(read) if len(read) == len(word) else unlisted(word, tags.get(word, ""), known)
            if word not in listed or reading != composed(word, known):
                known[word] = reading
    return known


def unlisted(word: str, tag: str, known: dict[str, str]) -> str:
    """How a word is read that pypinyin does not have."""
    if word in AUTHORED:
        return AUTHORED[word]
    if word[0] in SURNAMES and tag.startswith(NAMES):
        return SURNAMES[word[0]] + composed(word[1:], known)
    if word[-1] == "地" and tag in ADVERBS:
        return composed(word, known)
    return composed(word, known | WITHIN)


def text(known: dict[str, str]) -> Iterator[str]:
    """The lines of the table."""
    for letters, reading in known.items():
        forms = AMBIGUOUS.get(letters) or (f"{reading} {reading.replace('v', 'u')}" if "v" in reading else reading)
        standing = "\tauthored" if letters in AUTHORED or letters in AMBIGUOUS else ""
        yield f"{letters}\t{forms}\t{'4 3' if ' ' in forms else ''}{standing}"


def main(folder: Path, dictionary: Path, phrases: Path) -> None:
    """Write the table."""
    known = rows(folder, dictionary, json.loads(phrases.read_text("utf-8")))
    path = FOLDER / "romanisations" / "zh.tsv"
    path.write_text(HEAD + "\n".join(text(known)) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(known):,} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
