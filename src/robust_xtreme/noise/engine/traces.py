"""The traces of many texts as arrays, by which ranges of all of them are mapped at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from robust_xtreme.core.columns import bounds_of, gathered
from robust_xtreme.core.edits import NO_SPANS, Array, SpanTable, Trace, at, ragged, span_table
from robust_xtreme.core.examples import Span

Ends = tuple[Array, Array]
"""The starts and the stops (k,) of ranges."""

_NO_MOVE: Final = np.zeros((1, 4), np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """The edits of n texts by one perturbation, and their spans `before` and `after` it; each text has a Trace.

    `moves` (m, 4) int64 are clean start and stop, new start and stop; text i has those from `bounds[i]` to
    `bounds[i + 1]`. In `sparse` ones a text without edits has no trace.
    """

    bounds: Array
    moves: Array
    before: SpanTable
    after: SpanTable
    sparse: bool = False

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def has(self, number: int) -> bool:
        """Whether a text has a trace."""
        return not self.sparse or bool(self.bounds[number] < self.bounds[number + 1])

    def of(self, number: int) -> Trace:
        """The trace of one text."""
        moves = self.moves[self.bounds[number] : self.bounds[number + 1]].tolist()
        ends = (ends_of(spans, number) for spans in (self.before, self.after))
        return Trace(tuple((a, b, c, d) for a, b, c, d in moves), tuple(zip(*ends, strict=True)))

    def take(self, numbers: Array) -> Traces:
        """The traces of texts (k,), in that order."""
        positions, bounds = gathered(self.bounds, numbers)
        before, after = taken(self.before, numbers), taken(self.after, numbers)
        return Traces(bounds, self.moves[positions], before, after, self.sparse)

    def to_clean(self, texts: Array, ends: Ends) -> Ends:
        """The ranges of the clean texts that ranges (k,) of the new texts `texts` (k,) come from."""
        turned = self.moves[:, [2, 3, 0, 1]]
        return _mapped(_Moves(self.bounds, turned, texts), texts, ends, self.after, self.before)

    def to_noisy(self, texts: Array, ends: Ends) -> Ends:
        """The ranges of the new texts that ranges (k,) of the clean texts `texts` (k,) became."""
        return _mapped(_Moves(self.bounds, self.moves, texts), texts, ends, self.before, self.after)

    def passed(self, texts: Array, ends: Ends) -> tuple[Array, Ends]:
        """Whether an edit overlaps each range (k,) of the clean texts `texts` (k,); where they are if none does."""
        moves, (starts, stops) = _Moves(self.bounds, self.moves, texts), ends
        index = moves.beyond(moves.stop, starts, "right")
        before = index - 1
        shift = np.where(index > moves.first, moves.new_stop[before] - moves.stop[before], 0)
        return (index < moves.end) & (moves.start[index] < stops), (starts + shift, stops + shift)

    def reached(self) -> Array:
        """Whether an edit is in or beside each of the spans before (s,) bool, which are disjoint and in order."""
        texts = self.before.text.astype(np.int64)
        width = 1 + max(int(self.before.stop.max(initial=0)), int(self.moves[:, 1].max(initial=0)))
        owners = np.repeat(np.arange(len(self)), np.diff(self.bounds)) * width
        first = np.searchsorted(texts * width + self.before.stop, owners + self.moves[:, 0])
        end = np.searchsorted(texts * width + self.before.start, owners + self.moves[:, 1], "right")
        begun, ended = (np.bincount(spans, minlength=len(texts) + 1) for spans in (first, end))
        return np.asarray(np.cumsum(begun - ended)[:-1] > 0)


def traces_from(several: Sequence[Sequence[Trace]]) -> Traces:
    """Those of texts that have a trace each, or none."""
    moves = [[move for trace in of_text for move in trace.moves] for of_text in several]
    spans = [[pair for trace in of_text for pair in trace.spans] for of_text in several]
    before, after = (span_table([[Span(*pair[side]) for pair in of_text] for of_text in spans]) for side in (0, 1))
    flat = np.array([move for of_text in moves for move in of_text], np.int64).reshape(-1, 4)
    return Traces(bounds_of(np.array([len(of_text) for of_text in moves], np.int64)), flat, before, after, sparse=True)


def no_moves(spans: SpanTable, size: int, sparse: bool) -> Traces:
    """Those of texts without edits."""
    return Traces(np.zeros(size + 1, np.int64), _NO_MOVE[:0], spans, spans, sparse)


def joined_traces(parts: Sequence[Traces]) -> Traces:
    """The traces of texts one part after the other; all of them are sparse, or none."""
    bounds = bounds_of(np.concatenate([np.diff(part.bounds) for part in parts]))
    before = joined_spans([(part.before, len(part)) for part in parts])
    after = joined_spans([(part.after, len(part)) for part in parts])
    moves = np.concatenate([part.moves for part in parts])
    return Traces(bounds, moves, before, after, parts[0].sparse)


def ends_of(spans: SpanTable, number: int) -> list[tuple[int, int]]:
    """The spans of one text as (start, stop)."""
    low, high = np.searchsorted(spans.text, (number, number + 1)).tolist()
    return list(zip(spans.start[low:high].tolist(), spans.stop[low:high].tolist(), strict=True))


def taken(spans: SpanTable, numbers: Array) -> SpanTable:
    """The spans of texts (k,), in that order."""
    if not len(spans):
        return spans
    lows, highs = np.searchsorted(spans.text, numbers), np.searchsorted(spans.text, numbers, "right")
    rows = ragged(lows, highs - lows)
    text = np.repeat(np.arange(len(numbers), dtype=np.int32), highs - lows)
    return SpanTable(text, spans.start[rows], spans.stop[rows], spans.frozen[rows])


def joined_spans(tables: Sequence[tuple[SpanTable, int]]) -> SpanTable:
    """The spans of texts one table after the other, each with the number of its texts."""
    if not any(len(table) for table, _ in tables):
        return NO_SPANS
    before = np.cumsum([0, *(size for _, size in tables)]).astype(np.int32)
    text = np.concatenate([table.text + first for (table, _), first in zip(tables, before[:-1], strict=True)])
    rest = (np.concatenate([getattr(table, name) for table, _ in tables]) for name in ("start", "stop", "frozen"))
    return SpanTable(text, *rest)


class _Moves:
    """The moves of texts as columns, with a move after the last, and positions (k,) looked up in those of `texts`.

    `start`, `stop`, `new_start`, `new_stop` (m + 1,); `first` and `end` (k,) bound the moves of each text.
    """

    def __init__(self, bounds: Array, moves: Array, texts: Array) -> None:
        self.start, self.stop, self.new_start, self.new_stop = np.concatenate((moves, _NO_MOVE)).T
        self.first, self.end = at(bounds, texts), at(bounds, texts + 1)
        self._texts, self._owners = texts, np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))

    def low(self, positions: Array) -> Array:
        """The new starts of ranges that begin there, as for one text in `edits`."""
        index = self.beyond(self.stop, positions)
        index = self._past(index, lambda move: (self.start[move] < self.stop[move]) & (self.stop[move] == positions))
        inside = (index < self.end) & (self.start[index] <= positions)
        before = index - 1
        shifted = positions + np.where(index > self.first, self.new_stop[before] - self.stop[before], 0)
        return np.where(inside, self.new_start[index], shifted)

    def high(self, positions: Array) -> Array:
        """The new stops of ranges that end there, as for one text in `edits`."""
        index = self.beyond(self.start, positions)
        index = self._past(index, lambda move: (self.start[move] == self.stop[move]) & (self.start[move] == positions))
        before = index - 1
        stop, new_stop = self.stop[before], self.new_stop[before]
        moved = np.where(positions <= stop, new_stop, positions + new_stop - stop)
        return np.where(index > self.first, moved, positions)

    def beyond(self, column: Array, positions: Array, side: Literal["left", "right"] = "left") -> Array:
        """The first move of each text whose value in a column is not below the position, or (right) is above it."""
        width = 1 + max(int(column.max()), int(positions.max(initial=0)))
        return np.searchsorted(self._owners * width + column[:-1], self._texts * width + positions, side)

    def _past(self, index: Array, passed: Callable[[Array], Array]) -> Array:
        """The first move from each on, within its text, that is not to be passed."""
        while (more := (index < self.end) & passed(index)).any():
            index = index + more
        return index


def _mapped(moves: _Moves, texts: Array, ends: Ends, was: SpanTable, now: SpanTable) -> Ends:
    """Ranges mapped over edits and widened to whole edits; one that is a span of its text becomes that span."""
    starts, stops = ends
    low = moves.low(starts)
    high = np.where(stops <= starts, low, np.maximum(low, moves.high(stops)))
    if not len(was):
        return low, high
    span = _spans_at(was, texts, ends)
    return np.where(span < 0, low, at(now.start, span)), np.where(span < 0, high, at(now.stop, span))


def _spans_at(spans: SpanTable, texts: Array, ends: Ends) -> Array:
    """The first span of its text that each range (k,) is; -1 where it is none."""
    known, asked = (spans.text, spans.start, spans.stop), (texts, *ends)
    # Two numbers become one, twice, with ranks between, so that the product of three cannot overflow.
    codes = np.concatenate((known[0], asked[0])).astype(np.int64)
    for column in map(np.concatenate, zip(known[1:], asked[1:], strict=True)):
        ranks = np.unique(codes, return_inverse=True)[1]
        codes = ranks * (1 + int(column.max(initial=0))) + column
    order = np.argsort(codes[: len(spans)], kind="stable")
    keys, wanted = codes[: len(spans)][order], codes[len(spans) :]
    nearest = np.minimum(np.searchsorted(keys, wanted), len(spans) - 1)
    return np.where(keys[nearest] == wanted, order[nearest], -1)
