"""A noisy text beside its clean one, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from robust_xtreme.core import graphemes
from robust_xtreme.core.edits import Place
from robust_xtreme.noise.engine.diff import hunks
from robust_xtreme.noise.engine.noised import Noised

Piece = tuple[str, str]
"""A part of the clean text, and what it became."""


def pieces(noised: Noised) -> Iterator[Piece]:
    """The text as pairs of old and new parts; the result of a chain is compared with the clean text."""
    clean, noisy = noised.clean.value, noised.text.value
    moves = noised.traces[0].moves if len(noised.traces) == 1 else _compared(clean, noisy)
    old = new = 0
    for start, stop, new_start, new_stop in moves:
        yield clean[old:start], noisy[new:new_start]
        yield clean[start:stop], noisy[new_start:new_stop]
        old, new = stop, new_stop
    yield clean[old:], noisy[new:]


def _compared(clean: str, noisy: str) -> tuple[Place, ...]:
    """The changes of one text to another, by grapheme clusters."""
    if clean == noisy:
        return ()
    old, new = graphemes.split(clean), graphemes.split(noisy)
    before, after = ([0, *accumulate(map(len, clusters))] for clusters in (old, new))
    return tuple((before[a], before[b], after[c], after[d]) for a, b, c, d in hunks(old, new))
