"""The meaning of scores: whole numbers, so that the last bits of a float have no effect, and their first maxima."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from robust_xtreme.core.columns import Array, TargetColumn, bounds_of, gathered

Labels = tuple[str, ...]

QUANTUM: Final = 1e-4
"""Scores are compared as multiples of this."""


def quantised(scores: Array) -> tuple[Array, Array]:
    """Scores as whole numbers of QUANTUM (int64), and which are finite and at most 2^53 (bool); others are 0."""
    whole = np.array(scores, np.float64)
    whole /= QUANTUM
    np.rint(whole, out=whole)
    exact = np.abs(whole) <= 2**53  # float64 does not have all whole numbers above it
    return (whole if exact.all() else np.where(exact, whole, 0.0)).astype(np.int64), exact


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """What predictions need of the scores of w windows.

    `values` (r, ...) has `counts` (w,) consecutive rows for each window; `finite` (w,) bool: its scores are numbers.
    """

    values: Array
    counts: Array
    finite: Array

    def take(self, rows: Array) -> Reduced:
        """The values of windows by row (k,)."""
        positions, _ = gathered(bounds_of(self.counts), rows)
        return Reduced(self.values[positions], self.counts[rows], self.finite[rows])


def joined(several: Sequence[Reduced]) -> Reduced:
    """The values of several lists of windows, one list after the other."""
    names = ("values", "counts", "finite")
    return Reduced(*(np.concatenate([getattr(reduced, name) for reduced in several]) for name in names))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """The predictions of n inputs, and for which of them the scores are finite (n,) bool; others mean nothing."""

    targets: TargetColumn
    finite: Array


def every(flags: Array, bounds: Array) -> Array:
    """Whether all flags from each bound to the next are true (n,) bool; true where there are none."""
    wrong = np.concatenate(([0], np.cumsum(~flags)))
    return np.asarray(wrong[bounds[1:]] == wrong[bounds[:-1]])


def best_of(values: Array, bounds: Array) -> Array:
    """The position of the first maximum from each bound to the next (n,); no range is empty."""
    if len(bounds) < 2:
        return np.zeros(0, np.int64)
    highest = np.repeat(np.maximum.reduceat(values, bounds[:-1]), np.diff(bounds))
    equal = np.flatnonzero(values == highest)
    return np.asarray(equal[np.searchsorted(equal, bounds[:-1])])
