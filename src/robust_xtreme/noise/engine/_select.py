"""Selects the units of a batch that are edited: which may be, which are chosen, how collisions are settled.

Every unit has one draw u and, by further draws, one operator of those it allows. It is chosen iff u is below the
strength. Of edits whose units overlap, chosen or not, only the one with the smallest u can happen. The unit with the
largest u of a text, and of each span, is never deleted. The last two rules do not depend on the strength, so the edits
at a low strength are a subset of those at a higher one.

Shapes: n code points, m clusters, t texts, s spans and k chosen units in a batch. Units are cluster numbers.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final

import numpy as np

from robust_xtreme.core import randomness
from robust_xtreme.core.edits import Array, Batch, at, ragged

_LOW: Final = np.uint64(0xFFFFFFFF)


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


def unit_draws(batch: Batch, keys: Array) -> Array:
    """The draw of each cluster (m,) uint64, by the position in its text of its first code point."""
    starts = batch.clusters.starts
    positions = None if batch.clusters.simple else starts
    return randomness.flat_draws(keys, batch.offsets[:-1], batch.bounds[:-1], len(starts), positions)


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


def last_chosen(batch: Batch, possible: Array, draws: Array, chosen: Array) -> Array:
    """The possible unit with the largest draw of each text and of each span whose possible units are all chosen.

    Its caller may count letters that are not units as possible; they are never chosen, so that their text is left out.
    """
    # first, stop (t + s,): the units of each text and span. spared (m + 1,): how many possible units before each one
    # are not chosen. A range matters only if spared does not grow over it, that is if all possible units are chosen.
    first, stop = _ranges(batch)
    spared = np.zeros(len(draws) + 1, np.int32)
    np.cumsum(possible & ~chosen, dtype=np.int32, out=spared[1:])
    asked = np.flatnonzero((first < stop) & (at(spared, first) == at(spared, stop)))
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


def _ranges(batch: Batch) -> tuple[Array, Array]:
    """The units of each text and of each span, from first to stop, (t + s,); stop <= first where there are none."""
    first, stop = batch.bounds[:-1], batch.bounds[1:] - 1
    if not len(batch.spans):
        return first, stop
    last = batch.units(np.maximum(batch.span_stops, 1) - 1)
    last[batch.span_starts >= batch.span_stops] = -1
    return np.concatenate((first, batch.units(batch.span_starts))), np.concatenate((stop, last + 1))


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
    rivals = np.flatnonzero(
        ((at(allowed, before) >> swap & 1) > 0) & (at(draws, before) <= unit_draws) & (before < units)
    )
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
