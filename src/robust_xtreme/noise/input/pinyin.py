"""Chinese typed by pinyin: the wrong candidate, a similar syllable, a neighbouring key, a letter missed.

Near syllables differ by a pair of sounds of the pack `zh-fuzzy` (zh and z, in and ing). A key error of the keys
counts only where what is typed is again a syllable, and gives its commonest character. A word of two characters that
has another word of its reading, or of a mistyped one, is a unit of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, final

from robust_xtreme import languages, packs
from robust_xtreme.errors import DataError
from robust_xtreme.noise.engine.key_error_table import KeyingError
from robust_xtreme.noise.input.nearby import LATIN, near

_MOST: Final = {"candidate": 8, "syllable": 4, "neighbour": 4, "delete": 3}
_CANDIDATES: Final = 8
_NEAR: Final = 3
_FEWEST: Final = 3
_THOUSAND: Final = 1000

Count = dict[str, int]


@final
@dataclass(frozen=True, slots=True)
class Book:
    """Characters or words by reading, with frequencies, the commonest first; and the readings of each."""

    forms: Mapping[str, Count]
    readings: Mapping[str, Count]


def key_errors() -> Iterator[KeyingError]:
    """The key errors of the pinyin input method: of characters, and of words of two characters."""
    plain = characters()
    alphabet = frozenset(languages.language("zh").alphabet)
    mistakes = {}
    for syllable in plain.forms:
        mistyped = chain((("syllable", other, 1) for other in fuzzy(syllable)), struck(syllable))
        mistakes[syllable] = [row for row in mistyped if row[1] in plain.forms and row[1] != syllable]
    # Characters that are typed by mistake are those of the alphabet, and others where a syllable has too few.
    usual = {}
    for syllable, known in plain.forms.items():
        inside = {form: frequency for form, frequency in known.items() if form in alphabet}
        usual[syllable] = inside if len(inside) >= _FEWEST else known
    yield from _of_characters(usual, plain.readings, mistakes)
    yield from _of_words(words(), mistakes)


@packs.cached
def characters() -> Book:
    """The characters of simplified text by syllable."""
    return _book(packs.table("input", "zh-pinyin"), "character", "syllable")


@packs.cached
def words() -> Book:
    """Words of two characters by reading, its syllables apart."""
    return _book(packs.table("input", "zh-words"), "word", "reading")


def _book(table: packs.Table, text: str, sound: str) -> Book:
    """The rows of a table with a column for each, and one of frequencies."""
    table.need(text, sound, "frequency")
    rows = ((row[text], row[sound], table.number(row, "frequency")) for row in table.rows)
    forms: defaultdict[str, Count] = defaultdict(dict)
    readings: defaultdict[str, Count] = defaultdict(dict)
    for form, reading, frequency in sorted(rows, key=lambda row: (-row[2], row[0])):
        forms[reading][form] = frequency
        readings[form][reading] = frequency
    return Book(forms, readings)


def fuzzy(syllable: str) -> list[str]:
    """The syllables, legal or not, that differ in one sound that speakers take for the other."""
    begin = syllable[: 2 if syllable[1:2] == "h" else 1]
    swapped = [other + syllable[len(begin) :] for initial, other in _sounds("initial") if initial == begin]
    return swapped + [syllable[: -len(final)] + other for final, other in _sounds("final") if syllable.endswith(final)]


@packs.cached
def _sounds(position: str) -> list[tuple[str, str]]:
    """The sounds of a part of the syllable, each with its similar sound. Raises DataError for other sounds."""
    table = packs.table("input", "zh-fuzzy")
    table.need("place", "one", "other")
    for row in table.rows:
        if row["place"] not in ("initial", "final") or not (row["one"] and row["other"]):
            raise DataError(
                table.path, f"the row {', '.join(row.values())!r:.40} is not an initial or final and its partner"
            )
    pairs = [(row["one"], row["other"]) for row in table.rows if row["place"] == position]
    return [(left, other) for pair in pairs for left, other in (pair, pair[::-1])]


def struck(syllable: str) -> Iterator[tuple[str, str, int]]:
    """The key errors of a syllable, legal or not: kind, the letters typed, weight."""
    for index, letter in enumerate(syllable):
        before, after = syllable[:index], syllable[index + 1 :]
        yield "delete", before + after, 1
        for other, weight in near(LATIN, letter):
            yield "neighbour", before + other + after, weight


Mistakes = Mapping[str, list[tuple[str, str, int]]]
"""The legal syllables that a syllable is mistyped as: kind, syllable, weight."""


def _of_characters(
    usual: Mapping[str, Count], readings: Mapping[str, Count], mistakes: Mistakes
) -> Iterator[KeyingError]:
    tops = {syllable: _top(forms, _CANDIDATES + 1) for syllable, forms in usual.items()}
    nearest = {syllable: _top(forms, _NEAR) for syllable, forms in usual.items()}
    for point, known in readings.items():
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        total = sum(known.values())
        for syllable, frequency in known.items():
            share = max(1, _THOUSAND * frequency // total)
            for form, count in tops.get(syllable, ()):
                counts["candidate"][form] += max(1, count * share // _THOUSAND)
            for kind, other, weight in mistakes.get(syllable, ()):
                if kind == "syllable":
                    counts[kind].update({form: max(1, count * share // _THOUSAND) for form, count in nearest[other]})
                else:
                    counts[kind][nearest[other][0][0]] += weight * share
        yield from _most(point, counts)


def _most(point: str, counts: Mapping[str, Counter[str]]) -> Iterator[KeyingError]:
    for kind, forms in counts.items():
        forms.pop(point, None)
        yield from (KeyingError(point, kind, form, weight) for form, weight in forms.most_common(_MOST[kind]))


def _of_words(book: Book, mistakes: Mistakes) -> Iterator[KeyingError]:
    for reading, forms in book.forms.items():
        totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
        totals["candidate"].update(dict(_top(forms, _CANDIDATES + 1)))
        for kind, other, weight in _misread(reading, mistakes):
            for form, count in _top(book.forms.get(other, {}), _NEAR if kind == "syllable" else 1):
                totals[kind][form] += count if kind == "syllable" else weight
        for point in forms:
            yield from _most(point, {kind: counts.copy() for kind, counts in totals.items()})


def _misread(reading: str, mistakes: Mistakes) -> Iterator[tuple[str, str, int]]:
    """The readings that result when one of two syllables is mistyped: kind, reading, weight."""
    first, second = reading.split(" ")
    yield from ((kind, f"{other} {second}", weight) for kind, other, weight in mistakes.get(first, ()))
    yield from ((kind, f"{first} {other}", weight) for kind, other, weight in mistakes.get(second, ()))


def _top(forms: Count, most: int) -> list[tuple[str, int]]:
    return list(forms.items())[:most]
