"""One-sided p and bounds of differences, and the skewness that moves a bound."""

from __future__ import annotations

import numpy as np
import pytest

from robust_xtreme.stats.intervals import CPU, difference, equivalence_p, one_sided, one_sided_bounds, skewness
from robust_xtreme.tasks.metrics._labels import accuracy


def test_p_is_one_sided() -> None:
    """A rise has a p above a half, a fall half of the two-sided p."""
    assert one_sided([-1.0, 1.0, 0.0], [0.04, 0.04, 1.0]).tolist() == [0.02, 0.98, 0.5]


def test_bounds_are_one_sided() -> None:
    """Each bound is 1.65 errors away with many clusters; where no cluster varies it is that of the interval."""
    exact = np.array([False, True])
    lower, upper = one_sided_bounds(np.array([-1.0, 0.0]), np.ones(2), np.full(2, 1e9), np.zeros(2), exact)
    assert lower == pytest.approx([-2.6449, -1.9600], abs=1e-4)
    assert upper == pytest.approx([0.6449, 1.9600], abs=1e-4)


def test_a_bound_is_further_away_on_the_side_of_the_longer_tail() -> None:
    """Of losses alone the lower bound is, by skewness (2 t^2 + 1) / 6 errors; the other bound stays."""
    lower, upper = one_sided_bounds(
        np.zeros(2), np.ones(2), np.full(2, 1e9), np.array([-0.3, 0.3]), np.zeros(2, dtype=bool)
    )
    assert lower == pytest.approx([-1.6449 - 0.3205, -1.6449], abs=1e-4)
    assert upper == pytest.approx([1.6449, 1.6449 + 0.3205], abs=1e-4)


def test_losses_alone_skew_a_difference() -> None:
    """The skewness of a sum of L losses among many items is about -1/sqrt(L)."""
    items, losses = 10_000, 25
    sums = np.ones((1, items, 2))
    lost = sums.copy()
    lost[0, :losses, 0] = 0
    moments = difference(CPU, lost, sums, accuracy.reduce)
    assert float(skewness(moments)) == pytest.approx(-1 / losses**0.5, rel=0.01)
    assert float(skewness(difference(CPU, sums, sums, accuracy.reduce))) == 0


def test_equivalence_is_both_bounds_within_the_margin() -> None:
    """Its p is below 0.05 in the same rows, whatever skewness, degrees of freedom and exactness are."""
    draw = np.random.default_rng(0)
    value, error, skew = draw.normal(0, 1, 5000), draw.uniform(0.1, 1.5, 5000), draw.normal(0, 0.5, 5000)
    freedom, exact = draw.integers(19, 500, 5000).astype(float), draw.random(5000) < 0.2
    skew[exact] = 0.0  # nothing varies
    p = equivalence_p(value, error, freedom, skew, exact, 1.0)
    lower, upper = one_sided_bounds(value, error, freedom, skew, exact)
    within = (lower > -1.0) & (upper < 1.0)
    assert within.any()
    assert ((p < 0.05) == within).all()


def test_the_p_of_equivalence_is_the_level_at_which_a_bound_is_the_margin() -> None:
    """With many clusters 1 - Phi of the nearer margin in errors; without a varying cluster (1 - margin)^clusters or a
    little more."""
    normal = equivalence_p(np.array([0.2]), np.array([0.4]), np.array([1e9]), np.zeros(1), np.array([False]), 1.0)
    assert normal == pytest.approx([0.0227501], abs=1e-6)
    clusters, t = 500, 1.964720
    error = np.array([100 * (1 - 0.05 ** (1 / clusters)) / t])
    still = equivalence_p(np.zeros(1), error, np.array([clusters - 1.0]), np.zeros(1), np.array([True]), 2.0)
    assert (1 - 0.02) ** clusters <= still[0] <= 1.5 * (1 - 0.02) ** clusters
