"""Intervals of drops that are valid for all cells of a declared family at once."""

from __future__ import annotations

from collections.abc import Sequence

from robust_xtreme.results._cells import Cell
from robust_xtreme.results.intervals import Backend, Moments, difference, difference_bounds
from robust_xtreme.results.resampling import Member, simultaneous_quantile

Pair = tuple[Cell, Cell]
"""A clean cell and its perturbed twin, on the same clusters."""


def joint_bounds(pairs: Sequence[Pair], backend: Backend) -> list[tuple[float, float]]:
    """Low and high of each drop, in points, valid for all of them at once with 95 %.

    The quantile is that of the max-t bootstrap. Its draws are joint, so that cells which share clusters (as languages
    of a parallel test) widen each other's intervals less than as many independent cells.
    """
    measured = [_moments(pair, backend) for pair in pairs]
    quantile = simultaneous_quantile(
        [_member(pair, moments, backend) for pair, moments in zip(pairs, measured, strict=True)], backend=backend
    )
    return [_bounds(moments, quantile, backend) for moments in measured]


def _moments(pair: Pair, backend: Backend) -> Moments:
    clean, noisy = pair
    return difference(backend, backend.to(clean.sums), backend.to(noisy.sums), clean.reduce)


def _member(pair: Pair, moments: Moments, backend: Backend) -> Member:
    return Member(backend.back(moments.deviations), float(moments.jump), pair[0].items.clusters)


def _bounds(moments: Moments, quantile: float, backend: Backend) -> tuple[float, float]:
    _, low, high = difference_bounds(backend, moments, quantile)
    return float(low), float(high)
