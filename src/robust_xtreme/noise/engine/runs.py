"""The words of a batch: runs of letters with their marks, cut where a span begins or ends.

Burmese marks that are clusters by themselves (ာ, း) are parts of words. So are the signs that a member names, and those
that Burmese reads as words or as parts of them (၏ in သူ၏), which Unicode counts as punctuation; apostrophes between
letters; and in Hebrew geresh, and gershayim, or a quotation mark for it, between letters (UAX 29, WB6 to WB7c): ג׳ורג׳,
צה״ל.
"""

import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from functools import cache, lru_cache
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core import graphemes, randomness
from robust_xtreme.core.edits import Array, Batch, at, ragged
from robust_xtreme.noise.engine.perturbation import Slips

# Selects the units of a batch that are edited: which may be, which are chosen, how collisions are settled.
#
# Every unit has one draw u and, by further draws, one operator of those it allows. It is chosen iff u is below the
# strength. Of edits whose units overlap, chosen or not, only the one with the smallest u can happen. The unit with the
# largest u of a text, and of each span, is never deleted. The last two rules do not depend on the strength, so the
# edits at a low strength are a subset of those at a higher one.
#
# Shapes: n code points, m clusters, t texts, s spans and k chosen units in a batch. Units are cluster numbers.

_LOW: Final = np.uint64(0xFFFFFFFF)
_TOP: Final = float((1 << 64) - (1 << 12))
_LAST: Final = np.uint64((1 << 24) - 1)
_HALF: Final = np.uint64(32)
_SHORT: Final = 3.0
_PLACE, _FAR, _FINE = np.uint64(48), 9, 4096


def guard(batch: Batch, unit: Array) -> tuple[Array | None, Array | None]:
    """Set `unit` (m,) to False at the clusters that no edit may touch; return `closed` and `edge` as in Letters.

    Those are clusters beside one that would join with a replacement, clusters that a span's edge cuts, and frozen ones.
    """
    clusters = batch.clusters
    closed = None
    if len(clusters.open_after) or len(clusters.open_before):
        closed = np.ones(len(unit), np.bool_)
        closed[clusters.open_after] = closed[clusters.open_before] = False
        unit[np.minimum(clusters.open_after + 1, len(unit) - 1)] = False
        unit[clusters.open_before[clusters.open_before > 0] - 1] = False
    return closed, _edges(batch, unit) if len(batch.spans) else None


def _edges(batch: Batch, letter: Array) -> Array:
    """Before which clusters (m,) a span begins or ends; `letter` is set to False at those that are cut or frozen."""
    starts, stops = batch.span_starts, batch.span_stops
    edge = np.zeros(len(letter), np.bool_)
    for bounds in (starts, stops):
        edge[batch.units(bounds)] = True
        if not batch.clusters.simple:
            letter[batch.units(bounds[~batch.clusters.breaks[bounds]])] = False
    if batch.spans.frozen.any():
        inside = frozen(batch)
        letter &= ~(inside if batch.clusters.simple else np.logical_or.reduceat(inside, batch.clusters.starts))
    return edge


def frozen(batch: Batch) -> Array:
    """Which code points (n,) are in frozen spans."""
    spans = batch.spans.frozen
    return depth(len(batch.points), batch.span_starts[spans], batch.span_stops[spans]) > 0


def depth(size: int, low: Array, high: Array) -> Array:
    """How many of some ranges are over each of so many positions."""
    some = low < high
    steps = np.bincount(low[some], minlength=size) - np.bincount(high[some], minlength=size)
    return np.cumsum(steps)


def between(letter: Array, edge: Array | None) -> Array:
    """Whether each cluster (m,) is a letter before another letter, with no edge of a span between them."""
    followed = np.zeros(len(letter), np.bool_)
    followed[:-1] = letter[:-1] & letter[1:]
    if edge is not None:
        followed[:-1] &= ~edge[1:]
    return followed


def unit_draws(batch: Batch, keys: Array) -> Array:
    """The draw of each cluster (m,) uint64, by the position in its text of its first code point."""
    starts = batch.clusters.starts
    positions = None if batch.clusters.simple else starts
    return randomness.flat_draws(keys, batch.offsets[:-1], batch.bounds[:-1], len(starts), positions)


class LetterRuns(NamedTuple):
    """The runs of letters of a batch (w,): first cluster, letters, text; all letters (k,), the run of each; by text."""

    start: Array
    size: Array
    text: Array
    letters: Array
    word: Array
    by_text: Array


def letter_runs(batch: Batch) -> LetterRuns:
    """The runs of letters of a batch."""
    letter = (batch.firsts(batch.props) & graphemes.LETTER) > 0
    edges, letters = np.flatnonzero(np.diff(letter, prepend=False, append=False)), np.flatnonzero(letter)
    start, size = edges[::2], np.diff(edges)[::2]
    text = np.searchsorted(batch.bounds, start, "right") - 1
    word = np.repeat(np.arange(len(size)), size)
    return LetterRuns(start, size, text, letters, word, np.bincount(text, size, len(batch)))


def slip(words: LetterRuns, draws: Array, slips: Slips, possible: Array) -> None:
    """Move the draws of the clusters (m,) that are `possible` units so that edits come as slips do.

    u is the draw of a letter, divided by how likely it is relative to the mean letter of its text, and v that of its
    word of n letters. The letter has v * q where u is below q = together / n, at most a half, else u: uniform over a
    text, and the edits of a low strength are within few words.
    """
    # word (k,): the word of each unit, a letter (k,). ones: the units that are the first letter of their word.
    start, size, text = words.start, words.size, words.text
    able = at(possible, words.letters)
    units, word = words.letters[able], words.word[able]
    ones = np.flatnonzero(units == at(start, word))
    # likely (w,): how likely a letter of each word is edited, relative to the mean letter of its text.
    likely = at(np.maximum(np.arange(size.max(initial=0) + 1), _SHORT) ** -slips.short, size)
    mean = np.bincount(text, likely * size, len(words.by_text)) / np.maximum(words.by_text, 1)
    real = at(draws, units) / at(likely / at(mean, text), word)
    rest = np.where(size > 1, (size - slips.first) / np.maximum(size - 1, 1), 1)
    real[ones] *= at(rest / np.where(size > 1, slips.first, 1), word[ones])
    moved: Array = np.minimum(real / at(rest, word), _TOP).astype(np.uint64)
    if slips.together:
        most = (np.minimum(slips.together / np.maximum(size, 1), 0.5) * _TOP).astype(np.uint64)
        level = ((randomness.stream(at(draws, start), randomness.SLIP) >> _HALF) * (most >> _HALF)) & ~_LAST
        moved = np.where(moved < at(most, word), at(level, word) | moved & _LAST, moved)
    draws[units] = moved


def bunch(batch: Batch, draws: Array, text: float, word: float, possible: Array) -> None:
    """Move the draws of the clusters (m,) that are `possible` letters so that edits come together in texts and words.

    They are uniform over texts: of sqrt(text) * a + sqrt(word) * b + sqrt(1 - text - word) * c, normals of its text,
    its word and itself.
    """
    normal, below = _normals()
    letter = (batch.firsts(batch.props) & graphemes.LETTER) > 0
    begins = np.diff(letter, prepend=False) & letter
    units, starts, firsts = np.flatnonzero(possible & letter), np.flatnonzero(begins), batch.bounds[:-1]
    of_text = at(normal, randomness.stream(at(draws, firsts), randomness.TEXT) >> _PLACE) * text**0.5
    of_word = at(normal, randomness.stream(at(draws, starts), randomness.SLIP) >> _PLACE) * word**0.5
    of_word += at(of_text, np.searchsorted(firsts, starts, "right") - 1)
    own, moved = at(draws, units), at(of_word, np.cumsum(begins)[units] - 1)
    moved += at(normal, own >> _PLACE) * (1 - text - word) ** 0.5
    draws[units] = at(below, ((moved + _FAR) * _FINE).astype(np.int64)) & ~_LAST | own & _LAST


@cache
def _normals() -> tuple[Array, Array]:
    """The normal of a draw's first 16 bits, and the draws of normals from -_FAR on, by 1 / _FINE."""
    coarse = np.arange(-_FAR, _FAR, 16 / _FINE)
    shares = np.array([*map(NormalDist().cdf, coarse)])
    normal = np.interp((np.arange(1 << 16) + 0.5) / (1 << 16), shares, coarse)
    return normal, (np.interp(np.arange(-_FAR, _FAR, 1 / _FINE), coarse, shares) * _TOP).astype(np.uint64)


@lru_cache(64)
def _shares(rates: tuple[str, ...]) -> Array:
    """For each set of kinds (as bits) the cumulated rates of its kinds in thousandths, (kinds, 2 ** kinds)."""
    bits = np.arange(1 << len(rates)) >> np.arange(len(rates))[:, None] & 1
    return np.cumsum(bits * np.array([[int(Decimal(rate) * 1000)] for rate in rates]), axis=0)


def active(rates: Sequence[str]) -> int:
    """The kinds whose rate is above 0, as bits."""
    return sum(1 << kind for kind, rate in enumerate(rates) if Decimal(rate))


def pick(rates: tuple[str, ...], allowed: Array, draws: Array) -> Array:
    """The kind of each unit (k,), by rate among those that it allows (k,) as bits, from its draw (k,)."""
    # The kind is the number of cumulated rates up to the draw.
    shares = _shares(rates)
    drawn = randomness.below(randomness.stream(draws, randomness.OPERATOR), at(shares[-1], allowed))
    kinds = np.zeros(len(drawn), np.int64)
    for share in shares:
        kinds += at(share, allowed) <= drawn
    return kinds


def units_of(batch: Batch) -> tuple[Array, Array]:
    """The first unit and the one after the last of each text and of each span (t + s,)."""
    first, stop = batch.bounds[:-1], batch.bounds[1:] - 1
    if not len(batch.spans):
        return first, stop
    last = batch.units(np.maximum(batch.span_stops, 1) - 1)
    last[batch.span_starts >= batch.span_stops] = -1
    return np.concatenate((first, batch.units(batch.span_starts))), np.concatenate((stop, last + 1))


def last_chosen(ranges: tuple[Array, Array], possible: Array, draws: Array, chosen: Array) -> Array:
    """The possible unit with the largest draw of each text and of each span whose possible units are all chosen.

    `ranges` are those of `units_of`. Its caller may count letters that are not units as possible; they are never
    chosen, so that their text is left out.
    """
    # spared (m + 1,): how many possible units before each one are not chosen. A range matters only if spared does not
    # grow over it, that is if all possible units are chosen, and if there are such units.
    first, stop = ranges
    spared = cumulated(possible & ~chosen)
    asked = np.flatnonzero(at(spared, first) == at(spared, stop))
    if len(asked):
        asked = asked[any_in(chosen & possible, at(first, asked), at(stop, asked))]
    first, stop = at(first, asked), at(stop, asked)
    units = ragged(first, stop - first)
    if not len(units):
        return units
    # ranks: the upper half of each unit's draw, and below it the unit's index in `units`, so that one maximum per range
    # gives the largest draw and where it is. 0 marks units that are not possible.
    ranks = at(draws, units) & ~_LOW | np.arange(len(units), dtype=np.uint64)
    ranks[~at(possible, units)] = 0
    largest = np.maximum.reduceat(ranks, np.cumsum(stop - first) - (stop - first))
    return at(units, (largest[largest > 0] & _LOW).astype(np.int64))


def cumulated(flags: Array) -> Array:
    """How many flags (m,) are set before each position, and in all (m + 1,)."""
    counts = np.zeros(len(flags) + 1, np.int32)
    np.cumsum(flags, dtype=np.int32, out=counts[1:])
    return counts


def any_in(where: Array, low: Array, high: Array) -> Array:
    """Whether a condition (m,) is true for any cluster of each range."""
    upto = cumulated(where)
    return np.asarray(at(upto, low) < at(upto, high))


def settle(allowed: Array, draws: Array, units: Array, rates: tuple[str, ...], swap: int) -> tuple[Array, Array]:
    """Which of the chosen `units` (k,) win over every edit that theirs overlaps, and their operators (k,).

    `rates` are those of the operators; `swap` is the number of the operator that edits the next unit, too.
    """
    unit_draws = at(draws, units)
    operators = pick(rates, allowed[units], unit_draws)
    # A swap loses against an edit of the next unit, and any edit against a swap of the unit before, with a smaller or
    # equal draw. The operator of the unit before is drawn only at `rivals`, where it may be such a swap.
    lost = (operators == swap) & (at(allowed, units + 1) > 0) & (at(draws, units + 1) <= unit_draws)
    before = np.maximum(units - 1, 0)
    swaps = at(allowed, before) >> swap & 1 > 0
    rivals = np.flatnonzero(swaps & (at(draws, before) <= unit_draws) & (before < units))
    before = before[rivals]
    lost[rivals] |= pick(rates, allowed[before], draws[before]) == swap
    return ~lost, operators


def forms(batch: Batch, decomposes: Array, positions: Array) -> Array:
    """The form of the letter inserted at each position (k,): 1 (decomposed) in a text that is in NFD, else 0.

    A text is checked only if a cluster of it has several code points and an inserted letter has two forms.
    """
    form = np.zeros(len(positions), np.int64)
    asked = np.flatnonzero(decomposes)
    if batch.clusters.simple or not len(asked):
        return form
    texts = np.searchsorted(batch.offsets, positions[asked], "right") - 1
    compound = np.diff(batch.bounds) < np.diff(batch.offsets)
    decomposed = np.zeros(len(batch), np.int64)
    for text in np.unique(texts[compound[texts]]).tolist():
        value = batch.values[text]
        decomposed[text] = unicodedata.is_normalized("NFD", value) and not unicodedata.is_normalized("NFC", value)
    form[asked] = decomposed[texts]
    return form


_APOSTROPHES: Final = (0x27, 0x2019)
_READ: Final = frozenset(map(ord, "၌၍၎၏"))
_GERESH, _GERSHAYIM, _QUOTE = 0x05F3, 0x05F4, 0x22
_HEBREW: Final = range(0x05D0, 0x05EB)
_SOFTENED: Final = (0x05D2, 0x05D6, 0x05E5, 0x05E6)
"""The letters ג ז ץ צ, which an apostrophe after them makes those of other languages, at the end of a word too."""


class WordRuns(NamedTuple):
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
    # A word is alone where there is white space, or a text's end, between it and both its neighbours.
    blanks = np.cumsum(blank, dtype=np.int32)
    parted = (at(blanks, first[1:]) > at(blanks, last[:-1] - 1)) | (text[1:] > text[:-1])
    alone = offered.copy()
    alone[1:] &= parted
    alone[:-1] &= parted
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
    softens = np.isin(before, _SOFTENED) | ((points[asked] == _GERESH) & np.isin(before, _HEBREW))
    letter[asked[softens & (asked > 0)]] = True


def _join(batch: Batch, points: Array, letter: Array, edge: Array, divider: str) -> None:
    """Set `letter` to True at single apostrophes and dividers between two letters, in Hebrew at quotation marks too."""
    starts = batch.clusters.starts
    quotes = (points == _QUOTE) | (points == _GERSHAYIM)
    divides = (points == ord(divider)) if divider else False
    asked = np.flatnonzero(_apostrophes(points) | quotes | divides)
    asked = asked[(asked > 0) & (at(starts, np.minimum(asked + 1, len(starts) - 1)) - at(starts, asked) == 1)]
    inner = at(letter, asked - 1) & at(letter, asked + 1) & ~at(edge, asked) & ~at(edge, asked + 1)
    inner &= ~quotes[asked] | (np.isin(at(points, asked - 1), _HEBREW) & np.isin(at(points, asked + 1), _HEBREW))
    letter[asked[inner]] = True


def _apostrophes(points: Array) -> Array:
    return np.asarray((points == _APOSTROPHES[0]) | (points == _APOSTROPHES[1]))


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
