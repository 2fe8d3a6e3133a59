"""A short run of coverage_averages: intervals of averages contain the truth, independent cells do not."""

from __future__ import annotations

import pytest
from benchmarks.simulations.coverage_averages import Family, cover

REPLICATIONS = 300


@pytest.mark.parametrize("family", [Family(15, 113, 113, 0.7, 10.0), Family(3, 113, 600, None, 2.0)])
def test_intervals_of_averages_contain_the_truth(family: Family) -> None:
    """Fifteen languages with the same clusters, and three with their own: 92-98 % of intervals contain the drop."""
    assert 92 <= cover(family, REPLICATIONS).ours <= 98


def test_no_drop_is_rarely_claimed_of_an_average() -> None:
    """Near chance, where languages share their items, a drop is claimed in about 2.5 %; cells as independent: 15 %."""
    covered = cover(Family(15, 113, 113, 0.7, 0.0, near_chance=True), REPLICATIONS)
    assert covered.claimed <= 4.5
    assert covered.independent < 85
