"""Counts the numbers and negators that noise edits: such an edit can change the label of an item.

A number is a run of digits of any script, with single separators between them (1,5 or 10:30). Negators are the words of
the pack `negators/CODE` (not, never, without), as they are written, with a first capital and in capitals. `*` at an end
of a word of the list means any further letters (*n't). In languages without spaces between words they are looked
for within the text. A language without a list has None for its negators.

A number or negator of the clean text is edited where an edit's range overlaps it, or where it now touches a letter or
digit that it did not touch. Number words and negation by endings that no row lists are not counted.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core import packs
from robust_xtreme.core.columns import bounds_of
from robust_xtreme.core.edits import Array
from robust_xtreme.core.errors import DataError
from robust_xtreme.core.examples import Text
from robust_xtreme.core.graphemes import SEPARATOR, code_points
from robust_xtreme.core.languages import language
from robust_xtreme.noise.engine.case import capital, upper
from robust_xtreme.noise.engine.noised import NoisedTexts
from robust_xtreme.noise.engine.options import EditOptions

KIND: Final = "negators"
_NUMBER: Final = re.compile(r"\d+(?:[.,:/'’٫٬]\d+)*")
MARKED: Final = (*range(4), 0xA, *range(0xF, 0x1F), 0xE0)
"""The blocks of 4096 code points that can have marks; others contain ideographs, syllables, symbols, or nothing."""

_ANY: Final = "*"
_ROW: Final = re.compile(r"\*?[^\s*]+\*?")


class _Words(NamedTuple):
    """Ranges of words in texts (k,), and whether a letter, digit or mark is directly `before` or `after` each."""

    text: Array
    start: Array
    stop: Array
    before: Array
    after: Array


class Risky(NamedTuple):
    """The numbers and the negators of clean texts."""

    numbers: _Words
    negators: _Words


_NO_WORDS: Final = _Words(*np.zeros((3, 0), np.int64), *np.zeros((2, 0), np.bool_))
NO_RISK: Final = Risky(_NO_WORDS, _NO_WORDS)


def risky(texts: Sequence[Text]) -> Risky:
    """The numbers and negators of texts. Raises DataError."""
    patterns = {code: pattern(code) for code in dict.fromkeys(text.language for text in texts)}
    parts = [
        _words(listed, texts, [number for number, text in enumerate(texts) if text.language == code])
        for code, listed in patterns.items()
        if listed is not None
    ]
    columns = map(np.concatenate, zip(_NO_WORDS, *parts, strict=True))
    return Risky(_words(_NUMBER, texts, range(len(texts))), _Words(*columns))


def are_listed(texts: Sequence[Text]) -> Array:
    """Whether there is a list of negators in the language of each text (t,). Raises DataError."""
    known = {code: pattern(code) is not None for code in {text.language for text in texts}}
    return np.array([known[text.language] for text in texts], np.bool_)


class _Points:
    """The code points of texts."""

    def __init__(self, values: Sequence[str]) -> None:
        self._bounds = bounds_of(np.fromiter(map(len, values), np.int64, len(values)))
        self._points = code_points("".join(values))

    def are_words(self, texts: Array, positions: Array) -> Array:
        """Whether a letter, a digit or a mark is at positions (k,) of texts (k,); not where nothing is."""
        low, high = self._bounds[texts], self._bounds[texts + 1]
        at = low + positions
        there = np.flatnonzero((positions >= 0) & (at < high))
        is_word = np.zeros(len(texts), np.bool_)
        points, number = np.unique(self._points[at[there]], return_inverse=True)
        is_word[there] = np.array([_is_word(chr(point)) for point in points.tolist()], np.bool_)[number]
        return is_word


def _words(words: re.Pattern[str], texts: Sequence[Text], numbers: Sequence[int]) -> _Words:
    """The matches of a pattern, which cannot be longer than a text, in texts by number."""
    values = [texts[number].value for number in numbers]
    bounds = bounds_of(np.array([len(value) + 1 for value in values], np.int64))
    ranges = [match.span() for match in words.finditer(SEPARATOR.join(values))]
    starts, stops = np.array(ranges, np.int64).reshape(-1, 2).T
    text, points = np.searchsorted(bounds, starts, "right") - 1, _Points(values)
    starts, stops = starts - bounds[text], stops - bounds[text]
    beside = points.are_words(text, starts - 1), points.are_words(text, stops)
    return _Words(np.array(numbers, np.int64)[text], starts, stops, *beside)


def edited(noised: NoisedTexts, words: Risky) -> tuple[Array, Array]:
    """How many numbers and negators of texts are edited, (t,) each, from those of the clean texts."""
    noisy = _Points(noised.values)
    return _count(words.numbers, noised, noisy), _count(words.negators, noised, noisy)


def _count(words: _Words, noised: NoisedTexts, noisy: _Points) -> Array:
    """How many words of each text (t,) an edit overlaps, or lets touch a letter or digit."""
    ends, is_edited = (words.start, words.stop), np.zeros(len(words.text), np.bool_)
    for link in noised.links:
        overlapped, ends = link.passed(words.text, ends)
        is_edited |= overlapped
    low, high = ends
    is_edited |= noisy.are_words(words.text, low - 1) & ~words.before
    is_edited |= noisy.are_words(words.text, high) & ~words.after
    return np.bincount(words.text[is_edited], minlength=len(noised))


def endangering(texts: Sequence[Text], options: EditOptions, words: Risky) -> Array:
    """Which possible edits of texts edit, each by itself, one of their numbers or negators (k,) bool."""
    clean = _Points([text.value for text in texts])
    return _endangering(options, words.numbers, clean) | _endangering(options, words.negators, clean)


def _endangering(options: EditOptions, words: _Words, clean: _Points) -> Array:
    """Which edits overlap a word, or let it touch a letter or digit."""
    risk = options.over(words.text, words.start, words.stop)
    text, values = options.text, options.values
    before = _are_words(values, -1, clean.are_words(text, options.start - 1))
    after = _are_words(values, 0, clean.are_words(text, options.stop))
    risk |= before & _among(text, options.stop, words.text[~words.before], words.start[~words.before])
    risk |= after & _among(text, options.start, words.text[~words.after], words.stop[~words.after])
    return risk


def _are_words(values: Sequence[str], at: int, others: Array) -> Array:
    """Whether a letter, digit or mark is first (0) or last (-1) in each value (k,); of empty ones as in `others`."""
    ends = np.array([bool(value) and _is_word(value[at]) for value in values], np.bool_)
    return np.where([not value for value in values], others, ends)


def _among(texts: Array, positions: Array, some_texts: Array, some_positions: Array) -> Array:
    """Which positions of texts (k,) are among some (r,)."""
    width = 1 + max(int(positions.max(initial=0)), int(some_positions.max(initial=0)))
    return np.isin(texts * width + positions, some_texts * width + some_positions)


def _is_word(point: str) -> bool:
    """Whether a code point is a letter, a digit or a mark."""
    return point.isalnum() or unicodedata.category(point)[0] == "M"


@packs.cached
def pattern(code: str) -> re.Pattern[str] | None:
    """The negators of a language as a pattern; None where it has no list. Raises DataError."""
    if not packs.has(KIND, code):
        return None
    # sides: the forms by whether the word may begin before them, and whether it may continue after them.
    sides: defaultdict[tuple[bool, bool], dict[str, None]] = defaultdict(dict)
    for word in negators(code):
        side = (word.startswith(_ANY), word.endswith(_ANY)) if language(code).spaces else (True, True)
        raised = word if word.startswith(_ANY) else capital(word, code)
        for form in (word, raised, upper(word, code)):
            forms = unicodedata.normalize("NFC", form), unicodedata.normalize("NFD", form)
            sides[side] |= dict.fromkeys(forms)
    return re.compile("|".join(_written(side, forms) for side, forms in sides.items()))


@packs.cached
def negators(code: str) -> tuple[str, ...]:
    """The negators of a language's lists. Raises DataError at a row that is not one word."""
    words: dict[str, None] = {}
    for table in packs.tables(KIND, code):
        for number, row in enumerate(table.need("word").rows, 1):
            if not _ROW.fullmatch(row["word"]):
                what = f"row {number}, {row['word']!r:.40}, is not one word, with * at an end or not"
                raise DataError(table.path, what)
            words[unicodedata.normalize("NFC", row["word"])] = None
    return tuple(words)


def _written(side: tuple[bool, bool], forms: Iterable[str]) -> str:
    """The pattern of some forms, the longest first, and of what may be before and after them."""
    words = [form.strip(_ANY) for form in sorted(forms, key=len, reverse=True)]
    before, after = side
    ends = "" if after else rf"(?![\w{marks()}])"
    if before:
        return f"(?:{'|'.join(map(_literal, words))}){ends}"
    # A word's first letter is looked for before what is in front of it, so that matching skips all other letters.
    by_first: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        by_first[_literal(word[0])].append(_literal(word[1:]))
    firsts = "".join(first.strip("[]") for first in by_first)
    parts = (f"(?<={first})(?:{'|'.join(rest)})" for first, rest in by_first.items())
    return rf"[{firsts}](?<![\w{marks()}].)(?:{'|'.join(parts)}){ends}"


def _literal(letters: str) -> str:
    return re.escape(letters).replace("'", "['’]")


@cache
def marks() -> str:
    """All marks, as the content of a class of a pattern, of which Python's own classes have none."""
    points = (point for block in MARKED for point in range(block << 12, (block + 1) << 12))
    known = [point for point in points if unicodedata.category(chr(point))[0] == "M"]
    runs = groupby(enumerate(known), key=lambda pair: pair[1] - pair[0])
    ranges = [[point for _, point in run] for _, run in runs]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in ranges)
