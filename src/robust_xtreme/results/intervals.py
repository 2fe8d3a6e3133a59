"""Intervals of levels and of paired differences: standard errors from clusters, by leaving one cluster out.

The functions are array code over a namespace that is passed as a `Backend` (numpy, or torch on any device), and work on
any number of cells at once: `sums` are the summed statistics of each cluster, of shape (..., arms, clusters, k), where
an arm is one noise seed, and `reduce` is a metric's, (..., k) -> (...), in points.

Method. The value and its G values without one cluster give deviations e; their variance V = (G-1)/G * sum(e^2) is that
of the delete-one jackknife, which is valid for ratios such as F1, too. If few clusters carry the variation, V is itself
uncertain and depends on the estimate; both follow from the higher moments of e: J = sum(e^4) / sum(e^2) is the square
of the typical step of one such cluster, and A = sum(e^3) / (sum(e^2) + J) the slope of the variance along the
estimate. A level takes t with V + J/2 on the logit scale; a difference d takes the roots x of
(d - x)^2 = t^2 (V + J + A/2 (x - d)), as Wilson's interval does for a proportion (there the slope is (1 - 2p)/n).
docs/decisions/0030-intervals.md gives the reasons; reports/coverage.md gives the coverage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, final

import numpy as np

from robust_xtreme.metric import Array

FEWEST_CLUSTERS: Final = 20
CONFIDENCE: Final = 0.95
POWER: Final = 0.8
TOP: Final = 100.0
_STILL: Final = 1e-18
_EDGE: Final = 1e-9

LEVEL_METHOD: Final = "logit t, leave-one-cluster-out"
DELTA_METHOD: Final = "skew-adjusted t, leave-one-cluster-out"
EXACT_METHOD: Final = "exact bound, no cluster varies"


@final
@dataclass(frozen=True, slots=True)
class Backend:
    """The namespace of array code, and the functions that convert a numpy float64 array to it and back."""

    xp: Any
    to: Callable[[Any], Array]
    back: Callable[[Array], Any]


Bounds = tuple[Array, Array, Array]
"""Standard error, low and high, in points."""

CPU: Final = Backend(np, np.asarray, np.asarray)


@final
@dataclass(frozen=True, slots=True)
class Moments:
    """An estimate and the deviations of its leave-one-cluster-out values.

    `value`, `variance`, `slope` (A) and `jump` (J) have shape (...); `deviations` (..., clusters), in points. `freedom`
    are the degrees of freedom of the variance: G-1 for one cell. `clusters` are those of the exact bound: G for one
    cell, for an average the reciprocal of the greatest share of it that one cluster contributes.
    """

    value: Array
    deviations: Array
    variance: Array
    slope: Array
    jump: Array
    freedom: float
    clusters: float


@final
@dataclass(frozen=True, slots=True)
class Estimate:
    """One estimate with its interval, in points; `se`, `low`, `high` and `p` are None where there is no interval."""

    value: float
    se: float | None
    low: float | None
    high: float | None
    p: float | None
    clusters: int
    method: str


def cluster_sums(stats: Array, codes: Array, clusters: int) -> Array:
    """Sum rows of statistics within clusters, in the order of the rows: (n, k) and codes (n,) to (clusters, k)."""
    return np.stack([np.bincount(codes, weights=column, minlength=clusters) for column in stats.T], -1)


def leave_one_out(sums: Array, reduce: Callable[[Array], Array]) -> tuple[Array, Array]:
    """The values of summed statistics, (..., G, k) to (...), and those without each cluster, (..., G)."""
    total = sums.sum(-2)
    return reduce(total), reduce(total[..., None, :] - sums)


def level(backend: Backend, sums: Array, reduce: Callable[[Array], Array]) -> Moments:
    """The mean over arms (noise seeds) of a metric, from `sums` (..., arms, G, k)."""
    values, without = leave_one_out(sums, reduce)
    return _moments(backend, values.mean(-1), without.mean(-2))


def difference(backend: Backend, left: Array, right: Array, reduce: Callable[[Array], Array]) -> Moments:
    """The mean over arms of left - right on the same clusters, from sums (..., arms, G, k).

    Either side may have one arm where the other has several. Equal sums give exactly 0.
    """
    (first, first_without), (second, second_without) = leave_one_out(left, reduce), leave_one_out(right, reduce)
    return _moments(backend, (first - second).mean(-1), (first_without - second_without).mean(-2))


def _moments(backend: Backend, value: Array, without: Array) -> Moments:
    clusters = without.shape[-1]
    deviations = without.mean(-1)[..., None] - without
    return moments_of(backend, value, deviations, (clusters - 1) / clusters, clusters - 1, clusters)


def moments_of(
    backend: Backend, value: Array, deviations: Array, factor: float, freedom: float, clusters: float
) -> Moments:
    """The moments of an estimate whose variance is `factor` times the sum of its squared deviations (..., G)."""
    xp, squares = backend.xp, deviations**2
    total = squares.sum(-1)
    whole = xp.where(total > _STILL, total, xp.ones_like(total))
    jump = (squares * squares).sum(-1) / whole
    slope = (squares * deviations).sum(-1) / (whole + jump)
    return Moments(value, deviations, total * factor, slope, jump, freedom, clusters)


def level_bounds(backend: Backend, moments: Moments) -> Bounds:
    """Standard error, low and high of a level: t on the logit scale. Where no cluster varies the bounds are exact."""
    xp = backend.xp
    t = t_quantile(0.5 + CONFIDENCE / 2, moments.freedom)
    se = xp.sqrt(moments.variance + moments.jump / 2)
    share = xp.clip(moments.value / TOP, _EDGE, 1 - _EDGE)
    centre, reach = xp.log(share / (1 - share)), t * se / TOP / (share * (1 - share))
    low, high = (TOP / (1 + xp.exp(-xp.clip(logit, -500.0, 500.0))) for logit in (centre - reach, centre + reach))
    return _or_exact(backend, moments, (se, low, high), t, 0.0, TOP)


def difference_bounds(backend: Backend, moments: Moments, quantile: float | None = None) -> Bounds:
    """Standard error, low and high of a paired difference, within -100 and 100.

    100 minus the left side is not used as a bound, because the left side is an estimate. A simultaneous `quantile`
    widens the interval about the same centre: the slope is not known well enough for far tails.
    """
    xp = backend.xp
    single = t_quantile(0.5 + CONFIDENCE / 2, moments.freedom)
    t = single if quantile is None else quantile
    variance = moments.variance + moments.jump
    shift = single * single * moments.slope / 4
    reach = xp.sqrt(shift**2 + t * t * variance)
    below, above = moments.value + shift - reach, moments.value + shift + reach
    return _or_exact(backend, moments, (xp.sqrt(variance), below, above), t, -TOP, TOP)


def _or_exact(backend: Backend, moments: Moments, bounds: Bounds, t: float, least: float, most: float) -> Bounds:
    """The bounds, or the exact bound where no cluster varies, clipped to the possible range."""
    xp, (se, low, high) = backend.xp, bounds
    still, zero = varies_not(moments), xp.zeros_like(moments.value)
    bound = TOP * still_bound(moments.clusters, t, moments.freedom)
    se = xp.where(still, zero + bound / t, se)
    low, high = xp.where(still, moments.value - bound, low), xp.where(still, moments.value + bound, high)
    return se, xp.maximum(low, zero + least), xp.minimum(high, zero + most)


def varies_not(moments: Moments) -> Array:
    """Where the value is the same without any cluster (as with no discordant item)."""
    return moments.variance <= _STILL


def still_bound(clusters: float, quantile: float, freedom: float) -> float:
    """The largest share of varying clusters with which 5 % of samples of G clusters have none: about 3/G.

    The 5 % are the two tails beyond `quantile`, so that a simultaneous one widens this bound too.
    """
    from scipy import special

    return float(1 - (2 * special.stdtr(freedom, -quantile)) ** (1 / clusters))


def p_value(backend: Backend, moments: Moments, discordant: Array) -> Any:
    """The two-sided p of no difference, a numpy array: studentised t, G-1 df, never below the sign test's.

    The variance is the larger of that at the estimate and that at 0 by the slope. `discordant` (...) is the number of
    clusters that differ: if each is as likely to get better as worse, all of them agree with probability
    2^(1 - discordant), and no p is smaller than that.
    """
    from scipy import special

    value = backend.back(moments.value)
    variance = backend.back(
        moments.variance + moments.jump + backend.xp.clip(-moments.slope * moments.value / 2, 0.0, None)
    )
    se = np.sqrt(np.where(variance > _STILL, variance, _STILL))
    tail = 2 * special.stdtr(moments.freedom, -np.abs(value) / se)
    least = np.exp2(np.minimum(1.0 - np.asarray(backend.back(discordant), dtype=float), 0.0))
    return np.where(value == 0, 1.0, np.maximum(tail, least))


@cache
def t_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's t."""
    from scipy import special

    return float(special.stdtrit(freedom, probability))


def smallest_detectable(se: float, clusters: int, tests: int = 1) -> float:
    """MDE: the smallest difference detected with 80 % power if `tests` share a two-sided alpha (Holm's first step)."""
    return se * (t_quantile(1 - (1 - CONFIDENCE) / (2 * tests), clusters - 1) + t_quantile(POWER, clusters - 1))


def estimate_level(sums: Any, reduce: Callable[[Array], Array], backend: Backend = CPU) -> Estimate:
    """One cell's value with its interval, from numpy sums (arms, G, k); fewer than 20 clusters: no interval."""
    moments = level(backend, backend.to(sums), reduce)
    clusters = sums.shape[-2]
    if clusters < FEWEST_CLUSTERS:
        return _without_interval(moments, clusters)
    return _estimate(moments, level_bounds(backend, moments), None, LEVEL_METHOD)


def paired(
    backend: Backend, left: Array, right: Array, reduce: Callable[[Array], Array]
) -> tuple[Moments, Bounds, Any]:
    """A paired difference left - right from sums (..., arms, G, k): its moments, (se, low, high) and p (numpy).

    An interval never contradicts its p: where p is above 0.05 (few discordant clusters), it is stretched to reach 0.
    """
    moments = difference(backend, left, right, reduce)
    return moments, *tested(backend, moments, discordant=(left != right).any(-1).any(-2).sum(-1))


def tested(backend: Backend, moments: Moments, discordant: Array) -> tuple[Bounds, Any]:
    """(se, low, high) and p (numpy) of a paired difference or an average of them; see `paired` and `p_value`."""
    xp = backend.xp
    p = p_value(backend, moments, discordant)
    se, low, high = difference_bounds(backend, moments)
    unproven = backend.to(np.asarray(p > 1 - CONFIDENCE))
    low, high = xp.where(unproven, xp.clip(low, None, 0.0), low), xp.where(unproven, xp.clip(high, 0.0, None), high)
    return (se, low, high), p


def estimate_difference(left: Any, right: Any, reduce: Callable[[Array], Array], backend: Backend = CPU) -> Estimate:
    """One paired difference (left - right) with interval and p, from numpy sums (arms, G, k) on the same clusters."""
    first, second = backend.to(left), backend.to(right)
    clusters = left.shape[-2]
    if clusters < FEWEST_CLUSTERS:
        return _without_interval(difference(backend, first, second, reduce), clusters)
    moments, bounds, p = paired(backend, first, second, reduce)
    return _estimate(moments, bounds, float(p), DELTA_METHOD)


def estimate_average(moments: Moments, discordant: int, backend: Backend = CPU) -> Estimate:
    """An average of paired differences with interval and p; with fewer than 19 degrees of freedom, no interval."""
    if moments.freedom < FEWEST_CLUSTERS - 1:
        method = f"none: {moments.freedom:.1f} degrees of freedom, fewer than {FEWEST_CLUSTERS - 1}"
        return Estimate(float(moments.value), None, None, None, None, int(moments.deviations.shape[-1]), method)
    bounds, p = tested(backend, moments, np.asarray(discordant))
    return _estimate(moments, bounds, float(p), DELTA_METHOD)


def _without_interval(moments: Moments, clusters: int) -> Estimate:
    method = f"none: {clusters} clusters, fewer than {FEWEST_CLUSTERS}"
    return Estimate(float(moments.value), None, None, None, None, clusters, method)


def _estimate(moments: Moments, bounds: Bounds, p: float | None, method: str) -> Estimate:
    se, low, high = map(float, bounds)
    method = EXACT_METHOD if bool(varies_not(moments)) else method
    return Estimate(float(moments.value), se, low, high, p, int(moments.deviations.shape[-1]), method)
