"""A short run of simulations/coverage.py: our intervals contain the truth, and wrong ones are seen to fail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.simulations import coverage
from benchmarks.simulations._interval_designs import Corner, corners, designs, simulate
from benchmarks.simulations._interval_methods import (
    METHODS,
    METRICS,
    bootstraps,
    bounds,
    hall,
    johnson,
    ours,
    plain_t,
    sample,
    wilson,
)
from benchmarks.simulations._runner import read
from scipy import stats

REPORTS = Path(__file__).parents[3] / "reports"
REPLICATIONS = 1000
WRONG = ("ours", "plain_t", "unclustered")


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
@pytest.mark.parametrize("score", [0.35, 0.97])
def test_levels_contain_the_truth(metric: str, score: float) -> None:
    """Levels of 48 correlated clusters of 5 are covered at 90-98.5 %; plain t and independent items are not at 0.97."""
    covered = coverage.cover(Corner(metric, 48, 5, 0.3, score), REPLICATIONS, methods=WRONG)
    assert 90 <= covered.shares["ours"] <= 98.5
    assert covered.shares["unclustered"] < 88
    if score == 0.97:
        assert covered.shares["plain_t"] < 91


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
@pytest.mark.parametrize(("score", "drop", "seeds"), [(0.97, 0.02, 3), (0.7, 0.02, 1), (0.35, 0.08, 3)])
def test_drops_contain_the_truth(metric: str, score: float, drop: float, seeds: int) -> None:
    """Paired drops of 48 correlated clusters are covered at 91.5-98 %, in the corners where plain t falls to 90 %."""
    covered = coverage.cover(Corner(metric, 48, 5, 0.3, score, drop, seeds), REPLICATIONS, methods=WRONG)
    assert 91.5 <= covered.shares["ours"] <= 98
    assert covered.shares["ours"] >= covered.shares["plain_t"]
    if drop == 0.02:
        assert covered.shares["plain_t"] < 93.5


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
def test_no_drop_is_rarely_claimed(metric: str) -> None:
    """Where noise gains as much as it loses, 0 is outside the interval in about 5 % of the cases, or fewer."""
    corner = Corner(metric, 24, 9, 0.1, 0.5, 0.0, 2, unequal=True)
    assert coverage.cover(corner, REPLICATIONS, methods=WRONG).shares["ours"] >= 93.5


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
@pytest.mark.parametrize(("score", "drop"), [(0.3, 0.3), (0.6, 0.57), (0.9, 0.81)])
@pytest.mark.parametrize("replications", [200, pytest.param(500, marks=pytest.mark.long)])
def test_a_collapse_is_simulated_as_its_design_says(metric: str, score: float, drop: float, replications: int) -> None:
    """The clean arm scores what the design names and each noisy arm what the drop leaves, nothing where that is all."""
    corner = Corner(metric, 200, 5, 0.3, score, drop, 3)
    reduce = METRICS[metric].reduce
    clean, noisy = simulate(corner, replications, np.random.default_rng(5))
    assert corner.collapses
    assert reduce(clean.sum((0, 2))) == pytest.approx([100 * score], abs=0.6)
    assert reduce(noisy.sum((0, 2))) == pytest.approx([100 * (score - drop)] * 3, abs=0.6 if score > drop else 0)


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
@pytest.mark.parametrize(("score", "drop", "seeds"), [(0.3, 0.3, 1), (0.6, 0.57, 3), (0.9, 0.81, 1)])
def test_drops_to_almost_nothing_contain_the_truth(metric: str, score: float, drop: float, seeds: int) -> None:
    """Where noise leaves almost nothing, intervals contain the drop at 92.5-98 %, and miss it on both sides."""
    covered = coverage.cover(Corner(metric, 48, 5, 0.3, score, drop, seeds), REPLICATIONS, methods=WRONG)
    assert 92.5 <= covered.shares["ours"] <= 98
    assert 0 < covered.below["ours"] <= 6
    assert 0 < covered.above["ours"] <= 6


def test_a_short_run_writes_what_its_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One process and two write the same table; the page summarises it by part and method."""
    monkeypatch.setattr(coverage, "designs", lambda _: [*corners((24,))][::40])
    tables = {jobs: tmp_path / f"{jobs}.csv" for jobs in ("1", "2")}
    for jobs, table in tables.items():
        coverage.main(["--replications", "20", "--jobs", jobs, "--csv", str(table)])
    assert tables["1"].read_bytes() == tables["2"].read_bytes()
    page = capsys.readouterr().out
    assert "## Levels: 1 designs" in page
    assert "## Drops: 2 designs" in page
    assert page.count("| bootstrap_t |") == 4


def test_the_published_intervals_are_those_of_their_papers() -> None:
    """On clusters of one item they are the textbook formulas: t, Johnson's and Hall's t, and Wilson's interval."""
    right = np.array([1.0] * 90 + [0.0] * 510)
    level = sample(METRICS["accuracy"], _items(right), _items(right)[:, :0], np.random.default_rng(0))
    low, high = plain_t(level)
    reference = stats.t.interval(0.95, 599, 15.0, 100 * stats.sem(right))
    assert (low[0], high[0]) == pytest.approx(reference)
    shift = 100 * stats.skew(right) * right.std() / (6 * 600)
    assert johnson(level)[0][0] - low[0] == pytest.approx(shift, rel=0.03)
    t, skew = level.t, stats.skew(right) / 600**0.5
    for bound, sign in zip(hall(level), (1, -1), strict=True):
        studentised = (15.0 - bound[0]) / (100 * stats.sem(right))
        cubic = studentised + skew * studentised**2 / 3 + skew**2 * studentised**3 / 27 + skew / 6
        assert cubic == pytest.approx(sign * t, rel=0.01)
    reference = stats.binomtest(90, 600).proportion_ci(0.95, method="wilson")
    assert [bound[0] for bound in wilson(level)] == pytest.approx([100 * reference.low, 100 * reference.high], abs=0.05)


def test_the_bootstraps_agree_with_t_where_clusters_are_many() -> None:
    """With 300 clusters of dense changes both bootstraps give the t interval, nearly."""
    draw = np.random.default_rng(3)
    given = sample(METRICS["f1"], *simulate(Corner("f1", 300, 5, 0.0, 0.7, 0.08), 3, draw), draw)
    for pair in bootstraps(given):
        for bound, reference in zip(pair, ours(given), strict=True):
            assert bound == pytest.approx(reference, abs=0.4)
    assert set(bounds(given)) == set(METHODS)


def _items(right: np.ndarray) -> np.ndarray:
    return np.stack([right, np.ones(len(right))], -1)[None, None]


def test_the_committed_table_meets_the_bar_and_comes_out_again() -> None:
    """In reports/coverage every design contains at least 90 %, the page is the csv's, and a row is found again."""
    page = (REPORTS / "coverage.md").read_text("utf-8")
    rows = read(REPORTS / "coverage.csv")
    assert [(row["part"], row["clusters"]) for row in rows] == [
        (corner.part, str(corner.clusters)) for corner in designs()
    ]
    assert min(float(row["ours"]) for row in rows) >= 90
    command = next(line for line in page.splitlines() if line.startswith("python"))
    assert page == coverage.page(rows, command)
    again = coverage.cover(designs()[0], 1000).shares["ours"]
    assert float(rows[0]["ours"]) == pytest.approx(again, abs=1.5)


def test_no_published_method_covers_as_well() -> None:
    """Of all drops, ours has far fewer designs below 93 % than any published interval, and is not much wider."""
    rows = [row for row in read(REPORTS / "coverage.csv") if row["drop"]]
    below = {name: sum(float(row[name]) < 93 for row in rows if row[name]) for name in coverage.SHOWN}
    assert all(below[name] > 4 * below["ours"] for name in below if name not in {"ours", "former"})
    assert below["ours"] <= below["former"]
    assert np.mean([float(row["plain_t_width"]) / float(row["ours_width"]) for row in rows]) > 0.95


def test_the_table_names_each_design_and_method_once() -> None:
    """No method has the name of another column, so that the scores of the designs are those simulated."""
    rows = read(REPORTS / "coverage.csv")
    assert [float(row["score"]) for row in rows] == [corner.score for corner in designs()]
    assert set(METHODS) < set(rows[0])
    assert not set(METHODS) & {"part", "metric", "clusters", "size", "score", "drop", "seeds"}
