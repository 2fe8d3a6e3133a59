"""Claims about training: paired by seed, t over runs, Holm over the family, and no sign from fewer than five runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tools.transfer.claims import claims, paired_over_runs

from robust_xtreme.errors import Mismatch, RobustXtremeError, UserError


def _values(arms: Mapping[str, Sequence[float]], cell: str = "xnli", first: int = 0) -> pl.DataFrame:
    rows = [(arm, cell, first + seed, value) for arm, values in arms.items() for seed, value in enumerate(values)]
    return pl.DataFrame(rows, schema=["arm", "cell", "seed", "value"], orient="row")


def test_the_interval_of_five_runs_is_the_one_worked_out_by_hand() -> None:
    """Differences 1, 2, 3, 4, 5: mean 3, sd sqrt(2.5), se sqrt(0.5), t(0.975, 4) = 2.776."""
    estimate = paired_over_runs([1.0, 2.0, 3.0, 4.0, 5.0])
    assert estimate["difference"] == 3
    assert estimate["se"] == pytest.approx(math.sqrt(0.5))
    assert estimate["low"] == pytest.approx(3 - 2.7764 * math.sqrt(0.5), abs=1e-3)
    assert estimate["high"] == pytest.approx(3 + 2.7764 * math.sqrt(0.5), abs=1e-3)
    assert estimate["method"] == "t over 5 runs, 4 df"


def test_interval_and_p_are_those_of_scipy() -> None:
    """The paired t-test of scipy.stats on drawn runs."""
    draw = np.random.default_rng(3)
    left, right = draw.normal(40, 2, 7), draw.normal(41, 2, 7)
    row = claims(_values({"none": left.tolist(), "mnli": right.tolist()}), "none").row(0, named=True)
    theirs = stats.ttest_rel(right, left)
    low, high = theirs.confidence_interval(0.95)
    assert [row["difference"], row["low"], row["high"], row["p"]] == pytest.approx(
        [float((right - left).mean()), low, high, theirs.pvalue]
    )


def test_runs_are_paired_by_seed_and_not_by_place() -> None:
    """Rows in another order are the same runs, and a seed that one arm does not have is left out."""
    values = _values({"none": (1, 2, 3), "mnli": (2.0, 4.5, 4.0, 90)})
    row = claims(values.sort("value", descending=True), "none").row(0, named=True)
    assert (row["runs"], row["difference"]) == (3, 1.5)
    assert (row["reference_value"], row["value"]) == (2.0, 3.5)


def test_a_sign_is_claimed_from_five_runs_on() -> None:
    """Four runs that all gain have an interval above 0 and claim nothing; five do, in both directions."""
    gains = (4.0, 4.2, 3.9, 4.1, 4.05)
    arms = {"none": (0.0,) * 5, "up": gains, "down": tuple(-gain for gain in gains)}
    few = claims(_values({name: gains[:4] for name, gains in arms.items()}), "none")
    many = claims(_values(arms), "none")
    assert few.filter(pl.col("arm") == "up")["low"][0] > 0
    assert few["sign"].to_list() == [None, None]
    assert dict(many.select("arm", "sign").iter_rows()) == {"up": "higher", "down": "lower"}


def test_a_sign_is_not_claimed_where_only_the_uncorrected_interval_excludes_zero() -> None:
    """p = 0.03 alone is claimed; among ten tests it is not, and keeps its interval."""
    draw = np.random.default_rng(0)
    base = [1.0, 2.0, 3.0, 4.0, 5.0]
    shift = stats.t.isf(0.015, 4) * math.sqrt(0.5)
    shifted = [value - 3 + shift for value in base]
    alone = claims(_values({"none": (0.0,) * 5, "a": shifted}), "none")
    noise = {f"n{number}": (draw.normal(0, 50, 5)).tolist() for number in range(9)}
    among = claims(_values({"none": (0.0,) * 5, "a": shifted, **noise}), "none").filter(pl.col("arm") == "a")
    assert alone.select("sign", "m").row(0) == ("higher", 1)
    assert among["low"][0] > 0
    assert among.select("sign", "m").row(0) == (None, 10)
    assert among["p_adjusted"][0] == pytest.approx(0.3)


def test_one_run_has_no_interval() -> None:
    """A single pair of runs has a difference without an interval."""
    row = claims(_values({"none": (40.0,), "mnli": (45.0,)}), "none").row(0, named=True)
    assert row["difference"] == 5.0
    assert [row[name] for name in ("se", "low", "high", "p", "p_adjusted", "sign")] == [None] * 6
    assert row["method"] == "these checkpoints only: 1 run"


def test_runs_that_do_not_vary_have_no_interval_and_count_in_the_family() -> None:
    """A standard error of 0 bounds nothing: five equal differences are not proof, and m is that of the family."""
    arms = {"none": (1.0,) * 5, "same": (2.0,) * 5, "other": (2.0, 2.1, 2.2, 2.3, 2.4)}
    table = claims(_values(arms), "none")
    same = table.filter(pl.col("arm") == "same").row(0, named=True)
    assert (same["low"], same["sign"], same["m"], same["method"]) == (None, None, 2, "none: 5 runs do not vary")
    other = table.filter(pl.col("arm") == "other").row(0, named=True)
    assert other["p_adjusted"] == pytest.approx(2 * other["p"])


def test_the_family_is_what_was_asked_for() -> None:
    """Pairs of cell and arm that are named are the family; others do not count."""
    values = pl.concat([_values({"none": (1, 2), "a": (2, 2), "b": (3, 3)}, cell) for cell in ("xnli", "panx")])
    assert claims(values, "none")["m"].to_list() == [4] * 4
    assert claims(values, "none", [("panx", "b")]).select("cell", "arm", "m").rows() == [("panx", "b", 1)]


def test_what_cannot_be_paired_is_refused() -> None:
    """No common seed, a seed twice, an arm or a cell that is not there, a value that is none: each is one line."""
    values = _values({"none": (1, 2)})
    other = _values({"a": (1, 2)}, first=5)
    with pytest.raises(Mismatch, match="no seed in common"):
        claims(pl.concat([values, other]), "none")
    with pytest.raises(Mismatch, match="occurs twice"):
        claims(pl.concat([values, values]), "none")
    with pytest.raises(UserError, match="'b'"):
        claims(values, "none", [("xnli", "b")])
    with pytest.raises(UserError, match="'tydiqa'"):
        claims(pl.concat([values, _values({"a": (1, 2)})]), "none", [("tydiqa", "a")])
    with pytest.raises(RobustXtremeError, match="nan"):
        claims(_values({"none": (1, 2), "a": (math.nan, 2.0)}), "none")


def test_intervals_over_runs_cover_what_they_promise() -> None:
    """4,000 simulated studies of three and five seeds with a common seed effect: 95 % contain the true difference."""
    draw = np.random.default_rng(11)
    for runs in (3, 5):
        seeds, noise = draw.normal(0, 3, (4000, runs)), draw.normal(0, 1, (2, 4000, runs))
        differences = (seeds + 2 + noise[0]) - (seeds + noise[1])
        intervals = [paired_over_runs(difference.tolist()) for difference in differences]
        covered = np.mean([interval["low"] <= 2 <= interval["high"] for interval in intervals])
        assert 0.94 < covered < 0.96


def test_signs_claimed_without_a_difference_are_rare() -> None:
    """300 simulated families of six tests without any effect: about 5 % claim a sign anywhere."""
    draw = np.random.default_rng(7)
    false = 0
    for _ in range(300):
        arms = {f"a{number}": draw.normal(0, 1, 5).tolist() for number in range(6)}
        false += claims(_values({"none": (0.0,) * 5, **arms}), "none")["sign"].count() > 0
    assert false / 300 < 0.08
