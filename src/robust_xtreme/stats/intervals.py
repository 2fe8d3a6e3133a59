"""Intervals of levels and of paired differences: standard errors from clusters, by leaving one cluster out.

The functions are array code over a namespace that is passed as an `ArrayBackend` (numpy, or torch on any device), and
work on any number of cells at once: `sums` are the summed statistics of each cluster, of shape (..., arms, clusters,
k), where an arm is one noise seed, and `reduce` is a metric's, (..., k) -> (...), in points.

Method. The value and its G values without one cluster give deviations e. V = (G-1)/G * sum(e^2) is the variance of the
delete-one jackknife; a level takes t with G-1 degrees of freedom on the logit scale. A difference takes V + J, where J
is sum(e^4) / sum(e^2): half a cluster is added that gains, and half a cluster that loses. docs/method.md gives the
derivation; reports/coverage.md gives the coverage beside that of published intervals.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, reduce
from math import ceil, log2, sqrt
from operator import add
from typing import Any, Final

import numpy as np

from robust_xtreme.core.metric import Array

FEWEST_CLUSTERS: Final = 20
FEWEST_JOINT: Final = 160
"""The fewest clusters with a joint interval: with fewer its coverage is not that which it claims."""
CONFIDENCE: Final = 0.95
POWER: Final = 0.8
TOP: Final = 100.0
RATIOS: Final = ("span_f1", "bitext_f1")
"""The metrics whose value is a ratio of counts that depend on the answers, so that few items show little of others."""
_STILL: Final = 1e-18
_WHOLE: Final = 0.9
"""The share of a whole item's step that counts as one: a cluster's deviation is from the mean of all."""

_EDGE: Final = 1e-9

LEVEL_METHOD: Final = "logit t, leave-one-cluster-out"
DELTA_METHOD: Final = "t with one cluster added, leave-one-cluster-out"
EXACT_METHOD: Final = "exact bound, no cluster varies"
_FEW: Final = f"none: {{}} clusters, fewer than {FEWEST_CLUSTERS}"


@dataclass(frozen=True, slots=True)
class ArrayBackend:
    """The namespace of array code, and the functions that convert a numpy float64 array to it and back."""

    xp: Any
    to: Callable[[Any], Array]
    back: Callable[[Array], Any]


Bounds = tuple[Array, Array, Array]
"""Standard error, low and high, in points."""

Quantiles = tuple[float, float]
"""How many standard errors an interval reaches below and above its estimate."""

CPU: Final = ArrayBackend(np, np.asarray, np.asarray)


@dataclass(frozen=True, slots=True)
class Moments:
    """An estimate and the deviations of its leave-one-cluster-out values.

    `value`, `variance` (V) and `jump` (J) have shape (...); `deviations` (..., clusters), in points. `freedom`
    are the degrees of freedom of the variance: G-1 for one cell. `clusters` (...) are those of the exact bound: the
    reciprocal of the greatest share of the value that one cluster contributes, which is G where all have one size.
    """

    value: Array
    deviations: Array
    variance: Array
    jump: Array
    freedom: float
    clusters: Array


@dataclass(frozen=True, slots=True)
class Estimate:
    """One estimate with its interval, in points; all but value, clusters and method are None without an interval.

    `se` is the standard error of the jackknife; `widened_se` (of differences alone) is what interval and test use.
    """

    value: float
    se: float | None
    widened_se: float | None
    low: float | None
    high: float | None
    p: float | None
    clusters: int
    method: str
    df: float


def cluster_sums(stats: Array, codes: Array, clusters: int) -> Array:
    """Sum rows of statistics within clusters, in the order of the rows: (n, k) and codes (n,) to (clusters, k)."""
    return np.stack([np.bincount(codes, weights=column, minlength=clusters) for column in stats.T], -1)


def added(numbers: Iterable[float]) -> float:
    """Numbers added from left to right: every Python gives the same bits, while `sum` rounds otherwise since 3.12."""
    return reduce(add, numbers, 0.0)


def leave_one_out(sums: Array, reduce: Callable[[Array], Array]) -> tuple[Array, Array]:
    """The values of summed statistics, (..., G, k) to (...), and those without each cluster, (..., G)."""
    total = sums.sum(-2)
    return reduce(total), reduce(total[..., None, :] - sums)


def level(backend: ArrayBackend, sums: Array, reduce: Callable[[Array], Array]) -> Moments:
    """The mean over arms (noise seeds) of a metric, from `sums` (..., arms, G, k)."""
    values, without = leave_one_out(sums, reduce)
    return _moments(backend, values.mean(-1), without.mean(-2), clusters_like(backend, sums))


def difference(backend: ArrayBackend, left: Array, right: Array, reduce: Callable[[Array], Array]) -> Moments:
    """The mean over arms of left - right on the same clusters, from sums (..., arms, G, k).

    Either side may have one arm where the other has several. Equal sums give exactly 0.
    """
    (first, first_without), (second, second_without) = leave_one_out(left, reduce), leave_one_out(right, reduce)
    alike = clusters_like(backend, left)
    return _moments(backend, (first - second).mean(-1), (first_without - second_without).mean(-2), alike)


def _moments(backend: ArrayBackend, value: Array, without: Array, alike: Array) -> Moments:
    clusters = without.shape[-1]
    deviations = without.mean(-1)[..., None] - without
    variance = (deviations**2).sum(-1) * ((clusters - 1) / clusters)
    return Moments(value, deviations, variance, jump(backend, deviations), clusters - 1, backend.xp.amin(alike, -1))


def clusters_like(backend: ArrayBackend, sums: Array) -> Array:
    """How many clusters of the size of each one would make the whole, (..., G), from sums (..., arms, G, k).

    The size is what a mean divides by, its second sum, and all that an F1 counts. Where nothing is counted, all are G.
    """
    xp, counted = backend.xp, (sums[..., 1] if sums.shape[-1] == 2 else sums.sum(-1)).sum(-2)
    sizes = xp.where(counted.sum(-1)[..., None] > 0, counted, xp.ones_like(counted))
    return sizes.sum(-1)[..., None] / xp.clip(sizes, _EDGE, None)


def jump(backend: ArrayBackend, deviations: Array) -> Array:
    """J of deviations (..., G): the sum of fourth powers over the sum of squares; 0 where no cluster varies."""
    xp, squares = backend.xp, deviations**2
    total = squares.sum(-1)
    return (squares * squares).sum(-1) / xp.where(total > _STILL, total, xp.ones_like(total))


def level_bounds(backend: ArrayBackend, moments: Moments) -> Bounds:
    """Standard error, low and high of a level: t on the logit scale. Where no cluster varies the bounds are exact."""
    xp = backend.xp
    t = t_quantile(0.5 + CONFIDENCE / 2, moments.freedom)
    share = xp.clip(moments.value / TOP, _EDGE, 1 - _EDGE)
    centre, reach = xp.log(share / (1 - share)), t * xp.sqrt(moments.variance) / TOP / (share * (1 - share))
    low, high = (TOP / (1 + xp.exp(-xp.clip(logit, -500.0, 500.0))) for logit in (centre - reach, centre + reach))
    return _or_exact(backend, moments, (low, high), t, 0.0)


def difference_bounds(backend: ArrayBackend, moments: Moments, quantiles: Quantiles | None = None) -> Bounds:
    """Standard error, low and high of a paired difference, within -100 and 100.

    `quantiles` (default: t) below and above widen it; J grows with their square, as what Wilson's interval adds does.
    100 minus the left side is not used as a bound, because the left side is an estimate.
    """
    single = t_quantile(0.5 + CONFIDENCE / 2, moments.freedom)
    below, above = quantiles or (single, single)
    reach = [t * backend.xp.sqrt(moments.variance + moments.jump * (t / single) ** 2) for t in (below, above)]
    bounds = (moments.value - reach[0], moments.value + reach[1])
    return _or_exact(backend, moments, bounds, max(below, above), -TOP)


def _or_exact(backend: ArrayBackend, moments: Moments, bounds: tuple[Array, Array], t: float, least: float) -> Bounds:
    """The bounds, or the exact bound where no cluster varies, clipped to the possible range."""
    xp, still = backend.xp, varies_not(moments)
    exact = TOP * still_bound(moments.clusters, t, moments.freedom)
    low, high = xp.where(still, moments.value - exact, bounds[0]), xp.where(still, moments.value + exact, bounds[1])
    return xp.sqrt(moments.variance), xp.clip(low, least, None), xp.clip(high, None, TOP)


def widened_se(backend: ArrayBackend, moments: Moments) -> Array:
    """sqrt(V + J), which interval and test of a difference use; where no cluster varies, the exact bound over t."""
    xp, t = backend.xp, t_quantile(0.5 + CONFIDENCE / 2, moments.freedom)
    whole = xp.zeros_like(moments.value) + TOP * still_bound(moments.clusters, t, moments.freedom) / t
    return xp.where(varies_not(moments), whole, xp.sqrt(moments.variance + moments.jump))


def has_joint(moments: Moments) -> bool:
    """Whether there are clusters enough, or degrees of freedom of an average, for a joint interval."""
    return moments.freedom >= FEWEST_JOINT - 1


def varies_not(moments: Moments) -> Array:
    """Where the value is the same without any cluster (as with no discordant item)."""
    return moments.variance <= _STILL


def still_bound(clusters: Array, quantile: float, freedom: float) -> Array:
    """The largest share of varying clusters with which 5 % of samples of G clusters have none: about 3/G.

    The 5 % are the two tails beyond `quantile`, so that a simultaneous one widens this bound too.
    """
    return 1 - (2 * t_probability(-quantile, freedom)) ** (1 / clusters)


def _special() -> Any:
    """scipy's functions of distributions, which are loaded only where a number needs them."""
    from scipy import special

    return special


def t_probability(value: float, freedom: float) -> float:
    """The probability that Student's t is below a value."""
    return float(_special().stdtr(freedom, value))


def p_value(backend: ArrayBackend, moments: Moments, discordant: Array) -> Any:
    """The two-sided p of no difference, a numpy array: studentised t, G-1 df, never below the sign test's.

    `discordant` (...) is the number of clusters that differ: if each is as likely to get better as worse, all of them
    agree with probability 2^(1 - discordant), and no p is smaller than that.
    """
    value, error = backend.back(moments.value), backend.back(widened_se(backend, moments))
    tail = 2 * _special().stdtr(moments.freedom, -np.abs(value) / error)
    least = np.exp2(np.minimum(1.0 - np.asarray(backend.back(discordant), dtype=float), 0.0))
    return np.where(value == 0, 1.0, np.maximum(tail, least))


def one_sided(difference: Any, p: Any) -> Any:
    """The p of a difference that is not below 0, from differences and their two-sided p, numpy arrays."""
    return np.where(np.asarray(difference) < 0, np.asarray(p) / 2, 1 - np.asarray(p) / 2)


def skewness(moments: Moments) -> Any:
    """The skewness of estimates, a numpy array: of their deviations the sum of cubes over V^1.5; 0 where V is 0."""
    still = np.asarray(varies_not(moments))
    return (np.asarray(moments.deviations) ** 3).sum(-1) / np.where(still, 1.0, np.asarray(moments.variance)) ** 1.5


def one_sided_bounds(
    difference: Any, widened_se: Any, df: Any, skew: Any, exact: Any, least: Any = 0.0
) -> tuple[Any, Any]:
    """The one-sided 95 % bounds of differences, lower and upper, numpy arrays; NaN without an interval.

    Where nearly all that differs is a loss, samples with few losses have small errors, too, so that a bound by t is too
    near. The bound on the side of the longer tail is |skew| (2 t^2 + 1) / 6 errors further away: Hall's correction
    (Annals of Statistics 1983), never inwards. `exact` is where no cluster varies: there the two-sided interval bounds
    each side alone with 95 %. No bound is nearer than `least`, in points.
    """
    t = _special().stdtrit(df, np.where(exact, (1 + CONFIDENCE) / 2, CONFIDENCE))
    below, above = (t + np.maximum(sign * np.asarray(skew), 0.0) * (2 * t**2 + 1) / 6 for sign in (-1, 1))
    return difference - np.maximum(below * widened_se, least), difference + np.maximum(above * widened_se, least)


def unseen(clusters: Any) -> Any:
    """The loss in points of which 5 % of samples of G clusters show nothing, about 300/G: 1 - 0.05^(1/G) lose all."""
    return TOP * (1 - (1 - CONFIDENCE) ** (1 / np.maximum(clusters, 1)))


def least(unseen: Any, se: Any, widened_se: Any, n: Any, clusters: Any) -> Any:
    """How near bounds of single cells may be, in points: `unseen`, or 0 where J is a step of a whole item of n.

    Smaller steps, of scores between wrong and right or of one of several noise seeds, do not widen an error by what a
    loss of whole items would add. Where the largest cluster has so many times the mean size, the step has to be so many
    times that of an item: what small clusters lose says nothing of what a large one could.
    """
    largest = clusters * np.log1p(-unseen / TOP) / np.log(1 - CONFIDENCE)
    return np.where(widened_se**2 - se**2 >= (_WHOLE * TOP * largest / n) ** 2, 0.0, unseen)


def equivalence_p(
    difference: Any, widened_se: Any, df: Any, skew: Any, exact: Any, margin: Any, least: Any = 0.0
) -> Any:
    """The greater p of the two one-sided tests of differences against a margin (Schuirmann 1987), numpy arrays.

    It is the level at which a bound of `one_sided_bounds` reaches the margin: below 0.05 where both bounds are within.
    """
    apart = np.maximum(margin - np.abs(difference), 0.0) / np.where(np.equal(least, 0), 1.0, least)
    p = np.where(np.equal(least, 0), 0.0, (1 - CONFIDENCE) ** apart)
    for sign in (1, -1):
        room, tail = (margin + sign * difference) / widened_se, np.maximum(-sign * np.asarray(skew), 0.0)
        above = room - tail / 6
        t = 2 * above / (1 + np.sqrt(np.maximum(1 + 4 * tail * above / 3, 0.0)))
        of_exact = (1 - CONFIDENCE) ** np.maximum(room / _special().stdtrit(df, (1 + CONFIDENCE) / 2), 0.0)
        p = np.maximum(p, np.where(exact, of_exact, _special().stdtr(df, -t)))
    return p


def error_of_ratio(se: Any, widened_se: Any, clusters: Any) -> Any:
    """`widened_se` of an F1, numpy arrays, in which the cluster that is added changes it by a whole cluster's share."""
    return np.maximum(widened_se, np.hypot(se, TOP / np.asarray(clusters)))


def share_bounds(count: int, of: int) -> tuple[float, float]:
    """The bounds at 95 % of a share, from independent draws (Wilson 1927)."""
    from scipy import stats

    low, high = stats.binomtest(count, of).proportion_ci(CONFIDENCE, method="wilson")
    return float(low), float(high)


@cache
def t_quantile(probability: float, freedom: float) -> float:
    """The quantile of Student's t."""
    return float(_special().stdtrit(freedom, probability))


def smallest_detectable(
    estimate: Estimate, tests: float = 1, power: float = POWER, step: float | None = None
) -> float | None:
    """MDE: the smallest difference detected with this power if `tests` share a two-sided alpha (Holm's first step).

    The test asks for t times `widened_se`, and the estimate scatters by `se`. It also asks for a number of differing
    clusters, since p is at least 2^(1 - differing); sqrt(widened_se^2 - se^2) is the step of one of them, unless `step`
    says otherwise, in points. Without an interval there is no MDE.
    """
    if estimate.se is None or estimate.widened_se is None:
        return None
    alpha, freedom = (1 - CONFIDENCE) / tests, estimate.df
    studentised = estimate.widened_se * t_quantile(1 - alpha / 2, freedom) + estimate.se * t_quantile(power, freedom)
    typical = sqrt(max(estimate.widened_se**2 - estimate.se**2, 0.0)) if step is None else step
    signs = typical * float(_special().gammaincinv(ceil(1 - log2(alpha)), power))
    return min(max(studentised, signs), TOP)


def estimate_level(sums: Any, reduce: Callable[[Array], Array], backend: ArrayBackend = CPU) -> Estimate:
    """One cell's value with its interval, from numpy sums (arms, G, k); fewer than 20 clusters: no interval."""
    moments = level(backend, backend.to(sums), reduce)
    clusters = sums.shape[-2]
    if clusters < FEWEST_CLUSTERS:
        return _no_interval(moments, _FEW.format(clusters))
    return _estimate(moments, level_bounds(backend, moments), None, None, LEVEL_METHOD)


def paired(
    backend: ArrayBackend, left: Array, right: Array, reduce: Callable[[Array], Array]
) -> tuple[Moments, Bounds, Any]:
    """A paired difference left - right from sums (..., arms, G, k): its moments, (se, low, high) and p (numpy).

    An interval never contradicts its p: where at most five clusters differ, p is above 0.05 and the interval reaches 0.
    """
    moments = difference(backend, left, right, reduce)
    return moments, *tested(backend, moments, discordant=differs(left, right).sum(-1))


def differs(left: Array, right: Array) -> Array:
    """Which clusters (..., G) have other sums (..., arms, G, k) in any arm, but for the last bits of their sums."""
    return (abs(left - right) > _EDGE).any(-1).any(-2)


def tested(backend: ArrayBackend, moments: Moments, discordant: Array) -> tuple[Bounds, Any]:
    """(se, low, high) and p (numpy) of a paired difference or an average of them; see `paired` and `p_value`."""
    xp = backend.xp
    p = p_value(backend, moments, discordant)
    se, low, high = difference_bounds(backend, moments)
    unproven = backend.to(np.asarray(p > 1 - CONFIDENCE))
    low, high = xp.where(unproven, xp.clip(low, None, 0.0), low), xp.where(unproven, xp.clip(high, 0.0, None), high)
    return (se, low, high), p


def estimate_difference(
    left: Any, right: Any, reduce: Callable[[Array], Array], backend: ArrayBackend = CPU
) -> Estimate:
    """One paired difference (left - right) with interval and p, from numpy sums (arms, G, k) on the same clusters."""
    first, second = backend.to(left), backend.to(right)
    clusters = left.shape[-2]
    if clusters < FEWEST_CLUSTERS:
        return _no_interval(difference(backend, first, second, reduce), _FEW.format(clusters))
    moments, bounds, p = paired(backend, first, second, reduce)
    return _estimate(moments, bounds, float(widened_se(backend, moments)), float(p), DELTA_METHOD)


def estimate_average(moments: Moments, discordant: int) -> Estimate:
    """An average of paired differences with interval and p; with fewer than 19 degrees of freedom, no interval."""
    if moments.freedom < FEWEST_CLUSTERS - 1:
        method = f"none: {moments.freedom:.1f} degrees of freedom, fewer than {FEWEST_CLUSTERS - 1}"
        return _no_interval(moments, method)
    bounds, p = tested(CPU, moments, np.asarray(discordant))
    return _estimate(moments, bounds, float(widened_se(CPU, moments)), float(p), DELTA_METHOD)


def _no_interval(moments: Moments, method: str) -> Estimate:
    clusters = int(moments.deviations.shape[-1])
    return Estimate(float(moments.value), None, None, None, None, None, clusters, method, moments.freedom)


def _estimate(moments: Moments, bounds: Bounds, widened_se: float | None, p: float | None, method: str) -> Estimate:
    se, low, high = map(float, bounds)
    method = EXACT_METHOD if bool(varies_not(moments)) else method
    clusters = int(moments.deviations.shape[-1])
    return Estimate(float(moments.value), se, widened_se, low, high, p, clusters, method, moments.freedom)
