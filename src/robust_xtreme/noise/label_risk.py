"""Counts the numbers and negators that noise edits: such an edit can change the label of an item.

A number is a run of digits of any script, with single separators between them (1,5 or 10:30). Negators are the words of
the pack `negators/CODE` (not, never, without), as they are written, with a first capital and in capitals. `*` at an end
of a word of the list means any further letters (*n't). In languages without spaces between words they are looked
for within the text. A language without a list has None for its negators.

A number or negator of the clean text is edited where an edit's range overlaps it, or where it now touches a letter or
digit that it did not touch. Number words and negation by endings that no row lists are not counted.
"""

from __future__ import annotations

import itertools
import re
import sys
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from operator import itemgetter
from typing import Final, NamedTuple

from robust_xtreme import packs
from robust_xtreme.errors import DataError
from robust_xtreme.languages import language
from robust_xtreme.noise.engine.case import capital, upper
from robust_xtreme.noise.engine.noised import Noised

KIND: Final = "negators"
_NUMBER: Final = re.compile(r"\d+(?:[.,:/'’٫٬]\d+)*")
_ANY: Final = "*"
_ROW: Final = re.compile(r"\*?[^\s*]+\*?")
_STOP: Final = itemgetter(1)


class Edited(NamedTuple):
    """How many numbers and negators of some texts are edited; `negators` is None where a text has no list of them."""

    numbers: int
    negators: int | None


def edited(outcomes: Iterable[Noised]) -> Edited:
    """The edited numbers and negators of texts."""
    every = [_of_text(noised) for noised in outcomes]
    negators = [counts.negators for counts in every if counts.negators is not None]
    return Edited(sum(counts.numbers for counts in every), sum(negators) if len(negators) == len(every) else None)


def _of_text(noised: Noised) -> Edited:
    listed = pattern(noised.clean.language)
    if not any(trace.moves for trace in noised.traces):
        return Edited(0, None if listed is None else 0)
    return Edited(_count(_NUMBER, noised), None if listed is None else _count(listed, noised))


def _count(words: re.Pattern[str], noised: Noised) -> int:
    return sum(_is_edited(match.start(), match.end(), noised) for match in words.finditer(noised.clean.value))


def _is_edited(start: int, stop: int, noised: Noised) -> bool:
    """Whether an edit overlaps a range of the clean text, or lets it touch a letter or digit."""
    low, high = start, stop
    for trace in noised.traces:
        past = bisect_right(trace.moves, low, key=_STOP)
        if past < len(trace.moves) and trace.moves[past][0] < high:
            return True
        shift = trace.moves[past - 1][3] - trace.moves[past - 1][1] if past else 0
        low, high = low + shift, high + shift
    clean, noisy = noised.clean.value, noised.text.value
    before = _is_word(noisy[low - 1 : low] if low else "") and not _is_word(clean[start - 1 : start] if start else "")
    return before or (_is_word(noisy[high : high + 1]) and not _is_word(clean[stop : stop + 1]))


def _is_word(point: str) -> bool:
    """Whether a code point is a letter, a digit or a mark."""
    return point.isalnum() or (bool(point) and unicodedata.category(point)[0] == "M")


@packs.cached
def pattern(code: str) -> re.Pattern[str] | None:
    """The negators of a language as a pattern; None where it has no list. Raises DataError."""
    if not packs.has(KIND, code):
        return None
    # sides: the forms by whether the word may begin before them, and whether it may continue after them.
    sides: defaultdict[tuple[bool, bool], dict[str, None]] = defaultdict(dict)
    for word in negators(code):
        side = (word.startswith(_ANY), word.endswith(_ANY)) if language(code).spaces else (True, True)
        sides[side] |= dict.fromkeys(_forms(word, code))
    return re.compile("|".join(_written(side, forms) for side, forms in sides.items()))


@packs.cached
def negators(code: str) -> tuple[str, ...]:
    """The negators of a language's lists. Raises DataError at a row that is not one word."""
    words: dict[str, None] = {}
    for table in packs.tables(KIND, code):
        table.need("word")
        for number, row in enumerate(table.rows, 1):
            if not _ROW.fullmatch(row["word"]):
                raise DataError(
                    table.path, f"row {number}, {row['word']!r:.40}, is not one word, with * at an end or not"
                )
            words[unicodedata.normalize("NFC", row["word"])] = None
    return tuple(words)


def _forms(word: str, code: str) -> Iterator[str]:
    """A negator as listed, with a first capital and in capitals, each composed and decomposed."""
    raised = word if word.startswith(_ANY) else capital(word, code)
    for form in (word, raised, upper(word, code)):
        yield unicodedata.normalize("NFC", form)
        yield unicodedata.normalize("NFD", form)


def _written(side: tuple[bool, bool], forms: Iterable[str]) -> str:
    """The pattern of some forms, the longest first, and of what may be before and after them."""
    letters = (re.escape(form.strip(_ANY)).replace("'", "['’]") for form in sorted(forms, key=len, reverse=True))
    before, after = side
    begins, ends = "" if before else f"(?<![{_letters()}])", "" if after else f"(?![{_letters()}])"
    return f"{begins}(?:{'|'.join(letters)}){ends}"


@cache
def _letters() -> str:
    """The characters that a word is made of, as the content of a class of a pattern: letters, digits and marks."""
    marks = [point for point in range(sys.maxunicode + 1) if unicodedata.category(chr(point))[0] == "M"]
    runs = itertools.groupby(enumerate(marks), key=lambda pair: pair[1] - pair[0])
    ranges = [[point for _, point in run] for _, run in runs]
    return r"\w" + "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in ranges)
