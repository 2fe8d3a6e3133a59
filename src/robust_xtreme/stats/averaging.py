"""Average drops with intervals: by leaving one cluster out of the average, not out of each cell.

The deviation of a cluster is the sum over the cells of weight times the cell's deviation without the cluster, so that
what cells have in common (a premise in fifteen languages) is counted once. J is computed from these deviations. For V
each cell's part of them is multiplied by the root of (G-1)/G first, with its own G. So an average over one cell has the
cell's interval. Clusters that are in the same cells are one stratum; strata have no cluster in common, so that their
variances add, and the degrees of freedom are Satterthwaite's, (sum V)^2 / sum(V^2 / df), where a stratum of m clusters
has m (1 - 1/G) with the fewest clusters G of its cells: G-1 where all cells share all clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from robust_xtreme.core.metric import Array
from robust_xtreme.stats.intervals import (
    CONFIDENCE,
    CPU,
    Estimate,
    Moments,
    cluster_sums,
    difference,
    estimate_average,
    jump,
    t_quantile,
)

_DIGITS: Final = 6
_FEWEST: Final = 3
"""The fewest languages whose spread predicts another one."""


@final
@dataclass(frozen=True, slots=True)
class Drop:
    """The drop of one cell in points, and its deviations without each cluster, (G,).

    `clusters` are sorted numbers, the same for the same cluster in every cell. `differ` tells which of them have other
    sums under noise.
    """

    value: float
    clusters: Any
    deviations: Any
    differ: Any


def drop(clean: Any, noisy: Any, clusters: Any, reduce: Callable[[Array], Array]) -> Drop:
    """The drop of sums (arms, G, k), whose clusters have the numbers (G,); clusters with one number are joined."""
    numbers, slots = np.unique(clusters, return_inverse=True)
    left, right = (np.stack([cluster_sums(arm, slots, len(numbers)) for arm in sums]) for sums in (clean, noisy))
    moments = difference(CPU, left, right, reduce)
    return Drop(float(moments.value), numbers, moments.deviations, (left != right).any(-1).any(-2))


def average(drops: Sequence[Drop], weights: Sequence[float]) -> Estimate:
    """The weighted sum of drops with interval and p; `weights` are positive and their sum is 1."""
    differing = np.concatenate([cell.clusters[cell.differ] for cell in drops])
    return estimate_average(average_moments(drops, weights), len(np.unique(differing)))


def average_moments(drops: Sequence[Drop], weights: Sequence[float]) -> Moments:
    """The weighted sum of drops, with the deviations of the clusters of all of them."""
    sizes = [len(cell.clusters) for cell in drops]
    _, slots = np.unique(np.concatenate([cell.clusters for cell in drops]), return_inverse=True)
    moved = np.concatenate([weight * cell.deviations for cell, weight in zip(drops, weights, strict=True)])
    deviations = np.bincount(slots, weights=moved)
    squares = np.bincount(slots, weights=moved * np.sqrt(np.repeat(1 - np.divide(1, sizes), sizes))) ** 2
    share = np.bincount(slots, weights=np.repeat(np.divide(weights, sizes), sizes))
    value = sum(weight * cell.value for cell, weight in zip(drops, weights, strict=True))
    freedom = _freedom(squares, slots, sizes)
    return Moments(np.asarray(value), deviations, squares.sum(), jump(CPU, deviations), freedom, 1 / float(share.max()))


def _freedom(squares: Any, slots: Any, sizes: Sequence[int]) -> float:
    """Satterthwaite's degrees of freedom; 0 where a cell has one cluster, and its variance is not known."""
    if min(sizes) < 2:
        return 0.0
    # A sum of random numbers, one a cell, is the same only for clusters that are in the same cells.
    names = np.bincount(slots, weights=np.repeat(np.random.default_rng(0).random(len(sizes)), sizes))
    fewest = np.full(len(squares), np.inf)
    np.minimum.at(fewest, slots, np.repeat(sizes, sizes))
    _, strata = np.unique(names, return_inverse=True)
    freedoms = np.bincount(strata, weights=1 - 1 / fewest)
    variances = np.bincount(strata, weights=squares)
    if not variances.sum() > 0:
        return round(float(freedoms.sum()), _DIGITS)
    return round(float(variances.sum() ** 2 / (variances**2 / freedoms).sum()), _DIGITS)


def drops_at_least(estimates: Sequence[Estimate]) -> int:
    """The greatest k for which "at least k of them have a drop" is true with 95 %, whatever their dependence.

    The partial conjunction test of Benjamini and Heller (Biometrics 2008) by Bonferroni, (N - k + 1) p_(k) <= 0.05 with
    the one-sided p in rising order, for every number up to k; so the greatest k is as safe as each of them.
    """
    rejected = 0
    for p in sorted(map(_one_sided, estimates)):
        if (len(estimates) - rejected) * p > 1 - CONFIDENCE:
            break
        rejected += 1
    return rejected


def _one_sided(estimate: Estimate) -> float:
    """The p of no drop; 1 where there is none."""
    if estimate.p is None:
        return 1.0
    return estimate.p / 2 if estimate.value > 0 else 1 - estimate.p / 2


def spread(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    """The standard deviation of drops over languages, and the bounds that predict the drop of another one like them.

    mean +- t_{N-1} SD sqrt(1 + 1/N): a description, because languages are not a sample. Two languages give no bounds.
    """
    count = len(values)
    if count < 2:
        return None, None, None
    deviation, mean = float(np.std(values, ddof=1)), float(np.mean(values))
    if count < _FEWEST:
        return deviation, None, None
    reach = t_quantile(0.5 + CONFIDENCE / 2, count - 1) * deviation * float(np.sqrt(1 + 1 / count))
    return deviation, mean - reach, mean + reach
