"""The input of a letter noise: the clusters of a batch, and which operators each of them allows."""

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
    """The operators that each cluster allows (m,) uint8, a bit per operator of OPERATORS.

    `by` (m,) uint32 are the code points that replace them, if the author names them.
    """

    allowed: Array
    by: Array | None = None


@final
@dataclass(frozen=True, slots=True)
class Letters:
    """The clusters of a batch: their properties, and which of them are letters that may change, all (m,).

    A letter is a cluster whose first code point is a letter. `letter` is False where a span's edge cuts the cluster,
    in a frozen span, and where a neighbour would join with a replacement. `closed` says which clusters join with no
    neighbour (None: all), `edge` before which clusters a span begins or ends (None: there are no spans).
    """

    batch: Batch
    alphabet: Alphabet
    props: Array
    letter: Array
    closed: Array | None
    edge: Array | None

    def may(self, *operators: str) -> Proposal:
        """These operators wherever they apply; the engine draws one of those that a letter allows."""
        allowed = np.zeros(len(self.props), np.uint8)
        for operator in operators:
            allowed |= self._where(operator) * np.uint8(1 << OPERATORS.index(operator))
        return Proposal(allowed)

    def replace(self, where: Array, by: Array) -> Proposal:
        """Letters replaced by the code points `by` (m,) where `where` (m,) is true."""
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
        """Letters before another, different letter, with no edge of a span between them."""
        single = self._where("double")
        swap = np.zeros(len(single), np.bool_)
        swap[:-1] = single[:-1] & single[1:] & differs(self.batch, self.letter)
        if self.edge is not None:
            swap[:-1] &= ~self.edge[1:]
        return swap


def differs(batch: Batch, asked: Array) -> Array:
    """Whether each cluster (but the last) differs from the next one; correct only where `asked` (m,) is true."""
    points, starts = batch.points, batch.clusters.starts
    if batch.clusters.simple:
        return np.not_equal(points[:-1], points[1:])
    # Most pairs differ in the first code point. Only the others (`alike`, cluster numbers) are compared further:
    # first by size in code points, then point by point, the points of all pairs in one ragged array.
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
        # depth (n + 1,): +1 where a frozen span starts and -1 where it stops, so that its sum is above 0 inside.
        frozen = batch.spans.frozen & (starts < stops)
        depth = np.zeros(len(batch.points) + 1, np.int32)
        np.add.at(depth, starts[frozen], 1)
        np.add.at(depth, stops[frozen], -1)
        inside = np.cumsum(depth[:-1]) > 0
        letter &= ~(inside if batch.clusters.simple else np.logical_or.reduceat(inside, batch.clusters.starts))
    return edge
