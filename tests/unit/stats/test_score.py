"""SCORES: what stands beside a level, and shares of items with their intervals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.stats_rows import NOISE, prediction_rows, scores, stats_rows

from robust_xtreme.core import registry
from robust_xtreme.core.metric import share
from robust_xtreme.files.schema import CHANCE, PREDICTIONS, SHALLOW, STATS, build
from robust_xtreme.stats.intervals import estimate_level
from robust_xtreme.stats.score import _curve, estimate_share


@pytest.mark.parametrize("model", ["a", "xlmr"])
def test_a_shallow_level_is_of_the_shallow_predictor(model: str) -> None:
    """Whatever the model is called, and so whichever of the two is read first."""
    levels = {model: 30, f"{SHALLOW}words": 12}
    arms = (("clean", -1), (NOISE, 0))
    stats = [
        row
        for name, right in levels.items()
        for condition, seed in arms
        for row in stats_rows([at < right for at in range(40)], condition, seed, model=name)
    ]
    predictions = [
        row for name in levels for condition, seed in arms for row in prediction_rows(40, condition, seed, model=name)
    ]
    table = scores(build(stats, STATS), build(predictions, PREDICTIONS)).filter(model=model, condition="clean")
    assert table.select("value", "shallow", "shallow_name").row(0) == (75.0, 30.0, "words")


def test_a_share_has_the_interval_of_its_clusters() -> None:
    """Of 30 items in 15 clusters of two, 9 of them in three clusters and a half."""
    flags = pl.Series([at < 9 for at in range(30)])
    sums = np.array([[[min(max(9 - 2 * at, 0), 2), 2] for at in range(15)]], np.float64)
    assert estimate_share(flags, pl.Series([f"c{at // 2:02}" for at in range(30)])) == estimate_level(sums, share)


def test_a_curve_has_the_successes_by_queries_up_to_the_most() -> None:
    """Steps of 1, 2 and 5: of three attacked items one is answered wrongly after 3 queries, one after 60."""
    attacked = pl.DataFrame({"first": [3, 60, 0], "queries": [3, 60, 150]})
    third = 100 / 3
    steps = {1: 0, 2: 0, 5: third, 10: third, 20: third, 50: third, 100: 2 * third, 150: 2 * third}
    assert _curve(attacked) == pytest.approx({str(step): share for step, share in steps.items()})


def test_counts_below_nought_are_not_possible() -> None:
    """Though they are finite, and so is the value."""
    metric = registry.load("metric", "span_f1")
    assert metric.possible(np.array([[0.0, -1.0, -1.0], [0.0, 1.0, 1.0]])).tolist() == [False, True]


def test_the_chance_of_a_cell_is_the_best_constant() -> None:
    """Of two that are right for 12 and for 30 of 40 items, whichever is read first."""
    for lower, upper in (("a", "b"), ("b", "a")):
        levels = {"m": 20, f"{CHANCE}{lower}": 12, f"{CHANCE}{upper}": 30}
        stats = [
            row for name, right in levels.items() for row in stats_rows([at < right for at in range(40)], model=name)
        ]
        predictions = [row for name in levels for row in prediction_rows(40, model=name)]
        table = scores(build(stats, STATS), build(predictions, PREDICTIONS)).filter(model="m")
        assert table.select("chance", "chance_name").row(0) == (75.0, upper)
