"""Spacing signs: marks that are clusters of their own and follow a letter, as Burmese vowel signs do."""

from __future__ import annotations

import numpy as np

from robust_xtreme.edits import Array, Batch, Edits, at
from robust_xtreme.noise.engine.alphabet import POINT_BITS, Alphabet


def bearing(batch: Batch, alphabet: Alphabet) -> Array | None:
    """Whether a spacing sign follows each cluster (m,); None where the language has no such signs."""
    if not len(alphabet.signs):
        return None
    followed = np.zeros(len(batch.clusters.starts), np.bool_)
    followed[:-1] = np.isin(batch.firsts(batch.points)[1:], alphabet.signs)
    return followed


def combined(batch: Batch, alphabet: Alphabet, edits: Edits) -> Edits:
    """The edits without those that put a spacing sign after what the language does not combine with it.

    A sign that follows the same code point as before stays possible.
    """
    if not len(alphabet.signs) or not len(edits):
        return edits
    # before, first, last and after (k,): the code point before each edit, the new ones at its ends (of an edit that
    # leaves nothing, the one before it), and the one after it.
    points = np.concatenate((batch.points, edits.pool))
    before, after = at(batch.points, edits.start - 1), at(batch.points, edits.stop)
    before[edits.start == 0] = 0
    whole, second = edits.length.sum(axis=1) > 0, edits.length[:, 1] > 0
    first = at(points, np.where(edits.length[:, 0] > 0, edits.source[:, 0], edits.source[:, 1]))
    ends = edits.source + edits.length - 1
    last = np.where(whole, at(points, np.where(second, ends[:, 1], ends[:, 0])), before)
    kept = (last == at(batch.points, edits.stop - 1)) | _combine(alphabet, last, after)
    kept &= ~whole | (first == at(batch.points, edits.start)) | _combine(alphabet, before, first)
    return edits if kept.all() else edits.take(np.flatnonzero(kept))


def _combine(alphabet: Alphabet, points: Array, others: Array) -> Array:
    """Whether each of the others (k,) can follow the point before it (k,): it is not a spacing sign, or is listed."""
    keys = points.astype(np.int64) << POINT_BITS | others
    free: Array = ~np.isin(others, alphabet.signs) | np.isin(keys, alphabet.combinations)
    return free
