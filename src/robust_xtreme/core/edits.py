"""Batches of texts as flat arrays, edits to them, and the map of positions from before to after the edits."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from robust_xtreme.core.examples import Span
from robust_xtreme.core.graphemes import SEPARATOR, Clusters, clusters, code_points, properties

Array = npt.NDArray[Any]
Place = tuple[int, int, int, int]
_CHUNK: Final = 1 << 17
_LONG: Final = 64
"""The mean length of ranges above which copying each takes less time than the numbers of all values."""


@dataclass(frozen=True, slots=True)
class SpanTable:
    """Spans of a batch as columns of equal length: text (its number), start, stop (int32, in that text), frozen."""

    text: Array
    start: Array
    stop: Array
    frozen: Array

    def __len__(self) -> int:
        return len(self.text)

    def of(self, first: int, last: int) -> SpanTable:
        """The spans of texts first to last (exclusive), numbered from 0; the table is sorted by text."""
        low, high = np.searchsorted(self.text, (first, last))
        return SpanTable(self.text[low:high] - first, self.start[low:high], self.stop[low:high], self.frozen[low:high])


def span_table(spans: Sequence[Sequence[Span]]) -> SpanTable:
    """The table of each text's spans."""
    text = np.repeat(np.arange(len(spans), dtype=np.int32), [len(text_spans) for text_spans in spans])
    flat = [span for text_spans in spans for span in text_spans]
    start = np.array([span.start for span in flat], np.int32)
    stop = np.array([span.stop for span in flat], np.int32)
    return SpanTable(text, start, stop, np.array([span.frozen for span in flat], np.bool_))


NO_SPANS: Final = span_table(())


def covered(values: Sequence[str], spans: SpanTable) -> list[str]:
    """What the spans (s) of texts cover."""
    words = " ".join(values).split(" ")
    if _are_words(words, values, spans):
        return words
    ends = zip(spans.text.tolist(), spans.start.tolist(), spans.stop.tolist(), strict=True)
    return [values[text][start:stop] for text, start, stop in ends]


def _are_words(words: Sequence[str], values: Sequence[str], spans: SpanTable) -> bool:
    """Whether spans are exactly the words between the spaces of texts; to divide texts takes a third of the time."""
    if len(words) != len(spans):
        return False
    sizes, lengths = (np.fromiter(map(len, texts), np.int64, len(texts)) + 1 for texts in (words, values))
    begins, before = np.cumsum(sizes) - sizes, np.cumsum(lengths) - lengths
    starts, stops = (before[spans.text] + ends for ends in (spans.start, spans.stop))
    return np.array_equal(begins, starts) and np.array_equal(begins + sizes - 1, stops)


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts as one array of code points, each followed by a separator.

    `values` are the texts; `points` (n,) uint32; `offsets` (t + 1,) int64: text i is `points` from `offsets[i]` to
    `offsets[i + 1] - 1` (exclusive); `props` (n,) are the properties of `graphemes`. `clusters` are the grapheme
    clusters, the units of edits; `numbers` (n,) is the cluster of each point (None where every point is a cluster);
    `bounds` (t + 1,) is the first cluster of each text, whose last cluster is its separator. `spans` are the spans of
    the texts, `span_starts` and `span_stops` the same as positions in `points`.
    """

    values: Sequence[str]
    points: Array
    offsets: Array
    props: Array
    clusters: Clusters
    numbers: Array | None
    bounds: Array
    spans: SpanTable
    span_starts: Array
    span_stops: Array

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def units(self, positions: Array) -> Array:
        """The number of the cluster that contains each code point, or begins with it."""
        return positions if self.numbers is None else at(self.numbers, positions)

    def firsts(self, values: Array) -> Array:
        """Of values by code point (n,) those of the first code point of each cluster (m,)."""
        return values if self.clusters.simple else at(values, self.clusters.starts)


def batch(values: Sequence[str], spans: SpanTable) -> Batch:
    """Texts and their spans as a Batch."""
    lengths = np.fromiter(map(len, values), np.int64, len(values)) + 1
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    points = code_points(SEPARATOR.join((*values, "")))
    props = properties(points)
    starts = clusters(props)
    numbers, bounds = None, offsets
    if not starts.simple:
        numbers = np.cumsum(starts.breaks, dtype=np.int32) - np.int32(1)
        bounds = np.append(numbers[offsets[:-1]], np.int32(len(starts.starts)))
    base = at(offsets, spans.text)
    placed = base + spans.start, base + spans.stop
    return Batch(values, points, offsets, props, starts, numbers, bounds, spans, *placed)


def chunks(values: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of consecutive texts, about equally long, whose arrays fit into a core's cache."""
    total = sum(map(len, values)) + len(values)
    parts = round(total / _CHUNK)
    if parts < 2:
        return iter([(0, len(values))])
    ends = np.cumsum(np.fromiter(map(len, values), np.int64, len(values)) + 1)
    cuts = np.flatnonzero(np.diff((ends - 1) * parts // total)) + 1
    return pairwise([0, *cuts.tolist(), len(values)])


class Edit(NamedTuple):
    """An edit of a field, by an operator: its clean text from `start` to `stop` becomes `value`; graphemes changed."""

    field: str
    start: int
    stop: int
    value: str
    operator: str
    graphemes: int


@dataclass(frozen=True, slots=True)
class Edits:
    """Edits to a batch, sorted and disjoint: the code points from `start` to `stop` (m,) become two pieces.

    A piece is `length` (m, 2) code points from position `source` (m, 2) of `points` followed by `pool`. `operator` (m,)
    is the number of the operator, `graphemes` (m,) the number of changed or inserted graphemes.
    """

    start: Array
    stop: Array
    operator: Array
    graphemes: Array
    source: Array
    length: Array
    pool: Array

    def __len__(self) -> int:
        return len(self.start)

    def take(self, numbers: Array) -> Edits:
        """Some of the edits, by number (k,), in order."""
        names = ("start", "stop", "operator", "graphemes", "source", "length")
        return replace(self, **{name: getattr(self, name).take(numbers, axis=0) for name in names})


def emptied(clean: Batch, edits: Edits) -> Iterator[tuple[slice, Array]]:
    """Of each text and span that edits leave empty, these edits, and by how many code points each makes it longer."""
    longer = edits.length.sum(axis=1) - (edits.stop - edits.start)
    sums = np.append(0, np.cumsum(longer))
    starts = np.append(clean.offsets[:-1], clean.span_starts)
    stops = np.append(clean.offsets[1:] - 1, clean.span_stops)
    first, last = np.searchsorted(edits.start, starts), np.searchsorted(edits.stop, stops, "right")
    for each in np.flatnonzero((last > first) & (stops - starts + sums[last] - sums[first] <= 0)):
        yield slice(first[each], last[each]), longer[first[each] : last[each]]


def putting(clean: Batch, start: Array, stop: Array, operator: Array, graphemes: Array, values: Sequence[str]) -> Edits:
    """The edits of a batch that put one string each (m,) in the place of its code points from `start` to `stop`."""
    sizes = np.fromiter(map(len, values), np.int64, len(values))
    source, length = np.zeros((len(values), 2), np.int64), np.zeros((len(values), 2), np.int64)
    source[:, 0], length[:, 0] = len(clean.points) + np.cumsum(sizes) - sizes, sizes
    pool = code_points("".join(values))
    return Edits(start, stop, operator, graphemes, source, length, pool)


class Moved(NamedTuple):
    """A batch after its edits: the texts, their spans, and each edit's range before and after, within its text.

    The edits of text i are `bounds[i]` to `bounds[i + 1]`; `moves` (m, 4) int64: clean start and stop, new start and
    stop.
    """

    values: list[str]
    spans: SpanTable
    bounds: Array
    moves: Array


# Let the C library keep the arrays of a batch for the next one, instead of asking the system for them again: glibc
# returns free memory beyond twice the largest block that was freed so far, up to 32 MiB, and this frees such a block,
# which is never touched. It saves a third of the time of batches with many arrays of more than a megabyte.
np.empty(31 << 20, np.uint8)


def at(values: Array, positions: Array) -> Array:
    """The values at positions, which must be valid indices: numpy's check of them would double the time."""
    return values.take(positions, mode="clip")


def ragged(starts: Array, lengths: Array) -> Array:
    """The numbers of ranges given by their starts and lengths, one range after the other (int64)."""
    # The result is a cumulative sum: steps of 1 within a range, and at each start the jump from the previous end.
    full = lengths > 0
    starts, lengths = starts[full], lengths[full]
    ends = np.cumsum(lengths)
    steps = np.ones(int(ends[-1]) if len(ends) else 0, np.int64)
    steps[:1] = starts[:1]
    steps[ends[:-1]] = starts[1:] - starts[:-1] - lengths[:-1] + 1
    return np.cumsum(steps, out=steps)


def ranges_of(values: Array, starts: Array, lengths: Array) -> Array:
    """The values (n,) of ranges given by their starts and lengths (k,), one range after the other."""
    if lengths.sum() <= _LONG * len(lengths):
        return values[ragged(starts, lengths)]
    stops = (starts + lengths).tolist()
    return np.concatenate([values[start:stop] for start, stop in zip(starts.tolist(), stops, strict=True)])


def differ(points: Array, first: Array, other: Array, sizes: Array) -> Array:
    """Whether two ranges of code points differ (k,), from `first` and from `other`, each of `sizes` (k,) above 0."""
    if not len(sizes):
        return np.zeros(0, np.bool_)
    unlike = points[ragged(first, sizes)] != points[ragged(other, sizes)]
    return np.logical_or.reduceat(unlike, np.cumsum(sizes) - sizes)


def apply(clean: Batch, edits: Edits) -> Moved:
    """The batch with the edits made and its spans moved."""
    shift = _shift(clean, edits)
    begins = edits.start + at(shift, edits.start)
    ends = begins + edits.length[:, 0] + edits.length[:, 1]
    offsets = clean.offsets + shift[clean.offsets]
    bounds = np.searchsorted(edits.start, clean.offsets)
    owner = np.repeat(np.arange(len(clean)), np.diff(bounds))
    before, after = clean.offsets[owner], offsets[owner]
    pieces = np.stack((edits.start - before, edits.stop - before, begins - after, ends - after), axis=1)
    return Moved(_values(_points(clean, edits), offsets), _spans(clean, shift), bounds, pieces)


def edited(clean: Batch, edits: Edits) -> list[str]:
    """The texts with the edits made, as in `apply`, without their spans and the ranges of the edits."""
    return _values(_points(clean, edits), clean.offsets + _shift(clean, edits)[clean.offsets])


def _shift(clean: Batch, edits: Edits) -> Array:
    """How far the edits before each position (n + 1,) int32 move it."""
    change = np.zeros(len(clean.points) + 1, np.int32)
    grown = edits.length[:, 0] + edits.length[:, 1]
    change[edits.stop] = grown - (edits.stop - edits.start)
    return np.cumsum(change, dtype=np.int32)


def _points(clean: Batch, edits: Edits) -> Array:
    """The code points after the edits."""
    # Stretches of source and length: for each edit the unchanged points before it and its two pieces, then the rest.
    stretches = 3 * len(edits) + 1
    source, length = np.zeros(stretches, np.int64), np.empty(stretches, np.int64)
    source[3::3] = edits.stop
    length[0::3] = np.append(edits.start, len(clean.points)) - source[0::3]
    for piece in (0, 1):
        source[piece + 1 :: 3] = edits.source[:, piece]
        length[piece + 1 :: 3] = edits.length[:, piece]
    return at(np.concatenate((clean.points, edits.pool)), ragged(source, length))


def _values(points: Array, offsets: Array) -> list[str]:
    joined = points.tobytes().decode("utf-32-le", "surrogatepass")
    if joined.count(SEPARATOR) == len(offsets) - 1:
        return joined.split(SEPARATOR)[:-1]
    return [joined[start : stop - 1] for start, stop in pairwise(offsets.tolist())]


def _spans(clean: Batch, shift: Array) -> SpanTable:
    spans = clean.spans
    if not len(spans):
        return spans
    before = at(shift[clean.offsets], spans.text)
    start = spans.start + at(shift, clean.span_starts) - before
    stop = spans.stop + at(shift, clean.span_stops) - before
    return SpanTable(spans.text, start, stop, spans.frozen)


@dataclass(frozen=True, slots=True)
class Trace:
    """The edits of one text as (clean start, clean stop, new start, new stop), sorted, and its spans before and after.

    Ranges are widened to whole edits: where an end is inside an edit's output, all of the edit's input is included. A
    letter deleted at the end of a range is included too, except where the range is one of the text's spans.
    """

    moves: tuple[Place, ...] = ()
    spans: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()

    def to_clean(self, start: int, stop: int) -> tuple[int, int]:
        """The range of the clean text that the range of the new text comes from."""
        for clean, noisy in self.spans:
            if noisy == (start, stop):
                return clean
        return _map([(c, d, a, b) for a, b, c, d in self.moves], start, stop)

    def to_noisy(self, start: int, stop: int) -> tuple[int, int]:
        """The range of the new text that the range of the clean text became."""
        for clean, noisy in self.spans:
            if clean == (start, stop):
                return noisy
        return _map(self.moves, start, stop)


def _map(moves: Sequence[Place], start: int, stop: int) -> tuple[int, int]:
    """A range mapped over edits and widened to whole edits; an empty range stays empty."""
    low = _low(moves, start)
    return (low, low) if stop <= start else (low, max(low, _high(moves, stop)))


def _low(moves: Sequence[Place], position: int) -> int:
    """The new start of a range: that of the edit which contains the start or begins at it, else the shifted start."""
    index = bisect_left(moves, position, key=lambda move: move[1])
    while index < len(moves) and moves[index][0] < moves[index][1] == position:
        index += 1
    if index < len(moves) and moves[index][0] <= position:
        return moves[index][2]
    return position + (moves[index - 1][3] - moves[index - 1][1] if index else 0)


def _high(moves: Sequence[Place], position: int) -> int:
    """The new stop of a range: that of the edit which contains the stop or ends at it, else the shifted stop."""
    index = bisect_left(moves, position, key=lambda move: move[0])
    while index < len(moves) and moves[index][0] == moves[index][1] == position:
        index += 1
    if not index:
        return position
    _, stop, _, new_stop = moves[index - 1]
    return new_stop if position <= stop else position + new_stop - stop
