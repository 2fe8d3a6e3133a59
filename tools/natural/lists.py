"""Lists of misspellings by language, and the operator of a pair of words that is one edit apart."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tools.yardstick.pairs import FILES, Pair, lists, read

from robust_xtreme.core import graphemes, packs
from robust_xtreme.noise.members.natural import bare

OPERATORS: Final = ("replace", "insert", "delete", "double", "swap", "mark")
"""What a writer does to letters; `mark` changes the accents of a letter."""


def pairs(code: str, folder: Path) -> tuple[Pair, ...]:
    """The pairs of a language: for English the four lists of the release files, else the bundled list."""
    if code == "en":
        return lists(folder).pairs
    rows = packs.table("misspellings", code).rows
    return tuple(Pair(row["right"].lower(), row["wrong"].lower()) for row in rows)


def raw(folder: Path) -> Iterator[Pair]:
    """The pairs of the English lists in small letters, those whose wrong word is a word, too."""
    yield from sorted({Pair(p.right.lower(), p.wrong.lower()) for name in FILES for p in read(folder / name)})


def bare_word(word: str) -> str:
    """A word without its accents."""
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))


def counted(some: Iterable[Pair]) -> Counter[str]:
    """How many pairs have each operator; pairs more than one edit apart have none."""
    return Counter(
        name for pair in some if (name := operator(graphemes.split(pair.right), graphemes.split(pair.wrong)))
    )


def alike_ends(right: Sequence[str], wrong: Sequence[str]) -> tuple[int, int]:
    """How many units two words share at their beginning, and then at their end."""
    lead = 0
    while lead < min(len(right), len(wrong)) and right[lead] == wrong[lead]:
        lead += 1
    tail = 0
    while tail < min(len(right), len(wrong)) - lead and right[-1 - tail] == wrong[-1 - tail]:
        tail += 1
    return lead, tail


def operator(right: Sequence[str], wrong: Sequence[str]) -> str:
    """The operator of two words, in grapheme clusters, that are one edit of letters apart; "" of others."""
    lead, tail = alike_ends(right, wrong)
    old, new = right[lead : len(right) - tail], wrong[lead : len(wrong) - tail]
    if not all(sign[0].isalpha() for sign in (*old, *new)):
        return ""
    return _operator(old, new, (*right[max(0, lead - 1) : lead], *right[lead : lead + 1]))


def _operator(old: Sequence[str], new: Sequence[str], beside: Sequence[str]) -> str:
    """The same of what differs; `beside` are the clusters before and after an insertion."""
    match len(old), len(new):
        case 1, 1:
            same = bare(old[0])[0][0] == bare(new[0])[0][0]
            return "" if old[0].lower() == new[0].lower() else "mark" if same else "replace"
        case 0, 1:
            return "double" if new[0] in beside else "insert"
        case 1, 0:
            return "delete"
        case 2, 2 if list(old) == list(new)[::-1]:
            return "swap"
    return ""
