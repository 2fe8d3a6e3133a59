"""Spacing signs: marks that are clusters of their own and follow a letter, as Burmese vowel signs do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from robust_xtreme.core.edits import Array, Batch, Edits, at
from robust_xtreme.noise.engine.alphabet import POINT_BITS, Alphabet


def bearing(batch: Batch, alphabet: Alphabet) -> Array | None:
    """Whether a spacing sign follows each cluster (m,); None where the language has no such signs."""
    if not len(alphabet.signs):
        return None
    followed = np.zeros(len(batch.clusters.starts), np.bool_)
    followed[:-1] = np.isin(batch.firsts(batch.points)[1:], alphabet.signs)
    return followed


def combined(batch: Batch, alphabet: Alphabet, edits: Edits, draws: Array) -> Edits:
    """The edits without those that put a spacing sign after what the language does not combine with it.

    Of edits that do so together, that with the largest draw is left out; `draws` (m,) are those of the clusters. A sign
    that follows the same code point as before stays possible.
    """
    if not len(alphabet.signs) or not len(edits):
        return edits
    ends, leaves = _ends(batch, edits), _leaves(edits)
    alone = _combine(alphabet, ends.last, ends.after) | (ends.last == at(batch.points, edits.stop - 1))
    alone &= _combine(alphabet, ends.before, ends.first) | (ends.first == at(batch.points, edits.start)) | ~leaves
    edits = edits.take(np.flatnonzero(alone))
    together = np.ones(len(edits), np.bool_)
    together[_clashing(batch, alphabet, edits, at(draws, batch.units(edits.start)))] = False
    return edits.take(np.flatnonzero(together))


class _Ends(NamedTuple):
    """The code points at the ends of edits, all (k,): before the edit, the first and the last new ones, and after it.

    Of an edit that leaves nothing, the last is the one before it, and the first the one after it.
    """

    before: Array
    first: Array
    last: Array
    after: Array


def _ends(batch: Batch, edits: Edits) -> _Ends:
    points = np.concatenate((batch.points, edits.pool))
    before, after = at(batch.points, edits.start - 1), at(batch.points, edits.stop)
    before[edits.start == 0] = 0
    (front, back), stops = edits.length.T > 0, edits.source + edits.length - 1
    first = at(points, np.where(front, edits.source[:, 0], edits.source[:, 1]))
    last = at(points, np.where(back, stops[:, 1], stops[:, 0]))
    return _Ends(before, np.where(front | back, first, after), np.where(front | back, last, before), after)


def _leaves(edits: Edits) -> Array:
    """Whether each edit (k,) leaves any code point."""
    leaves: Array = edits.length.sum(axis=1) > 0
    return leaves


def _clashing(batch: Batch, alphabet: Alphabet, edits: Edits, draws: Array) -> Array:
    """The edits that together with some of smaller draws, right beside them, put a sign after a wrong code point.

    Whether the others are left out, too, does not matter: so strengths nest.
    """
    # begin (w,): the first edits of runs of `size` adjacent edits; of those between the first and the last nothing is
    # left, so that the last code point of the first edit meets the first one of the last edit.
    ends, leaves = _ends(batch, edits), _leaves(edits)
    met = np.where(leaves, edits.start, edits.stop)
    size, begin, clashing = 2, np.flatnonzero(edits.stop[:-1] == edits.start[1:]), []
    while len(begin):
        end = begin + size - 1
        last, first = ends.last[begin], ends.first[end]
        same = (last == at(batch.points, met[end] - 1)) & (first == at(batch.points, met[end]))
        wrong = begin[~_combine(alphabet, last, first) & ~same]
        clashing.append(wrong + draws[wrong[:, None] + np.arange(size)].argmax(axis=1))
        begin = begin[~leaves[end] & (end + 1 < len(leaves))]
        begin = begin[edits.stop[begin + size - 1] == edits.start[begin + size]]
        size += 1
    return np.concatenate((np.zeros(0, np.int64), *clashing))


def _combine(alphabet: Alphabet, points: Array, others: Array) -> Array:
    """Whether each of the others (k,) can follow the point before it (k,): it is not a spacing sign, or is listed."""
    keys = points.astype(np.int64) << POINT_BITS | others
    free: Array = ~np.isin(others, alphabet.signs) | np.isin(keys, alphabet.combinations)
    return free
