"""The intervals that `coverage.py` compares: the project's, its former ones, and those of the literature.

Each is a function of one `Sample`, (R,) replications at once. Where no cluster varies all of them take the exact bound,
and where at most five clusters differ all of them reach 0, since a sign test proves nothing there: what is compared is
the formula, not these two rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from robust_xtreme.stats import intervals
from robust_xtreme.stats.intervals import CPU, Moments

RESAMPLES: Final = 999
MOST_BOOTSTRAPPED: Final = 300
"""Designs with more clusters are not bootstrapped: no method fails there."""
_LEAST: Final = 1e-9
_STILL: Final = 1e-12

Pair = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Metric:
    """Points of summed statistics (..., k), and their gradient (..., k)."""

    reduce: Callable[[Any], Any]
    gradient: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """Replications of one design: cluster sums (R, arms, G, k), `noisy` without arms for a level, and their moments."""

    metric: Metric
    clean: Any
    noisy: Any
    moments: Moments
    draw: np.random.Generator

    @property
    def paired(self) -> bool:
        """Whether the estimate is a drop."""
        return bool(self.noisy.shape[1])

    @property
    def clusters(self) -> int:
        """G."""
        return int(self.clean.shape[2])

    @property
    def t(self) -> float:
        """The quantile of Student's t."""
        return intervals.t_quantile(0.975, self.clusters - 1)


def sample(metric: Metric, clean: Any, noisy: Any, draw: np.random.Generator) -> Sample:
    """The replications with their moments."""
    if noisy.shape[1]:
        return Sample(metric, clean, noisy, intervals.difference(CPU, clean, noisy, metric.reduce), draw)
    return Sample(metric, clean, noisy, intervals.level(CPU, clean, metric.reduce), draw)


def _accuracy(sums: Any) -> Any:
    return 100 * sums[..., 0] / sums[..., 1]


def _accuracy_gradient(sums: Any) -> Any:
    right, items = sums[..., 0], sums[..., 1]
    return 100 * np.stack([1 / items, -right / items**2], -1)


def _f1(sums: Any) -> Any:
    whole = 2 * sums[..., 0] + sums[..., 1] + sums[..., 2]
    return 200 * sums[..., 0] / (whole + (whole == 0))


def _f1_gradient(sums: Any) -> Any:
    whole = np.maximum(2 * sums[..., 0] + sums[..., 1] + sums[..., 2], 1)
    missed = -200 * sums[..., 0] / whole**2
    return np.stack([200 / whole + 2 * missed, missed, missed], -1)


METRICS: Final = {"accuracy": Metric(_accuracy, _accuracy_gradient), "f1": Metric(_f1, _f1_gradient)}


def ours(given: Sample) -> Pair:
    """The intervals of robust_xtreme.stats.intervals."""
    if given.paired:
        _, (_, low, high), _ = intervals.paired(CPU, given.clean, given.noisy, given.metric.reduce)
    else:
        _, low, high = intervals.level_bounds(CPU, given.moments)
    return low, high


def plain_t(given: Sample) -> Pair:
    """The value +- t standard errors of the jackknife."""
    reach = given.t * np.sqrt(given.moments.variance)
    return given.moments.value - reach, given.moments.value + reach


def unclustered(given: Sample) -> Pair:
    """1.96 binomial standard errors of independent items; a drop as if its two runs had different items."""
    items = given.clean[:, 0].sum(1)[:, -1] if given.clean.shape[-1] == 2 else given.clean[:, 0, :, ::2].sum((1, 2))
    shares = [given.metric.reduce(given.clean.sum(-2)).mean(-1) / 100]
    if given.paired:
        shares.append(given.metric.reduce(given.noisy.sum(-2)).mean(-1) / 100)
    reach = 196 * np.sqrt(sum(share * (1 - share) for share in shares) / items)
    return given.moments.value - reach, given.moments.value + reach


def _third(given: Sample) -> tuple[Any, Any]:
    """The sums of the squares and of the cubes of the deviations: V, and the third cumulant of the estimate."""
    squares = given.moments.deviations**2
    total = squares.sum(-1)
    return np.where(total > _STILL, total, 1.0), (squares * given.moments.deviations).sum(-1)


def johnson(given: Sample) -> Pair:
    """Johnson (1978): t about a centre that is moved by a sixth of the skewness."""
    squares, cubes = _third(given)
    low, high = plain_t(given)
    return low + cubes / squares / 6, high + cubes / squares / 6


def hall(given: Sample) -> Pair:
    """Hall (1992): t of the cubic transformation of the studentised value, which is monotone."""
    squares, cubes = _third(given)
    skew, se = cubes / squares**1.5, np.sqrt(given.moments.variance)
    skew = np.where(np.abs(skew) < 1e-6, 1e-6, skew)
    most, least = (3 / skew * (np.cbrt(1 + skew * (t - skew / 6)) - 1) for t in (-given.t, given.t))
    return given.moments.value - se * least, given.moments.value - se * most


def wilson(given: Sample) -> Pair:
    """Wilson (1927), for pairs Tango (1998): the variance follows the tested value, by the slope that the data show."""
    squares, cubes = _third(given)
    return _sloped(given, given.moments.variance, cubes / squares)


def former(given: Sample) -> Pair:
    """The project's former intervals: t with V + J/2 on the logit scale; half a slope and V + J for drops."""
    moments = given.moments
    if not given.paired:
        return _logit(given, np.sqrt(moments.variance + moments.jump / 2), given.t, given.t)
    squares, cubes = _third(given)
    return _sloped(given, moments.variance + moments.jump, cubes / (squares + moments.jump) / 2)


def _sloped(given: Sample, variance: Any, slope: Any) -> Pair:
    """The roots x of (d - x)^2 = t^2 (variance + slope (x - d))."""
    centre = given.moments.value + given.t**2 * slope / 2
    reach = np.sqrt((given.t**2 * slope / 2) ** 2 + given.t**2 * variance)
    return centre - reach, centre + reach


def _logit(given: Sample, se: Any, below: Any, above: Any) -> Pair:
    share = np.clip(given.moments.value / 100, _LEAST, 1 - _LEAST)
    centre, unit = np.log(share / (1 - share)), se / 100 / (share * (1 - share))
    low, high = (np.clip(logit, -500, 500) for logit in (centre - below * unit, centre + above * unit))
    return 100 / (1 + np.exp(-low)), 100 / (1 + np.exp(-high))


def bootstraps(given: Sample) -> tuple[Pair, Pair]:
    """The percentile bootstrap, and the bootstrap-t (of levels on the logit scale), both of whole clusters.

    The standard error of a resample is that of its linearisation.
    """
    weights = given.draw.multinomial(given.clusters, np.full(given.clusters, 1 / given.clusters), RESAMPLES)
    weights = weights.astype(np.float32)
    both = [_resampled(given, weights, at) for at in range(len(given.clean))]
    values, errors = (np.stack(part) for part in zip(*both, strict=True))
    percentile = np.quantile(values, [0.025, 0.975], axis=1, method="higher")
    d, se = given.moments.value[:, None], np.sqrt(given.moments.variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        if given.paired:
            pivots = (values - d) / errors
        else:
            first, other = (np.clip(share / 100, _LEAST, 1 - _LEAST) for share in (values, d))
            slope = 100 * first * (1 - first)
            pivots = (np.log(first / (1 - first)) - np.log(other / (1 - other))) / (errors / slope)
    pivots = np.clip(np.where(np.isnan(pivots), 0.0, pivots), -1e6, 1e6)
    above, below = np.quantile(pivots, [0.025, 0.975], axis=1, method="higher")
    if not given.paired:
        return (percentile[0], percentile[1]), _logit(given, se, below, -above)
    return (percentile[0], percentile[1]), (given.moments.value - below * se, given.moments.value - above * se)


def _resampled(given: Sample, weights: Any, at: int) -> Pair:
    """The values (B,) and standard errors of one replication's resamples."""
    value, influence = np.zeros(len(weights)), np.zeros(weights.shape, dtype=np.float32)
    for sign, arms in ((1, given.clean[at]), (-1, given.noisy[at])):
        for arm in arms:
            sums = (weights @ arm.astype(np.float32)).astype(np.float64)
            part = sign if given.paired or sign == 1 else 0
            value += part * given.metric.reduce(sums) / len(arms)
            influence += np.float32(part / len(arms)) * (
                given.metric.gradient(sums).astype(np.float32) @ arm.T.astype(np.float32)
            )
    squares = np.einsum("bg,bg,bg->b", weights, influence, influence, optimize=True)
    return value, np.sqrt(np.maximum(squares, 0) * given.clusters / (given.clusters - 1))


FORMULAS: Final[dict[str, Callable[[Sample], Pair]]] = {
    "ours": ours,
    "plain_t": plain_t,
    "johnson": johnson,
    "hall": hall,
    "wilson": wilson,
    "former": former,
    "unclustered": unclustered,
}
METHODS: Final = (*FORMULAS, "percentile", "bootstrap_t")


def bounds(given: Sample, methods: Sequence[str] = METHODS) -> dict[str, Pair]:
    """Low and high of some methods, in points; the bootstraps are left out where there are many clusters."""
    pairs = {name: formula(given) for name, formula in FORMULAS.items() if name in methods}
    if "bootstrap_t" in methods and given.clusters <= MOST_BOOTSTRAPPED:
        pairs |= dict(zip(("percentile", "bootstrap_t"), bootstraps(given), strict=True))
    return {name: pair if name == "unclustered" else _ruled(given, *pair) for name, pair in pairs.items()}


def _ruled(given: Sample, low: Any, high: Any) -> Pair:
    still = intervals.varies_not(given.moments)
    exact = 100 * intervals.still_bound(given.clusters, given.t, given.clusters - 1)
    value = given.moments.value
    low, high = np.where(still, value - exact, low), np.where(still, value + exact, high)
    if given.paired:
        few = (given.clean != given.noisy).any(-1).any(-2).sum(-1) <= 5
        low, high = np.where(few, np.minimum(low, 0), low), np.where(few, np.maximum(high, 0), high)
    return np.clip(low, -100 if given.paired else 0, 100), np.clip(high, -100, 100)
