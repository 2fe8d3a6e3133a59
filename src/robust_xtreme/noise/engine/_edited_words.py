"""Counts the words of a batch, and those that edits touch.

Shapes: n code points in a batch, e edits.
"""

from __future__ import annotations

import numpy as np

from robust_xtreme import graphemes
from robust_xtreme.edits import Array, Batch, Edits, at


def words_of(clean: Batch, edits: Edits, owner: Array) -> tuple[Array, Array]:
    """Words and edited words of each text; a word is a run of clusters without white space.

    A word is edited where an edit changes it, splits it, or puts a sign directly before or after it; where the white
    space between two words is deleted, both are.
    """
    # blank (n,): white space by code point, the separator after each text too. begun (n,): how many words began so far.
    blank = (clean.props & graphemes.SPACE) > 0
    blank[clean.offsets[1:] - 1] = True
    begins = ~blank
    begins[1:] &= blank[:-1]
    begun = np.cumsum(begins, dtype=np.int32)
    words = np.diff(at(begun, clean.offsets[1:] - 1), prepend=0)
    start, stop = edits.start, edits.stop
    ended, starting = at(blank, start), at(begins, stop)
    next_blank, previous_blank = _beside(edits, blank)
    # first, last (e,): the words that an edit touches; a word that an edit before it touched is not counted again.
    first = at(begun, start) + ended - (ended & ~((start == 0) | at(blank, start - 1)) & ~next_blank)
    last = at(begun, np.maximum(stop, start + 1) - 1) - ((start == stop) & starting) + (starting & ~previous_blank)
    first[1:] = np.maximum(first[1:], np.maximum.accumulate(last)[:-1] + 1)
    hit = np.bincount(owner, weights=np.maximum(last - first + 1, 0), minlength=len(clean))
    return words.astype(np.int64), hit.astype(np.int64)


def _beside(edits: Edits, blank: Array) -> tuple[Array, Array]:
    """Whether white space, or an end of the text, is after the start of each edit (e,), and before its stop.

    It is that of what the edit puts in; of one that only deletes, that of the clean text beside it.
    """
    put = np.append(blank, (graphemes.properties(edits.pool) & graphemes.SPACE) > 0)
    source, sizes = edits.source, edits.length
    head = np.where(sizes[:, 0] > 0, source[:, 0], source[:, 1])
    tail = np.where(sizes[:, 1] > 0, source[:, 1] + sizes[:, 1], source[:, 0] + sizes[:, 0]) - 1
    empty = ~sizes.any(1)
    after = np.where(empty, at(blank, edits.stop), at(put, head))
    before = np.where(empty, (edits.start == 0) | at(blank, edits.start - 1), at(put, tail))
    return after, before
