"""Which of the edits that are possible happen: selection, collisions, and what is never deleted.

Every unit has one draw u and, by further draws, one operator of those it allows. It is chosen iff u is below the
strength; of edits whose units overlap, chosen or not, only the one with the smallest u can happen; and the unit with
the largest u of a text, and of each span, is never deleted. None of the latter depends on the strength, so the edits
at a low strength are among those at a higher one.
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
    """The operator for a mask of allowed ones and a draw below 12: each allowed one equally often (16 * 12,)."""
    table = np.full((16, _WAYS), _NONE, np.uint8)
    for mask in range(1, 16):
        allowed = [number for number in range(4) if mask >> number & 1]
        table[mask] = np.repeat(allowed, _WAYS // len(allowed))
    return table.reshape(-1)


_PICKS: Final = _picks()


def unit_draws(batch: Batch, keys: Array) -> Array:
    """The draw of each cluster (m,) uint64, by the place in its text of its first code point."""
    starts = batch.clusters.starts
    positions = None if batch.clusters.simple else starts
    return randomness.flat_draws(keys, batch.offsets[:-1], batch.bounds[:-1], len(starts), positions)


def keep_some(batch: Batch, allowed: Array, draws: Array, chosen: Array) -> None:
    """Strike deletion, in `allowed`, from the unit with the largest draw of each text and of each span.

    Where every unit has another way to be edited, only those that are chosen can matter.
    """
    if (allowed == DELETE).any():
        chosen = np.ones(len(chosen), np.bool_)
    allowed[last_chosen(batch, allowed > 0, draws, chosen)] &= ~DELETE


def last_chosen(batch: Batch, possible: Array, draws: Array, chosen: Array) -> Array:
    """The possible unit with the largest draw of each text and of each span whose possible units are all chosen."""
    first, stop = _stretches(batch)
    spared = np.zeros(len(draws) + 1, np.int32)
    np.cumsum(possible & ~chosen, dtype=np.int32, out=spared[1:])
    asked = np.flatnonzero((first < stop) & (at(spared, first) == at(spared, stop)))
    first, stop = at(first, asked), at(stop, asked)
    units = ragged(first, stop - first)
    if not len(units):
        return units
    ranks = at(draws, units) & ~_LOW | np.arange(len(units), dtype=np.uint64)
    ranks[~at(possible, units)] = 0
    largest = np.maximum.reduceat(ranks, np.cumsum(stop - first) - (stop - first))
    return at(units, (largest[largest > 0] & _LOW).astype(np.int64))


def _stretches(batch: Batch) -> tuple[Array, Array]:
    """The units of each text, and of each span, from first to stop (not above first where there are none)."""
    first, stop = batch.bounds[:-1], batch.bounds[1:] - 1
    if not len(batch.spans):
        return first, stop
    last = batch.units(np.maximum(batch.span_stops, 1) - 1)
    last[batch.span_starts >= batch.span_stops] = -1
    return np.concatenate((first, batch.units(batch.span_starts))), np.concatenate((stop, last + 1))


def decide(page: Letters, proposal: Proposal, keys: Array, strength: str) -> tuple[Edits, Array]:
    """The edits that happen at a strength, and how many units of each text could have been edited (t,)."""
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
    """Which chosen units win over every edit that their own overlaps, and each one's operator.

    `pick` gives the operator of units by what they allow and their draws; `swap` is the number of the one that touches
    the next unit, too.
    """
    unit_draws = at(draws, units)
    operators = pick(allowed[units], unit_draws)
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
    """A pool of code points, and where in it each unit's replacement starts and how long it is."""
    if proposal.by is not None:
        return proposal.by[units], np.arange(len(units)), np.ones(len(units), np.int64)
    letters = page.alphabet
    chosen = _others(page, letters, units, draws)
    form = forms(page.batch, letters.decomposes[chosen], page.batch.clusters.starts[units])
    return letters.pool, letters.start[form, chosen], letters.length[form, chosen]


def _others(page: Letters, letters: Alphabet, units: Array, draws: Array) -> Array:
    """For each unit, a letter of its own script and case, never itself."""
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
    """The form of the letter put at each position: 1, decomposed, in a text that is decomposed (NFD), else 0.

    Only a text in which some cluster has several points can be; only letters that have two forms need to know.
    """
    drawn = np.zeros(len(positions), np.int64)
    asked = np.flatnonzero(decomposes)
    if batch.clusters.simple or not len(asked):
        return drawn
    texts = np.searchsorted(batch.offsets, positions[asked], "right") - 1
    compound = np.diff(batch.bounds) < np.diff(batch.offsets)
    counts = np.zeros(len(batch), np.int64)
    for text in np.unique(texts[compound[texts]]).tolist():
        counts[text] = _is_decomposed(batch.values[text])
    drawn[asked] = counts[texts]
    return drawn


def _is_decomposed(value: str) -> bool:
    return unicodedata.is_normalized("NFD", value) and not unicodedata.is_normalized("NFC", value)
