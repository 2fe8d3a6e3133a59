"""The words of a batch: runs of letters with their marks, cut where a span begins or ends.

Burmese marks that are clusters by themselves (ာ, း) are parts of words. So are the signs that a member names, and those
that Burmese reads as words or as parts of them (၏ in သူ၏), which Unicode counts as punctuation; apostrophes between
letters; and in Hebrew geresh, and gershayim, or a quotation mark for it, between letters (UAX 29, WB6 to WB7c): ג׳ורג׳,
צה״ל.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from robust_xtreme.core import graphemes
from robust_xtreme.core.edits import Array, Batch, at
from robust_xtreme.noise.engine._select import guard

_APOSTROPHES: Final = (0x27, 0x2019)
_READ: Final = frozenset(map(ord, "၌၍၎၏"))
_GERESH, _GERSHAYIM, _QUOTE = 0x05F3, 0x05F4, 0x22
_HEBREW: Final = (0x05D0, 0x05EA)
"""The first and the last letter of Hebrew."""
_SOFTENED: Final = (0x05D2, 0x05D6, 0x05E5, 0x05E6)
"""The letters ג ז ץ צ, which an apostrophe after them makes those of other languages, at the end of a word too."""


@final
@dataclass(frozen=True, slots=True)
class WordRuns:
    """The words of a batch in order (w,): clusters `first` to `last`, code points `start` to `stop`, text number.

    `formed` says which may be replaced as a whole, `offered` which of these do not end in a cluster that would join
    with a letter after it, `alone` which of those have white space on both sides before another word.
    `blank` (m,) says which clusters are plain white space, `edge` (m,) before which a span begins or ends.
    """

    batch: Batch
    first: Array
    last: Array
    start: Array
    stop: Array
    text: Array
    formed: Array
    offered: Array
    alone: Array
    blank: Array
    edge: Array


def find(batch: Batch, begins: Array | None = None, signs: Array | None = None, divider: str = "") -> WordRuns:
    """The words of a batch; with `begins` (m,) they are also cut before the clusters that it names.

    `signs` are code points other than letters that are parts of words, `divider` is a sign that is one between letters.
    """
    clusters = batch.clusters
    props = batch.firsts(batch.props)
    letter = (props & graphemes.LETTER) > 0
    points = batch.firsts(batch.points)
    add_marks(batch, letter)
    _soften(points, letter)
    if signs is not None:
        letter |= np.isin(points, signs) & (np.diff(clusters.starts, append=len(batch.points)) == 1)
    free = letter.copy()
    closed, edge = guard(batch, free)
    closed = np.ones(len(letter), np.bool_) if closed is None else closed
    edge = np.zeros(len(letter), np.bool_) if edge is None else edge
    blank = (props & graphemes.SPACE) > 0
    if not clusters.simple:
        blank &= np.diff(clusters.starts, append=len(batch.points)) == 1
    _join(batch, points, letter, edge, divider)
    # A word begins at a letter (m,) after a cluster that is none, or at a span's edge; it ends in the same way.
    cut = edge if begins is None else edge | begins
    first = np.flatnonzero(letter & (cut | ~np.roll(letter, 1)))
    last = np.flatnonzero(letter & np.roll(cut | ~letter, -1)) + 1
    start, stop = at(clusters.starts, first), at(clusters.starts, last)
    text = np.searchsorted(batch.offsets, start, "right") - 1
    formed = at(free, first) & at(free, last - 1) & ~np.isin(first, clusters.open_before)
    formed &= ~_digit_beside(batch, blank | letter, first, last)
    offered = formed & at(closed, first) & at(closed, last - 1)
    alone = offered & _alone(first, last, text, blank)
    return WordRuns(batch, first, last, start, stop, text, formed, offered, alone, blank, edge)


def add_marks(batch: Batch, letter: Array) -> None:
    """Set `letter` to True at signs that are read, and at marks that do not join with a letter before them."""
    clusters = batch.clusters
    asked = np.flatnonzero(~letter)
    asked = asked[~np.isin(asked, clusters.open_before)]
    points = at(batch.points, at(clusters.starts, asked))
    known = np.unique(points).tolist()
    read = [point for point in known if point in _READ or unicodedata.category(chr(point))[0] == "M"]
    letter[asked[np.isin(points, read)]] = True


def _soften(points: Array, letter: Array) -> None:
    """Set `letter` to True at geresh after letters of Hebrew, and at apostrophes that mean it after some."""
    asked = np.flatnonzero(_apostrophes(points) | (points == _GERESH))
    before = at(points, asked - 1)
    softens = np.isin(before, _SOFTENED) | ((points[asked] == _GERESH) & _is_hebrew(before))
    letter[asked[softens & (asked > 0)]] = True


def _join(batch: Batch, points: Array, letter: Array, edge: Array, divider: str) -> None:
    """Set `letter` to True at single apostrophes and dividers between two letters, in Hebrew at quotation marks too."""
    starts = batch.clusters.starts
    quotes = (points == _QUOTE) | (points == _GERSHAYIM)
    divides = (points == ord(divider)) if divider else False
    asked = np.flatnonzero(_apostrophes(points) | quotes | divides)
    asked = asked[(asked > 0) & (at(starts, np.minimum(asked + 1, len(starts) - 1)) - at(starts, asked) == 1)]
    inner = at(letter, asked - 1) & at(letter, asked + 1) & ~at(edge, asked) & ~at(edge, asked + 1)
    inner &= ~quotes[asked] | (_is_hebrew(at(points, asked - 1)) & _is_hebrew(at(points, asked + 1)))
    letter[asked[inner]] = True


def _apostrophes(points: Array) -> Array:
    apostrophes: Array = (points == _APOSTROPHES[0]) | (points == _APOSTROPHES[1])
    return apostrophes


def _is_hebrew(points: Array) -> Array:
    hebrew: Array = (points >= _HEBREW[0]) & (points <= _HEBREW[1])
    return hebrew


def _digit_beside(batch: Batch, other: Array, first: Array, last: Array) -> Array:
    """Whether a digit is directly before or after each word; `other` (m,) are clusters that are none."""
    kept = np.zeros(len(first), np.bool_)
    starts = batch.clusters.starts
    for beside in (first - 1, last):
        asked = np.flatnonzero(~at(other, beside))
        points = at(batch.points, at(starts, beside[asked]))
        known = np.unique(points).tolist()
        kept[asked] |= np.isin(points, [point for point in known if unicodedata.category(chr(point))[0] == "N"])
    return kept


def _alone(first: Array, last: Array, text: Array, blank: Array) -> Array:
    """Whether there is white space, or a text's end, between each word and both its neighbours."""
    blanks = np.cumsum(blank, dtype=np.int32)
    parted = at(blanks, first[1:]) > at(blanks, last[:-1] - 1)
    parted |= text[1:] > text[:-1]
    alone = np.ones(len(first), np.bool_)
    alone[1:] &= parted
    alone[:-1] &= parted
    return alone
