"""Write perturbations/romanisations/zh.tsv: how Chinese is written in pinyin without tones.

    python tools/packs/hanzi.py UNIHAN PYPINYIN

UNIHAN is the folder of Unicode's Unihan files (plain or .bz2), PYPINYIN pypinyin's phrases_dict.json. A character is
written as it is read most often (kHanyuPinlu, else kTGHZ2013, else kMandarin); a word of zh-words.tsv has a row if
pypinyin reads it otherwise. Between a word's syllables there is no space. The letter ü is v, as on keyboards, or u.
"""

from __future__ import annotations

import bz2
import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from robust_xtreme.languages import language

FOLDER: Final = Path(__file__).parents[2] / "perturbations"
FIELDS: Final = ("kHanyuPinlu", "kTGHZ2013", "kMandarin")
_PINLU: Final = re.compile(r"([^\s(]+)\((\d+)\)")
HEAD: Final = """\
# language: zh
# scheme: typed
# source: Unihan 15.0 (kHanyuPinlu, kTGHZ2013, kMandarin), pypinyin 0.55.0 phrases_dict.json
# licence: Unicode-3.0 (Unihan), MIT (pypinyin); texts beside the packs of input methods
# standing: derived
# maker: tools/packs/hanzi.py
letters\tforms\tweights
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
            counts[plain(reading)] = counts.get(plain(reading), 0) + int(count)
        return max(counts, key=lambda reading: counts[reading])
    if "kTGHZ2013" in fields:
        return plain(fields["kTGHZ2013"].split()[0].partition(":")[2].split(",")[0])
    return plain(fields["kMandarin"].split()[0])


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


def rows(folder: Path, phrases: dict[str, list[list[str]]]) -> dict[str, str]:
    """Letters and how they are read: characters, then words from short to long."""
    fields = readings(folder)
    alphabet = set(language("zh").alphabet)
    wanted = {letter for letter, row in fields.items() if "kTGHZ2013" in row or "kHanyuPinlu" in row} | alphabet
    traditional = FOLDER / "romanisations" / "zh-hant-back.tsv"
    if traditional.exists():
        wanted |= {line[0] for line in traditional.read_text("utf-8").splitlines() if not line.isascii()}
    known = {letter: usual(fields[letter]) for letter in sorted(wanted & fields.keys()) if letter > "\u3006"}
    lines = (FOLDER / "input" / "zh-words.tsv").read_text("utf-8").splitlines()
    words = {line.partition("\t")[0] for line in lines if not line.startswith("#")}
    for word in sorted(words, key=lambda word: (len(word), word)):
        read = [plain(ways[0]) for ways in phrases.get(word, ())]
        if len(read) == len(word) > 1 and composed(word, known) != "".join(read):
            known[word] = "".join(read)
    return known


def text(known: dict[str, str]) -> Iterator[str]:
    """The lines of the table."""
    for letters, reading in known.items():
        if "v" in reading:
            yield f"{letters}\t{reading} {reading.replace('v', 'u')}\t4 3"
        else:
            yield f"{letters}\t{reading}\t"


def main(folder: Path, phrases: Path) -> None:
    """Write the table."""
    known = rows(folder, json.loads(phrases.read_text("utf-8")))
    path = FOLDER / "romanisations" / "zh.tsv"
    path.write_text(HEAD + "\n".join(text(known)) + "\n", encoding="utf-8")
    print(f"{path.name}: {len(known):,} rows, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
