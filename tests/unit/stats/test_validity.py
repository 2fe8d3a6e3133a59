"""Valid success: success x validity, with the interval of its logarithm."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest

from robust_xtreme.files.frames import build
from robust_xtreme.stats.intervals import share_bounds
from robust_xtreme.stats.validity import NORMAL, SHEET_KEY, Proportion, product, validity_of


def key(*conditions: tuple[str, str, int, int, int]) -> pl.DataFrame:
    """A key with so many rows of conditions, each with its kind, its right and its wrong items."""
    rows: list[dict[str, Any]] = [
        {
            **dict.fromkeys(("run", "task", "language", "model", "example"), "x"),
            "sheet_seed": 0,
            "noise_seed": 0,
            "row": f"{name}{at}",
            "condition": name,
            "kind": kind,
            "right": right,
            "wrong": wrong,
        }
        for name, kind, right, wrong, count in conditions
        for at in range(count)
    ]
    return build(rows, SHEET_KEY)


def test_the_interval_is_that_of_the_logarithm() -> None:
    """Its variance is (1 - s) / (s N) + (1 - v) / (v n)."""
    value, low, high = product(Proportion(50, 100), Proportion(40, 50))
    deviation = math.sqrt(0.5 / (0.5 * 100) + 0.2 / (0.8 * 50))
    assert value == pytest.approx(0.4)
    assert (low, high) == pytest.approx((0.4 * math.exp(-NORMAL * deviation), 0.4 * math.exp(NORMAL * deviation)))


@pytest.mark.parametrize(("valid", "value"), [(0, 0.0), (20, 0.5)])
def test_a_validity_of_0_or_1_has_an_interval(valid: int, value: float) -> None:
    """It contains the value, and is not as narrow as if all were known; neither of them leaves 0 to 1."""
    made, low, high = product(Proportion(50, 100), Proportion(valid, 20))
    assert made == value
    assert 0 <= low <= value <= high <= 1
    assert high - low > 0.01
    assert product(Proportion(10, 10), Proportion(5, 5))[2] == 1


def test_no_bound_is_above_those_of_its_shares() -> None:
    """A product of shares is at most either of them: of 24 ratings that all say no, and of a success of nearly all."""
    for success, validity in ((Proportion(244, 375), Proportion(0, 24)), (Proportion(103, 104), Proportion(9, 16))):
        bounds = product(success, validity)[1:]
        assert all(
            bound <= other
            for bound, other in zip(bounds, share_bounds(int(validity.part), int(validity.whole)), strict=True)
        )


def test_more_answers_narrow_the_interval_at_0_and_1() -> None:
    """Of 200 answers alike more is known than of 20."""
    few, many = (product(Proportion(50, 100), Proportion(0, count))[2] for count in (20, 200))
    assert many < few / 5


def test_conditions_count_in_the_pool_as_often_as_they_succeed() -> None:
    """Not as many rows as they have; a pool has a row only where there are several."""
    sheet = key(
        ("a", "attack", 100, 90, 10),
        ("b", "attack", 100, 10, 10),
        ("n", "noise", 50, 5, 4),
        ("clean", "clean", 0, 0, 4),
    )
    answers = {name: not name.startswith("b") for name in sheet["row"]}
    table = {(row["condition"], row["kind"]): row for row in validity_of(sheet, answers).iter_rows(named=True)}
    assert [*table] == [
        ("a", "attack"),
        ("b", "attack"),
        ("n", "noise"),
        ("all attacks", "all attacks"),
        ("clean", "clean"),
    ]
    pooled = table["all attacks", "all attacks"]
    assert pooled["validity"] == pytest.approx(90.0)
    assert (pooled["success"], pooled["valid_success"]) == pytest.approx((50.0, 45.0))
    assert pooled["low"] < 90 < pooled["high"]
    assert table["clean", "clean"]["success"] is None


def test_rows_without_an_answer_are_not_counted() -> None:
    """A condition without any answer has no validity, nor has the pool that it is in."""
    sheet = key(("a", "attack", 100, 90, 10), ("b", "attack", 100, 10, 10))
    table = validity_of(sheet, {"a0": True, "a1": False})
    assert table.filter(condition="a").item(0, "validity") == 50
    assert table.filter(condition="a").item(0, "rated") == 2
    assert table.filter(pl.col("condition") != "a")["validity"].null_count() == 2
