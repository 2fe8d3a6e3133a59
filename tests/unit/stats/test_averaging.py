"""Average drops: leaving one cluster out of the average, degrees of freedom, and how many languages have a drop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from robust_xtreme.stats.averages import Drop, average, average_moments, drop, drops_at_least, spread
from robust_xtreme.stats.intervals import Estimate, estimate_difference


def points(sums: Any) -> Any:
    """Points of (right, all)."""
    return 100 * sums[..., 0] / sums[..., 1]


def sums(right: Any, size: int = 3) -> Any:
    """Sums (1, G, 2) of the right answers of each cluster."""
    return np.stack([right, np.full(len(right), size)], -1)[None].astype(float)


def answers(seed: int, count: int = 60) -> tuple[Any, Any]:
    """Clean and noisy right answers of clusters of three."""
    draw = np.random.default_rng(seed)
    return draw.binomial(3, 0.8, count), draw.binomial(3, 0.6, count)


def cell(seed: int, clusters: Any = None, count: int = 60) -> Drop:
    """The drop of one cell, whose clusters are numbered from 0."""
    clean, noisy = answers(seed, count)
    return drop(sums(clean), sums(noisy), range(count) if clusters is None else clusters, points)


def test_an_average_of_one_cell_is_the_cell() -> None:
    """Value, degrees of freedom, interval and p are those of the cell, with many clusters and with few."""
    for count in (20, 60):
        clean, noisy = answers(0, count)
        alone = estimate_difference(sums(clean), sums(noisy), points)
        averaged = average([cell(0, count=count)], [1.0])
        assert (averaged.value, averaged.clusters, averaged.df) == (alone.value, count, count - 1)
        bounds = [(each.se, each.widened_se, each.low, each.high, each.p) for each in (averaged, alone)]
        assert bounds[0] == pytest.approx(bounds[1], rel=1e-12)


def test_the_deviations_are_those_of_the_average_without_each_cluster() -> None:
    """Where two cells have the same clusters, the variance is the jackknife's of their mean."""
    pairs = [answers(seed) for seed in (1, 2)]
    without = [
        np.mean(
            [
                points(sums(np.delete(clean, g)).sum(-2)) - points(sums(np.delete(noisy, g)).sum(-2))
                for clean, noisy in pairs
            ]
        )
        for g in range(60)
    ]
    moments = average_moments([cell(1), cell(2)], [0.5, 0.5])
    assert float(moments.variance) == pytest.approx(59 * np.var(without))
    assert moments.freedom == pytest.approx(59)


def test_a_cluster_is_the_same_by_its_number_in_any_order() -> None:
    """Cells whose clusters come in different orders are averaged cluster by cluster."""
    clean, noisy = answers(2)
    order = np.random.default_rng(9).permutation(60)
    shuffled = drop(sums(clean[order]), sums(noisy[order]), order, points)
    expected = average_moments([cell(1), cell(2)], [0.5, 0.5])
    assert float(average_moments([cell(1), shuffled], [0.5, 0.5]).variance) == pytest.approx(float(expected.variance))


def test_disjoint_cells_add_their_variances_and_degrees_of_freedom() -> None:
    """Satterthwaite's degrees of freedom: two cells of equal variance have twice those of one; alike, those of one."""
    first, other = cell(0), cell(0, range(100, 160))
    apart, together = average_moments([first, other], [0.5, 0.5]), average_moments([first, first], [0.5, 0.5])
    assert float(apart.variance) == pytest.approx(float(together.variance) / 2)
    assert (apart.freedom, together.freedom) == pytest.approx((118, 59))


def test_a_small_cell_that_shares_clusters_keeps_its_few_degrees_of_freedom() -> None:
    """All of the variance is in 24 shared clusters, so that a thousand others without variance add nothing."""
    small, large = cell(3, count=24), cell(4, count=1000)
    still = Drop(0.0, large.clusters, np.zeros(1000), np.zeros(1000, bool), np.full(1000, 1000))
    assert 20 < average_moments([small, still], [0.5, 0.5]).freedom < 24.1


def test_clusters_with_one_number_are_joined() -> None:
    """Two clusters of a cell that have an item of another language in common are left out together."""
    joined = cell(0, np.arange(60) // 2)
    assert len(joined.clusters) == 30
    clean, noisy = (each.reshape(-1, 2).sum(-1) for each in answers(0))
    assert joined.deviations == pytest.approx(drop(sums(clean, 6), sums(noisy, 6), range(30), points).deviations)


def test_below_19_degrees_of_freedom_there_is_no_interval() -> None:
    """With 19 clusters there is a value without an interval, and the reason; with 20 there is an interval."""
    estimate = average([cell(5, count=19)], [1.0])
    assert estimate.value == cell(5, count=19).value
    assert estimate.low is estimate.high is estimate.p is None
    assert estimate.method == "none: 18.0 degrees of freedom, fewer than 19"
    assert average([cell(5, count=20)], [1.0]).low is not None


def test_a_cell_of_one_cluster_leaves_the_variance_unknown() -> None:
    """However many clusters the other cells have, there is no interval."""
    alone = Drop(3.0, np.array([7]), np.zeros(1), np.ones(1, bool), np.ones(1))
    assert average([alone, cell(0)], [0.5, 0.5]).method == "none: 0.0 degrees of freedom, fewer than 19"


def test_without_any_difference_the_bound_is_exact() -> None:
    """About 300/G points: one language of 100 clusters, two with the same clusters alike; disjoint ones, half."""
    zeros, alike = np.zeros(100), np.full(100, 100)
    still = [Drop(0.0, np.arange(start, start + 100), zeros, zeros > 0, alike) for start in (0, 0, 100)]
    same, apart = average(still[:2], [0.5, 0.5]), average(still[1:], [0.5, 0.5])
    assert same.high == pytest.approx(100 * (1 - 0.05 ** (1 / 100)))
    assert apart.high == pytest.approx(100 * (1 - 0.05 ** (1 / 200)))
    assert (same.p, apart.p) == (1, 1)


def estimate(value: float, p: float | None) -> Estimate:
    """An estimate with a two-sided p."""
    return Estimate(value, 1.0, 1.0, None, None, p, 100, "", 99.0)


def test_a_drop_in_at_least_k_languages() -> None:
    """One-sided p 0.001, 0.02, 0.03 and 0.5 of four: 4 x 0.001 is small enough, 3 x 0.02 is not."""
    estimates = [estimate(5, 0.002), estimate(3, 0.04), estimate(3, 0.06), estimate(0, 1.0)]
    assert drops_at_least(estimates) == 1
    assert drops_at_least(estimates[:1] + estimates[1:2]) == 2
    assert drops_at_least([estimate(-5, 0.0001), estimate(9, None)]) == 0


def test_the_spread_predicts_from_three_languages_on() -> None:
    """mean +- t SD sqrt(1 + 1/N): of 2, 4 and 9 points."""
    deviation, low, high = spread([2, 4, 9])
    reach = 4.302653 * np.std([2, 4, 9], ddof=1) * np.sqrt(4 / 3)
    assert (deviation, low, high) == pytest.approx((np.std([2, 4, 9], ddof=1), 5 - reach, 5 + reach))
    assert spread([2, 4])[1:] == (None, None)
    assert spread([2]) == (None, None, None)


def test_an_average_has_the_bits_of_addition_from_left_to_right() -> None:
    """Not those of `sum`, which rounds otherwise from Python 3.12 on: files of averages are the same on each Python."""
    clusters = np.arange(60)
    cells = [Drop(0.1, clusters, np.zeros(60), clusters < 0, np.full(60, 60)) for _ in range(10)]
    assert float(average_moments(cells, [1.0] * 10).value) == 0.9999999999999999
