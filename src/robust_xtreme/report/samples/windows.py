"""Cuts a text with its edits to windows around the first edit and the answers, by grapheme clusters."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, groupby, pairwise
from typing import Final, NamedTuple

import polars as pl

from robust_xtreme.core import graphemes
from robust_xtreme.core.errors import UnknownName
from robust_xtreme.core.sinks import cut, visible
from robust_xtreme.noise.engine.noised import Piece
from robust_xtreme.report.blocks import whole

WIDTH: Final = 300
"""The clusters of a text that are shown, about."""

CUT: Final = "\u2026"
_LONGEST: Final = 16
"""The most code points of a cluster that are shown."""

_NEAR: Final = 4 * WIDTH
"""The code points on each side of a point of interest that are split into clusters."""

Marked = tuple[str, str, str]
"""A part of the clean text, what it became, and the name of its mark, or ""."""


def width_of(examples: int) -> int:
    """The clusters of a text that a page with so many examples shows, about."""
    return WIDTH if examples <= 1000 else 120


class Mark(NamedTuple):
    """A named range of code points of the clean text or, if `noisy`, of the noisy one."""

    name: str
    start: int
    stop: int
    noisy: bool = False


def marked(pieces: Sequence[Piece], marks: Sequence[Mark]) -> list[Marked]:
    """The pieces with their marks: equal ones are divided where a mark begins or ends, edited ones have it whole."""
    parts: list[Marked] = []
    old = new = 0
    for before, after in _together(pieces):
        if before == after:
            parts += _divided(before, marks, old, new)
        else:
            parts.append((before, after, _names(marks, (old, old + len(before)), (new, new + len(after)))))
        old, new = old + len(before), new + len(after)
    return parts


def split_at(pieces: Iterable[Piece], position: int) -> tuple[list[Piece], list[Piece]]:
    """The pieces before and after a position of the clean text; an edit around it is before."""
    first: list[Piece] = []
    rest: list[Piece] = []
    for before, after in pieces:
        left = max(0, position)
        position -= len(before)
        if before == after and 0 < left < len(before):
            first.append((before[:left], after[:left]))
            rest.append((before[left:], after[left:]))
        else:
            (first if left else rest).append((before, after))
    return first, rest


def _together(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces without empty ones, edits beside each other as one."""
    for edited, run in groupby(filter(any, pieces), key=lambda piece: piece[0] != piece[1]):
        if edited:
            before, after = zip(*run, strict=True)
            yield "".join(before), "".join(after)
        else:
            yield from run


def _divided(text: str, marks: Sequence[Mark], old: int, new: int) -> Iterator[Marked]:
    """A part that stays, divided where a mark begins or ends; `old` and `new` are where it is in both texts."""
    ends = (end - (new if mark.noisy else old) for mark in marks for end in (mark.start, mark.stop))
    for start, stop in pairwise(sorted({0, len(text), *(end for end in ends if 0 < end < len(text))})):
        names = _names(marks, (old + start, old + stop), (new + start, new + stop))
        yield text[start:stop], text[start:stop], names


def _names(marks: Sequence[Mark], old: tuple[int, int], new: tuple[int, int]) -> str:
    """The names of the marks that overlap a range."""
    ranges = ((mark, new if mark.noisy else old) for mark in marks)
    inside = (mark.name for mark, (start, stop) in ranges if mark.start < stop and start < mark.stop)
    return " ".join(dict.fromkeys(inside))


def window(parts: Sequence[Marked], width: int = WIDTH) -> tuple[Marked, ...]:
    """The parts around the first edit and the first marks, with an ellipsis where others are left out."""
    sizes = [len(before) if before == after else len(before) + len(after) for before, after, _ in parts]
    if sum(sizes) <= width // 2:
        return tuple((_short(before), _short(after), name) for before, after, name in parts if before or after)
    points = _points(parts, sizes)
    near = _cut(parts, sizes, points, _NEAR)
    split = [part for before, after, name in near for part in _clusters(before, after, name)]
    units = [1] * len(split)
    near_units = _points(split, units)
    return tuple(whole(_cut(split, units, near_units, width // (2 * len(near_units)))))


def _points(parts: Sequence[Marked], sizes: Sequence[int]) -> list[int]:
    """Where the first edit is, and the first part with each mark; the beginning where there is none."""
    points: dict[str, int] = {}
    position = 0
    for (before, after, names), size in zip(parts, sizes, strict=True):
        for kind in [*(["\0edit"] if before != after else []), *names.split()]:
            points.setdefault(kind, position)
        position += size
    return sorted(set(points.values())) or [0]


def _cut(parts: Sequence[Marked], sizes: Sequence[int], points: Sequence[int], reach: int) -> list[Marked]:
    """The parts within reach of a point; an ellipsis represents each run of others."""
    total = sum(sizes)
    ranges: list[tuple[int, int]] = []
    for point in points:
        low = max(0, min(point - reach, total - 2 * reach))
        high = min(total, max(point + reach, 2 * reach))
        if ranges and low <= ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(high, ranges[-1][1])
        else:
            ranges.append((low, high))
    return [*_within(parts, sizes, ranges, total)]


def _within(
    parts: Sequence[Marked], sizes: Sequence[int], ranges: Sequence[tuple[int, int]], total: int
) -> Iterator[Marked]:
    last, starts = 0, [*accumulate(sizes, initial=0)]
    for low, high in ranges:
        if low > last:
            yield CUT, CUT, ""
        for (before, after, name), start, stop in zip(parts, starts, starts[1:], strict=False):
            if start < high and low < stop:
                divisible = before == after and stop - start == len(before)
                inside = slice(max(0, low - start), high - start) if divisible else slice(None)
                yield before[inside], after[inside], name
        last = high
    if last < total:
        yield CUT, CUT, ""


def _clusters(before: str, after: str, name: str) -> Iterator[Marked]:
    """An equal part cluster by cluster, an edited one whole."""
    if before == after:
        yield from ((part, part, name) for part in _capped(before))
    else:
        yield _short(before), _short(after), name


@lru_cache(maxsize=1 << 12)
def _short(text: str) -> str:
    """The beginning of a text, each cluster capped."""
    clusters = _capped(text[: 2 * _NEAR])
    kept = "".join(clusters[:WIDTH])
    return kept + CUT if len(text) > 2 * _NEAR or len(clusters) > WIDTH else kept


def _capped(text: str) -> list[str]:
    return [cut(cluster, _LONGEST) for cluster in graphemes.split(text)]


_LONG: Final = 48


def native(id: str) -> str:
    """The part of an id after task, split and language."""
    return id.split("/", 3)[-1]


def short(id: str) -> str:
    """The id that readers see: its native part, cut where it is long. Several examples may share it."""
    return cut(native(id), _LONG)


def whole_ids(asked: Sequence[str], predictions: pl.LazyFrame) -> tuple[str, ...]:
    """The ids of examples that are asked for whole, without task, split and language, or as they are printed.

    Raises UnknownName for an id that no example of PREDICTIONS has.
    """
    named: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for id in predictions.select(pl.col("example").unique().sort()).collect(engine="streaming").to_series():
        for name in (id, native(id), visible(short(id))):
            named[name][id] = None
    meant: dict[str, None] = {}
    for name in asked:
        if name not in named:
            known = [each for each in named if _group(each) == _group(name)]  # to compare with all takes seconds
            raise UnknownName("example of the run", name, known, "robust-xtreme examples --help")
        meant |= named[name]
    return tuple(meant)


def _group(id: str) -> str:
    """Task, split and language of a whole id."""
    return id.rpartition("/")[0]
