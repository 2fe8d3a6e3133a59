"""Intervals: standard errors from clusters, bounds that stay possible, exact ones where nothing varies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

from robust_xtreme.core.metric import Metric
from robust_xtreme.stats import intervals
from robust_xtreme.stats.averages import average, drop
from robust_xtreme.stats.intervals import (
    CPU,
    ArrayBackend,
    Estimate,
    estimate_difference,
    estimate_level,
    smallest_detectable,
)
from robust_xtreme.tasks.metrics._labels import accuracy, span_f1, token_accuracy

TORCH = ArrayBackend(torch, torch.from_numpy, lambda values: values.numpy())


def right(count: int, share: float, clusters: int = 60, seed: int = 0) -> Any:
    """Sums (1, clusters, 2) of accuracy."""
    draws = np.random.default_rng(seed).binomial(count, share, clusters)
    return np.stack([draws, np.full(clusters, count)], -1)[None].astype(np.float64)


def entities(clusters: int, seed: int) -> Any:
    """Sums (1, clusters, 3) of true positives, false positives and false negatives."""
    draw = np.random.default_rng(seed)
    return np.stack([draw.poisson(mean, clusters) for mean in (4.0, 1.0, 1.5)], -1)[None].astype(np.float64)


def test_sums_within_clusters() -> None:
    """Rows are added within their clusters; a cluster without rows has sums of 0."""
    rows = np.arange(6, dtype=np.float64).reshape(3, 2)
    assert intervals.cluster_sums(rows, np.array([0, 1, 0]), 3).tolist() == [[4, 6], [2, 3], [0, 0]]


def test_the_standard_error_of_equal_clusters_is_that_of_their_means() -> None:
    """For accuracy of clusters of one size the jackknife is the textbook error of a mean of cluster means."""
    sums = right(5, 0.7)
    moments = intervals.level(CPU, sums, accuracy.reduce)
    means = 100 * sums[0, :, 0] / 5
    assert float(moments.variance) == pytest.approx(means.var(ddof=1) / 60)


def test_clusters_of_copies_count_once() -> None:
    """Items that repeat within a cluster add nothing to what is known."""
    once = intervals.level(CPU, right(1, 0.7), accuracy.reduce)
    thrice = intervals.level(CPU, 3 * right(1, 0.7), accuracy.reduce)
    assert float(once.variance) == pytest.approx(float(thrice.variance))


def test_f1_has_the_error_of_its_linearisation() -> None:
    """With many clusters the jackknife of F1 agrees with the delta method."""
    sums = entities(2000, 1)
    tp, fp, fn = sums[0].sum(0)
    whole = 2 * tp + fp + fn
    influence = 100 * (2 * sums[0, :, 0] / whole - 2 * tp * (sums[0] @ [2, 1, 1]) / whole**2)
    moments = intervals.level(CPU, sums, span_f1.reduce)
    assert float(moments.variance) == pytest.approx(float((influence**2).sum()), rel=0.01)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99, 1.0])
def test_levels_stay_between_0_and_100(share: float) -> None:
    """The bounds of a level contain its value and are possible scores, also where no item is right or none is wrong."""
    estimate = estimate_level(right(3, share), accuracy.reduce)
    assert estimate.low is not None
    assert estimate.high is not None
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 100
    assert estimate.high - estimate.low > 1


def test_a_perfect_level_has_the_exact_bound() -> None:
    """With no wrong item the bound is the exact one, about 3/G, and never [100, 100]."""
    estimate = estimate_level(right(3, 1.0), accuracy.reduce)
    assert estimate.low == pytest.approx(100 * 0.05 ** (1 / 60))
    assert estimate.low == pytest.approx(100 - 300 / 60, abs=0.2)
    assert estimate.high == 100
    assert estimate.method == intervals.EXACT_METHOD


def test_no_discordant_item_gives_exactly_0_and_an_exact_bound() -> None:
    """Equal answers give a drop of exactly 0 over any number of seeds, p 1, and the interval is about +-3/G."""
    for seeds in (1, 3, 7):
        clean = np.tile([4.0, 1.0, 2.0], (1, 60, 1))
        estimate = estimate_difference(clean, np.repeat(clean, seeds, 0), span_f1.reduce)
        bound = 100 * (1 - 0.05 ** (1 / 60))
        assert (estimate.value, estimate.p) == (0.0, 1.0)
        assert [estimate.low, estimate.high] == pytest.approx([-bound, bound])
        assert estimate.method == intervals.EXACT_METHOD


@pytest.mark.parametrize("metric", [accuracy, token_accuracy, span_f1])
def test_an_exact_bound_has_no_more_clusters_than_one_over_the_greatest_share(metric: Metric) -> None:
    """By items, words or entities: where one of 60 clusters has a tenth of all, 10 % of all may be one outcome."""
    sums = np.tile([3.0, 6.0][: len(metric.columns)] + [0.0] * (len(metric.columns) - 2), (1, 60, 1))
    sums[0, 7] *= 59 / 9
    bound = 100 * (1 - 0.05 ** (1 / 10))
    estimate = estimate_difference(sums, sums, metric.reduce)
    assert [estimate.low, estimate.high] == pytest.approx([-bound, bound])
    assert estimate.clusters == 60
    alone = average([drop(sums, sums, range(60), metric.reduce)], [1.0])
    assert (alone.low, alone.high) == (estimate.low, estimate.high)


def test_a_drop_is_not_greater_than_the_clean_score() -> None:
    """Bounds of a drop are within what the clean score can lose or gain."""
    clean = right(3, 1.0)
    estimate = estimate_difference(clean, clean * [0.0, 1.0], accuracy.reduce)
    assert (estimate.value, estimate.high) == (100.0, 100.0)
    assert estimate.p is not None
    assert estimate.p < 1e-12


def test_fewer_than_20_clusters_give_no_interval() -> None:
    """Below 20 clusters the value is alone, and the method says why."""
    for estimate in (
        estimate_level(right(3, 0.7, 19), accuracy.reduce),
        estimate_difference(right(3, 0.7, 19), right(3, 0.5, 19), accuracy.reduce),
    ):
        assert (estimate.se, estimate.low, estimate.high, estimate.p) == (None, None, None, None)
        assert estimate.method == "none: 19 clusters, fewer than 20"
    assert estimate_level(right(3, 0.7, 20), accuracy.reduce).low is not None


def test_few_discordant_clusters_prove_nothing() -> None:
    """Five clusters that all get worse have p at least 2^-4, and the interval then reaches 0."""
    clean = right(1, 1.0, 400)
    noisy = clean.copy()
    noisy[0, :5, 0] = 0
    estimate = estimate_difference(clean, noisy, accuracy.reduce)
    assert estimate.p is not None
    assert estimate.low is not None
    assert estimate.p >= 2**-4
    assert estimate.low == 0 < estimate.value
    assert estimate_difference(noisy, clean, accuracy.reduce).high == 0
    noisy[0, :20, 0] = 0
    more = estimate_difference(clean, noisy, accuracy.reduce)
    assert more.p is not None
    assert more.low is not None
    assert more.p < 0.001
    assert more.low > 0


def test_a_large_paired_drop_agrees_with_the_paired_t_test() -> None:
    """Where many clusters differ the p-value is that of Student's paired t test, nearly."""
    clean, noisy = right(5, 0.7, 500, 1), right(5, 0.68, 500, 2)
    estimate = estimate_difference(clean, noisy, accuracy.reduce)
    reference = stats.ttest_rel(clean[0, :, 0], noisy[0, :, 0]).pvalue
    assert estimate.p == pytest.approx(reference, rel=0.1)


def test_seeds_are_averaged() -> None:
    """The drop over noise seeds is the mean of the drops under each."""
    clean = right(5, 0.8, 60, 1)
    noisy = np.concatenate([right(5, 0.7, 60, seed) for seed in (2, 3, 4)])
    each = [estimate_difference(clean, example[None], accuracy.reduce).value for example in noisy]
    assert estimate_difference(clean, noisy, accuracy.reduce).value == pytest.approx(np.mean(each))


def test_swapping_the_sides_mirrors_the_interval() -> None:
    """left - right and right - left are each other's negative, with bounds exchanged."""
    clean, noisy = entities(60, 1), entities(60, 2)
    first, other = (estimate_difference(*pair, span_f1.reduce) for pair in ((clean, noisy), (noisy, clean)))
    assert first.low is not None
    assert first.high is not None
    assert other.low == pytest.approx(-first.high)
    assert other.high == pytest.approx(-first.low)
    assert first.p == pytest.approx(other.p)


def test_torch_gives_what_numpy_gives() -> None:
    """The same code on tensors agrees to rounding, for levels and for drops."""
    clean, noisy = entities(60, 1), np.concatenate([entities(60, seed) for seed in (2, 3)])
    for ours, theirs in (
        (estimate_level(noisy, span_f1.reduce), estimate_level(noisy, span_f1.reduce, TORCH)),
        (estimate_difference(clean, noisy, span_f1.reduce), estimate_difference(clean, noisy, span_f1.reduce, TORCH)),
        (estimate_difference(clean, clean, span_f1.reduce), estimate_difference(clean, clean, span_f1.reduce, TORCH)),
    ):
        assert theirs.method == ours.method
        for name in ("value", "se", "low", "high", "p"):
            expected = getattr(ours, name)
            assert getattr(theirs, name) == (None if expected is None else pytest.approx(expected, rel=1e-12))


def test_a_simultaneous_quantile_widens_every_bound() -> None:
    """A quantile in t's place widens drops and exact bounds."""
    clean, noisy = right(5, 0.8, 60, 1), right(5, 0.7, 60, 2)
    for left, other in ((clean, noisy), (clean, clean)):
        moments = intervals.difference(CPU, left, other, accuracy.reduce)
        _, low, high = intervals.difference_bounds(CPU, moments)
        _, lower, higher = intervals.difference_bounds(CPU, moments, (2.5, 3.0))
        assert lower < low < high < higher
    assert intervals.still_bound(100, intervals.t_quantile(0.975, 99), 99) == pytest.approx(1 - 0.05 ** (1 / 100))


def test_the_detectable_drop_grows_with_the_number_of_tests() -> None:
    """MDE is t at 1 - alpha/2m times the tested error plus t at 80 % times `se`; none without an interval."""
    drop = Estimate(0.0, 1.0, 1.01, -2.0, 2.0, 1.0, 1000, "", 999.0)
    assert smallest_detectable(drop) == pytest.approx(1.96 * 1.01 + 0.84, abs=0.01)
    many = 1.01 * stats.t.ppf(1 - 0.05 / 80, 999) + stats.t.ppf(0.8, 999)
    assert smallest_detectable(drop, tests=40) == pytest.approx(many)
    assert smallest_detectable(Estimate(0.0, None, None, None, None, None, 19, "", 18.0)) is None


def test_the_detectable_drop_needs_clusters_that_differ() -> None:
    """A cell of which one cluster differs detects drops by which six differ (one test) in 80 % of samples."""
    drop = Estimate(1.0, 1.0, 2**0.5, -2.0, 4.0, 1.0, 1000, "", 999.0)
    least = smallest_detectable(drop)
    assert least is not None
    assert stats.poisson.sf(5, least) == pytest.approx(0.8)
    assert smallest_detectable(drop, tests=40) == pytest.approx(stats.gamma.ppf(0.8, 11))


def test_the_standard_error_is_that_of_the_jackknife() -> None:
    """`se` is sqrt(V) of levels and drops; a drop's interval is t times sqrt(V + J), and 0 is its bound at p = 0.05."""
    clean, noisy = right(1, 0.9, 400), right(1, 0.9, 400)
    noisy[0, :12, 0] = 1 - noisy[0, :12, 0]
    drop = estimate_difference(clean, noisy, accuracy.reduce)
    change = 100 * (clean - noisy)[0, :, 0]
    variance, t = change.var(ddof=1) / 400, stats.t.ppf(0.975, 399)
    assert drop.se == pytest.approx(variance**0.5)
    assert drop.widened_se == pytest.approx((variance + (100 / 400) ** 2) ** 0.5, rel=0.01)
    assert drop.high == pytest.approx(drop.value + t * (drop.widened_se or 0.0))
    assert drop.p == pytest.approx(2 * stats.t.sf(abs(drop.value) / (variance + 1 / 16) ** 0.5, 399), rel=0.01)
    level = estimate_level(clean, accuracy.reduce)
    assert level.se == pytest.approx(100 * clean[0, :, 0].std(ddof=1) / 20)
    assert level.widened_se is None


@pytest.mark.parametrize(("n", "clean", "kept"), [(200, 0.3, 0.0), (200, 0.3, 0.03), (400, 0.9, 0.0), (200, 0.6, 0.1)])
def test_a_drop_to_nothing_is_covered(n: int, clean: float, kept: float) -> None:
    """Where noise leaves almost no item right the interval still covers: the clean level seen is not a bound of it."""
    draw = np.random.default_rng(7)
    truth, covered = 100 * clean * (1 - kept), 0
    for _ in range(400):
        right = draw.random(n) < clean
        sides = (right, right & (draw.random(n) < kept))
        left, still = (np.stack([side, np.ones(n)], -1)[None].astype(float) for side in sides)
        estimate = estimate_difference(left, still, accuracy.reduce)
        covered += estimate.low <= truth <= estimate.high  # type: ignore[operator]  # more than 20 clusters
    assert covered >= 0.92 * 400


def test_an_exact_bound_is_of_a_value_that_no_cluster_changes() -> None:
    """An F1 of 0 on both sides does not vary where its clusters differ; the manual says so, by the method's name."""
    clean, noisy = (np.tile([0.0, wrong, 2.0], (1, 60, 1)) for wrong in (1.0, 3.0))
    estimate = estimate_difference(clean, noisy, span_f1.reduce)
    assert (estimate.value, estimate.method) == (0.0, intervals.EXACT_METHOD)
    manual = (Path(__file__).parents[3] / "docs" / "method.md").read_text("utf-8")
    assert f"`{intervals.EXACT_METHOD}`" in manual
    assert "number of clusters whose sums differ" in manual


def test_a_cluster_differs_where_one_arm_does() -> None:
    """Of two arms, in one of two sums."""
    left = np.zeros((2, 3, 2))
    right = left.copy()
    right[0, 1, 1] = right[1, 2, 0] = 1.0
    assert intervals.differs(left, right).tolist() == [False, True, True]


def test_last_bits_of_sums_do_not_differ() -> None:
    """A third is a third, however it was added up, and such a cluster is not among those that differ."""
    left = np.array([[[1 / 3, 1.0], [0.5, 1.0]]])
    right = np.array([[[np.nextafter(1 / 3, 1), 1.0], [0.25, 1.0]]])
    assert left[0, 0, 0] != right[0, 0, 0]
    assert intervals.differs(left, right).tolist() == [False, True]
