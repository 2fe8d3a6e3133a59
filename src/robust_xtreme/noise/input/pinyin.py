"""Chinese typed by pinyin: the wrong candidate, a similar syllable, a neighbouring key, a letter missed.

Words of the pack `zh-words`, of one letter or several, are typed and converted as a whole. They become other words of
the list with as many letters: of the same reading, or of one typed by mistake. Near syllables differ by a pair of
sounds of the pack `zh-fuzzy` (zh and z, in and ing). A key error of the keys counts only where what is typed is again
the reading of a word, and gives the commonest one. A word does not become one that is a hundred times rarer:
a writer of 的 sees that 哦 is wrong. Rows without a reading only say where words begin and end.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.key_error_table import KeyingError, Word
from robust_xtreme.noise.input.keyboards import struck

_MOST: Final = {"candidate": 8, "syllable": 4, "neighbour": 4, "delete": 3}
_NEAR: Final = 3
_THOUSAND: Final = 1000
_RARER: Final = 100
"""How many times rarer than a word another one may be that is typed instead."""

Count = dict[str, int]


def key_errors() -> Iterator[KeyingError]:
    """The key errors of the pinyin input method."""
    known = readings()
    shares: defaultdict[str, int] = defaultdict(int)
    for forms in known.values():
        for word, frequency in forms.items():
            shares[word] += frequency
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for reading, forms in known.items():
        mistaken = _mistaken(reading, known)
        for word, frequency in forms.items():
            share = max(1, _THOUSAND * frequency // max(1, shares[word]))
            for kind, form, weight, commonness in mistaken:
                if len(form) == len(word) and _RARER * commonness >= frequency:
                    counts[word, kind][form] += max(1, weight * share // _THOUSAND)
    for (word, kind), words_typed in counts.items():
        words_typed.pop(word, None)
        yield from (KeyingError(word, kind, *row) for row in words_typed.most_common(_MOST[kind]))


@packs.cached
def words() -> tuple[Word, ...]:
    """All words of the pack `zh-words`."""
    return tuple(map(Word, dict.fromkeys(row["word"] for row in _table().rows if row["word"])))


@packs.cached
def readings() -> Mapping[str, Count]:
    """The words of each reading, syllables apart, with frequencies, the commonest first."""
    table = _table()
    rows = [(row["word"], row["reading"], table.number(row, "frequency")) for row in table.rows if row["reading"]]
    known: defaultdict[str, Count] = defaultdict(dict)
    for word, reading, frequency in sorted(rows, key=lambda row: (-row[2], row[0])):
        known[reading][word] = frequency
    return known


@packs.cached
def syllables() -> frozenset[str]:
    """The syllables that words are read with."""
    return frozenset(syllable for reading in readings() for syllable in reading.split(" "))


def _table() -> packs.PackTable:
    return packs.table("input", "zh-words").need("word", "reading", "frequency")


def fuzzy(syllable: str) -> list[str]:
    """The syllables, legal or not, that differ in one sound that speakers take for the other."""
    begin = syllable[: 2 if syllable[1:2] == "h" else 1]
    swapped = [other + syllable[len(begin) :] for initial, other in _sounds("initial") if initial == begin]
    return swapped + [syllable[: -len(final)] + other for final, other in _sounds("final") if syllable.endswith(final)]


@packs.cached
def _sounds(position: str) -> list[tuple[str, str]]:
    """The sounds of a part of the syllable, each with its similar sound. Raises DataError for other sounds."""
    table = packs.table("input", "zh-fuzzy").need("place", "one", "other")
    for row in table.rows:
        if row["place"] not in ("initial", "final") or not (row["one"] and row["other"]):
            what = f"the row {', '.join(row.values())!r:.40} is not an initial or final and its partner"
            raise DataError(table.path, what)
    pairs = [(row["one"], row["other"]) for row in table.rows if row["place"] == position]
    return [(left, other) for pair in pairs for left, other in (pair, pair[::-1])]


@packs.cached
def mistakes(syllable: str) -> tuple[tuple[str, str, int], ...]:
    """The syllables that one is mistyped as: kind, syllable, weight."""
    rows = [("syllable", other, 1) for other in fuzzy(syllable)]
    rows += [row for row in struck(syllable) if row[0] in ("delete", "neighbour")]
    return tuple(row for row in rows if row[1] in syllables() and row[1] != syllable)


def _mistaken(reading: str, known: Mapping[str, Count]) -> list[tuple[str, str, int, int]]:
    """The words that are typed instead of those of a reading: kind, word, weight, frequency."""
    homophones = islice(known[reading].items(), _MOST["candidate"] + 1)
    rows = [("candidate", form, frequency, frequency) for form, frequency in homophones]
    parts = reading.split(" ")
    for index, (kind, other, weight) in ((index, row) for index, part in enumerate(parts) for row in mistakes(part)):
        mistaken = " ".join((*parts[:index], other, *parts[index + 1 :]))
        for form, frequency in islice(known.get(mistaken, {}).items(), _NEAR if kind == "syllable" else 1):
            rows.append((kind, form, frequency if kind == "syllable" else weight, frequency))
    return rows
