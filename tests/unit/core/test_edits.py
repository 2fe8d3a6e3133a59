"""Batches, edits, and where positions go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robust_xtreme.core.edits import Edits, Moved, Trace, apply, batch, ragged, span_table
from robust_xtreme.core.examples import Span
from robust_xtreme.noise.engine.traces import Traces

Change = tuple[int, int, str]


def _edits(values: list[str], changes: list[Change]) -> Edits:
    """Edits of a batch that put strings of a pool instead of flat ranges."""
    size = sum(len(value) + 1 for value in values)
    made = [(start, stop, text) for start, stop, text in changes]
    lengths = [len(text) for _, _, text in made]
    source = np.zeros((len(made), 2), np.int64)
    source[:, 0] = size + np.cumsum([0, *lengths])[: len(made)]
    length = np.zeros((len(made), 2), np.int64)
    length[:, 0] = lengths
    start, stop = (np.array([change[end] for change in made], np.int64) for end in (0, 1))
    flags = np.ones(len(made), np.uint8)
    pool = np.array([ord(point) for _, _, text in made for point in text], np.uint32)
    return Edits(start, stop, flags, flags, source, length, pool)


def _apply(values: list[str], changes: list[Change], spans: list[list[Span]] | None = None) -> Moved:
    return apply(batch(values, span_table(spans or [[] for _ in values])), _edits(values, changes))


def test_texts_come_back_unchanged_without_edits() -> None:
    """A batch without edits is the texts it was made of, surrogates and nulls included."""
    values = ["", "a\0b", "\ud800", "中文", "\U0001f600", ""]
    assert _apply(values, []).values == values


def test_edits_change_their_own_text_only() -> None:
    """Ranges are replaced by shorter, longer and empty pieces, in several texts at once."""
    moved = _apply(["abc", "xyz", ""], [(0, 1, "AA"), (2, 3, ""), (5, 6, "Y")])
    assert moved.values == ["AAb", "xYz", ""]
    assert moved.bounds.tolist() == [0, 2, 3, 3]
    assert moved.moves.tolist() == [[0, 1, 0, 2], [2, 3, 3, 3], [1, 2, 1, 2]]


def test_spans_move_with_the_edits_before_and_inside_them() -> None:
    """A span keeps to what it covered, whether edits are before it, in it or after it."""
    spans = [[Span(0, 3), Span(4, 7), Span(0, 7), Span(2, 2)], [Span(1, 3)]]
    moved = _apply(["one two", "abc"], [(0, 1, "OO"), (4, 5, ""), (8, 9, "")], spans)
    assert moved.values == ["OOne wo", "bc"]
    pairs = list(zip(moved.spans.start.tolist(), moved.spans.stop.tolist(), strict=True))
    assert pairs == [(0, 4), (5, 7), (0, 7), (3, 3), (0, 2)]


def test_ragged_ranges_are_laid_end_to_end() -> None:
    """Empty ranges give nothing, and no ranges at all give nothing."""
    assert ragged(np.array([5, 9, 2]), np.array([2, 0, 3])).tolist() == [5, 6, 2, 3, 4]
    assert ragged(np.array([], np.int64), np.array([], np.int64)).tolist() == []


_ALIZALIWA = Trace(moves=((0, 1, 0, 0), (2, 4, 1, 3), (5, 6, 4, 6)))


@pytest.mark.parametrize(
    ("noisy", "clean"),
    [
        ((0, 1), (0, 2)),
        ((1, 2), (2, 4)),
        ((2, 3), (2, 4)),
        ((3, 4), (4, 5)),
        ((4, 5), (5, 6)),
        ((5, 7), (5, 7)),
        ((0, 7), (0, 7)),
    ],
)
def test_ranges_are_widened_to_whole_edits_on_the_way_back(noisy: tuple[int, int], clean: tuple[int, int]) -> None:
    """A deleted first letter, half a swap, one of a doubled pair: all that was edited counts."""
    assert _ALIZALIWA.to_clean(*noisy) == clean


def test_an_empty_range_stays_empty() -> None:
    """A prediction of nothing is a prediction of nothing, wherever it is."""
    for number in range(8):
        start, stop = _ALIZALIWA.to_clean(number, number)
        assert start == stop


def test_a_texts_own_span_maps_back_exactly() -> None:
    """A letter deleted just before a span does not count as the span's."""
    trace = Trace(moves=((1, 2, 1, 1),), spans=(((2, 4), (1, 3)),))
    assert trace.to_clean(1, 3) == (2, 4)
    assert trace.to_clean(1, 2) == (1, 3)
    assert trace.to_noisy(2, 4) == (1, 3)


@given(st.data())
def test_ranges_between_edits_survive_the_round_trip(data: st.DataObject) -> None:
    """A range whose ends are outside all edits, and not beside a deletion, comes back as it was."""
    value = data.draw(st.text("abcdef ", min_size=1, max_size=12))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(value)), max_size=6)))
    ranges = [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    changes = [(a, b, data.draw(st.text("xyz", max_size=3))) for a, b in ranges]
    clean = batch([value], span_table([[]]))
    moved = apply(clean, _edits([value], changes))
    expected, old = "", 0
    for start, stop, text in changes:
        expected, old = expected + value[old:start] + text, stop
    assert moved.values == [expected + value[old:]]
    trace = Traces(moved.bounds, moved.moves, clean.spans, moved.spans).of(0)
    edges = {edge for a, b in ranges for edge in range(a, b + 1)}
    free = [number for number in range(len(value) + 1) if number not in edges]
    for start in free:
        for stop in free:
            if start < stop:
                assert trace.to_clean(*trace.to_noisy(start, stop)) == (start, stop)
