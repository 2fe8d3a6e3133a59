"""Selects the edits of a batch: which units are chosen, how collisions are settled, and what is never deleted.

Every unit has one draw u and, by further draws, one operator of those it allows. It is chosen iff u is below the
strength. Of edits whose units overlap, chosen or not, only the one with the smallest u can happen. The unit with the
largest u of a text, and of each span, is never deleted. The last two rules do not depend on the strength, so the edits
at a low strength are a subset of those at a higher one.

Shapes: n code points, m clusters, t texts, s spans and k chosen units in a batch. Units are cluster numbers.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from robust_xtreme import randomness
from robust_xtreme.edits import Batch, Edits, at, ragged
from robust_xtreme.noise.engine._letters import DELETE, Letters, Proposal
from robust_xtreme.noise.engine.alphabet import Alphabet, group_index, packed

Array = npt.NDArray[Any]

_NONE: Final = 255
_DELETE, _DOUBLE, _SWAP, _REPLACE = range(4)
_WAYS: Final = 12
_GRAPHEMES: Final = np.array([1, 1, 2, 1], np.uint8)
_LOW: Final = np.uint64(0xFFFFFFFF)


def _picks() -> Array:
    """The operator for a mask of allowed operators and a draw below 12, each equally often, as `mask * 12 + draw`."""
    table = np.full((16, _WAYS), _NONE, np.uint8)
    for mask in range(1, 16):
        allowed = [number for number in range(4) if mask >> number & 1]
        table[mask] = np.repeat(allowed, _WAYS // len(allowed))
    return table.reshape(-1)


_PICKS: Final = _picks()


def unit_draws(batch: Batch, keys: Array) -> Array:
    """The draw of each cluster (m,) uint64, by the position in its text of its first code point."""
    starts = batch.clusters.starts
    positions = None if batch.clusters.simple else starts
    return randomness.flat_draws(keys, batch.offsets[:-1], batch.bounds[:-1], len(starts), positions)


def keep_some(batch: Batch, allowed: Array, draws: Array, chosen: Array) -> None:
    """Remove deletion, in `allowed` (m,), from the unit with the largest draw of each text and of each span.

    If every unit has another operator, only texts and spans whose units are all chosen can lose all of them. If some
    unit can only be deleted, whether it is eligible must not depend on the strength: then all units count as chosen.
    """
    if (allowed == DELETE).any():
        chosen = np.ones(len(chosen), np.bool_)
    allowed[last_chosen(batch, allowed > 0, draws, chosen)] &= ~DELETE


def last_chosen(batch: Batch, possible: Array, draws: Array, chosen: Array) -> Array:
    """The possible unit with the largest draw of each text and of each span whose possible units are all chosen."""
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


def decide(page: Letters, proposal: Proposal, keys: Array, strength: str) -> tuple[Edits, Array]:
    """The edits at a strength, and the number of eligible units of each text (t,)."""
    allowed = proposal.allowed
    draws = unit_draws(page.batch, keys)
    chosen = randomness.chosen(draws, strength)
    if (allowed & DELETE).any():
        keep_some(page.batch, allowed, draws, chosen)
    possible = allowed > 0
    eligible = np.add.reduceat(possible, page.batch.bounds[:-1], dtype=np.int64)
    units = np.flatnonzero(chosen & possible)
    accepted, operators = settle(allowed, draws, units, _operators, _SWAP)
    units, operators = units[accepted], operators[accepted]
    return _edits(page, proposal, units, operators, draws[units]), eligible


def settle(
    allowed: Array, draws: Array, units: Array, pick: Callable[[Array, Array], Array], swap: int
) -> tuple[Array, Array]:
    """Which of the chosen `units` (k,) win over every edit that theirs overlaps, and their operators (k,).

    `pick` gives the operators of units by what they allow and their draws; `swap` is the number of the operator that
    edits the next unit, too.
    """
    unit_draws = at(draws, units)
    operators = pick(allowed[units], unit_draws)
    # A swap loses against an edit of the next unit, and any edit against a swap of the unit before, with a smaller or
    # equal draw. The operator of the unit before is drawn only at `rivals`, where it may be such a swap.
    lost = (operators == swap) & (at(allowed, units + 1) > 0) & (at(draws, units + 1) <= unit_draws)
    before = np.maximum(units - 1, 0)
    rivals = np.flatnonzero(
        ((at(allowed, before) >> swap & 1) > 0) & (at(draws, before) <= unit_draws) & (before < units)
    )
    before = before[rivals]
    lost[rivals] |= pick(allowed[before], draws[before]) == swap
    return ~lost, operators


def _operators(allowed: Array, draws: Array) -> Array:
    way = randomness.below(randomness.stream(draws, randomness.OPERATOR), _WAYS)
    return at(_PICKS, allowed * np.int64(_WAYS) + way)


def _edits(page: Letters, proposal: Proposal, units: Array, operators: Array, draws: Array) -> Edits:
    # Each edit replaces the code points first:stop by two pieces, `source` and `length` (k, 2), of the batch's points
    # followed by the pool. swap: next cluster, this one; double: this one twice; replace: a pool entry; delete: none.
    starts = page.batch.clusters.starts
    swap, double, replace = (operators == number for number in (_SWAP, _DOUBLE, _REPLACE))
    first, middle = at(starts, units), at(starts, units + 1)
    stop = at(starts, units + 1 + swap)
    source, length = np.zeros((len(units), 2), np.int64), np.zeros((len(units), 2), np.int64)
    source[:, 1], length[:, 1] = first, (middle - first) * (swap | double)
    source[:, 0] = np.where(swap, middle, first)
    length[:, 0] = np.where(swap, stop - middle, (middle - first) * double)
    pool, chosen, size = _replacements(page, proposal, units[replace], draws[replace])
    source[replace, 0], length[replace, 0] = chosen + len(page.batch.points), size
    return Edits(first, stop, operators, _GRAPHEMES[operators], source, length, pool)


def _replacements(page: Letters, proposal: Proposal, units: Array, draws: Array) -> tuple[Array, Array, Array]:
    """A pool of code points, and the start and length in it of each unit's replacement (k,)."""
    if proposal.by is not None:
        return proposal.by[units], np.arange(len(units)), np.ones(len(units), np.int64)
    letters = page.alphabet
    chosen = _others(page, letters, units, draws)
    form = forms(page.batch, letters.decomposes[chosen], page.batch.clusters.starts[units])
    return letters.pool, letters.start[form, chosen], letters.length[form, chosen]


def _others(page: Letters, letters: Alphabet, units: Array, draws: Array) -> Array:
    """For each unit (k,) the number of a letter of its own script and case, never the unit's own letter."""
    # group: the unit's script and case, `size` letters from `letters.first` on. rank: the unit's own number within the
    # group, outside 0..size where it is not in the alphabet. The draw is among the others: numbers from rank on move
    # up by one.
    starts = page.batch.clusters.starts
    group = letters.group_of[group_index(page.props[units])]
    key = packed(page.batch.points, starts[units], starts[units + 1] - starts[units])
    index = np.minimum(np.searchsorted(letters.keys, key), len(letters.keys) - 1)
    rank = np.where(letters.keys[index] == key, letters.rank[index], -1) - letters.first[group]
    size = letters.size[group]
    present = (rank >= 0) & (rank < size)
    picked = randomness.below(randomness.stream(draws, randomness.REPLACEMENT), size - present)
    return letters.first[group] + picked + (present & (picked >= rank))


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
        decomposed[text] = _is_decomposed(batch.values[text])
    form[asked] = decomposed[texts]
    return form


def _is_decomposed(value: str) -> bool:
    return unicodedata.is_normalized("NFD", value) and not unicodedata.is_normalized("NFC", value)
