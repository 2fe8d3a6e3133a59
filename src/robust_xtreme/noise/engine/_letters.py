"""What an author of a letter noise sees: the clusters of a batch, and what may be done to each without breaking one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from robust_xtreme import graphemes
from robust_xtreme.edits import Batch, at, ragged
from robust_xtreme.noise.engine.alphabet import Alphabet

Array = npt.NDArray[Any]

OPERATORS: Final = ("delete", "double", "swap", "replace")
DELETE, DOUBLE, SWAP, REPLACE = (np.uint8(1 << bit) for bit in range(4))


@final
@dataclass(frozen=True, slots=True)
class Proposal:
    """What may be done to each cluster (m,) uint8, a bit per operator of OPERATORS; and, where the author says what
    replaces it, that code point (m,) uint32."""

    allowed: Array
    by: Array | None = None


@final
@dataclass(frozen=True, slots=True)
class Letters:
    """The clusters of a batch: their properties (m,), which are letters that may change, which are alone.

    A letter is a cluster whose first code point is one. One that a span's edge cuts, that is in a frozen span, or
    whose neighbour would join with whatever came in its place, is not offered.
    """

    batch: Batch
    alphabet: Alphabet
    props: Array
    letter: Array
    closed: Array | None
    edge: Array | None

    def may(self, *operators: str) -> Proposal:
        """These operators wherever they make sense: the engine picks one of those that a letter allows."""
        allowed = np.zeros(len(self.props), np.uint8)
        for operator in operators:
            allowed |= self._where(operator) * np.uint8(1 << OPERATORS.index(operator))
        return Proposal(allowed)

    def replace(self, where: Array, by: Array) -> Proposal:
        """Letters replaced, where that is true, by the code points given (m,)."""
        return Proposal((self.letter & where) * REPLACE, by)

    def _where(self, operator: str) -> Array:
        match operator:
            case "delete":
                return self.letter
            case "double":
                return self.letter if self.closed is None else self.letter & self.closed
            case "swap":
                return self._swappable()
            case _:
                return np.logical_and(self.letter, self.alphabet.replaceable(self.props))

    def _swappable(self) -> Array:
        """Letters before another that differs, no edge of a span between them."""
        single = self._where("double")
        swap = np.zeros(len(single), np.bool_)
        swap[:-1] = single[:-1] & single[1:] & differs(self.batch, self.letter)
        if self.edge is not None:
            swap[:-1] &= ~self.edge[1:]
        return swap


def differs(batch: Batch, asked: Array) -> Array:
    """Whether each cluster (but the last) differs from the next one, right where `asked` (m,) contains."""
    points, starts = batch.points, batch.clusters.starts
    if batch.clusters.simple:
        return np.not_equal(points[:-1], points[1:])
    first = at(points, starts)
    unlike: Array = first[:-1] != first[1:]
    alike = np.flatnonzero(~unlike & asked[:-1])
    sizes = starts[alike + 1] - starts[alike]
    others = starts[np.minimum(alike + 2, len(starts) - 1)] - starts[alike + 1]
    unlike[alike] = sizes != others
    alike, sizes = alike[sizes == others], sizes[sizes == others]
    if len(alike):
        point = points[ragged(starts[alike], sizes)] != points[ragged(starts[alike + 1], sizes)]
        unlike[alike] = np.logical_or.reduceat(point, np.cumsum(sizes) - sizes)
    return unlike


def letters(batch: Batch, alphabet: Alphabet) -> Letters:
    """The clusters of a batch as letters of a language."""
    props = batch.props if batch.clusters.simple else at(batch.props, batch.clusters.starts)
    letter = (props & graphemes.LETTER) > 0
    closed, edge = guard(batch, letter)
    return Letters(batch, alphabet, props, letter, closed, edge)


def guard(batch: Batch, unit: Array) -> tuple[Array | None, Array | None]:
    """Strike from `unit` (m,) the clusters that no edit may touch; which others are alone, and before which an edge.

    Struck are clusters beside one that would join with what came in their place, cut by a span's edge, or frozen. The
    arrays are None where all are alone, and where there are no spans.
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
    """Which clusters (m,) a span's edge is before; letters cut by an edge or frozen are struck from `letter`."""
    starts, stops = batch.span_starts, batch.span_stops
    edge = np.zeros(len(letter), np.bool_)
    for bounds in (starts, stops):
        edge[batch.units(bounds)] = True
        if not batch.clusters.simple:
            letter[batch.units(bounds[~batch.clusters.breaks[bounds]])] = False
    if batch.spans.frozen.any():
        frozen = batch.spans.frozen & (starts < stops)
        depth = np.zeros(len(batch.points) + 1, np.int32)
        np.add.at(depth, starts[frozen], 1)
        np.add.at(depth, stops[frozen], -1)
        inside = np.cumsum(depth[:-1]) > 0
        letter &= ~(inside if batch.clusters.simple else np.logical_or.reduceat(inside, batch.clusters.starts))
    return edge
