"""A short run of benchmarks/coverage.py: our intervals contain the truth, and wrong ones are seen to fail."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
BENCHMARK = ROOT / "benchmarks" / "coverage.py"
REPLICATIONS = 1000


@pytest.fixture(scope="module")
def coverage() -> ModuleType:
    """The benchmark as a module."""
    spec = importlib.util.spec_from_file_location("coverage_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
@pytest.mark.parametrize("score", [0.35, 0.97])
def test_levels_contain_the_truth(coverage: ModuleType, metric: str, score: float) -> None:
    """Levels of 48 correlated clusters of 5 are covered at 90-98.5 %; plain t and independent items are not at 0.97."""
    covered = coverage.cover(coverage.Corner(metric, 48, 5, 0.3, score), REPLICATIONS)
    assert 90 <= covered.shares["ours"] <= 98.5
    assert covered.shares["unclustered"] < 88
    if score == 0.97:
        assert covered.shares["plain_t"] < 91


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
@pytest.mark.parametrize(("score", "drop", "seeds"), [(0.97, 0.02, 3), (0.7, 0.02, 1), (0.35, 0.08, 3)])
def test_drops_contain_the_truth(coverage: ModuleType, metric: str, score: float, drop: float, seeds: int) -> None:
    """Paired drops of 48 correlated clusters are covered at 91.5-98 %, in the corners where plain t falls to 90 %."""
    covered = coverage.cover(coverage.Corner(metric, 48, 5, 0.3, score, drop, seeds), REPLICATIONS)
    assert 91.5 <= covered.shares["ours"] <= 98
    assert covered.shares["ours"] >= covered.shares["plain_t"]
    if drop == 0.02:
        assert covered.shares["plain_t"] < 93.5


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
def test_no_drop_is_rarely_claimed(coverage: ModuleType, metric: str) -> None:
    """Where noise gains as much as it loses, 0 is outside the interval in about 5 % of the cases, or fewer."""
    corner = coverage.Corner(metric, 24, 9, 0.1, 0.5, 0.0, 2, unequal=True)
    assert coverage.cover(corner, REPLICATIONS).shares["ours"] >= 93.5


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
@pytest.mark.parametrize(("score", "drop"), [(0.3, 0.3), (0.6, 0.57), (0.9, 0.81)])
@pytest.mark.parametrize("replications", [200, pytest.param(500, marks=pytest.mark.long)])
def test_a_collapse_is_simulated_as_its_design_says(
    coverage: ModuleType, metric: str, score: float, drop: float, replications: int
) -> None:
    """The clean arm scores what the design names and each noisy arm what the drop leaves, nothing where that is all."""
    corner = coverage.Corner(metric, 200, 5, 0.3, score, drop, 3)
    reduce = coverage.accuracy if metric == "accuracy" else coverage.f1
    clean, noisy = coverage.simulate(corner, replications, np.random.default_rng(5))
    assert corner.collapses
    assert reduce(clean.sum((0, 2))) == pytest.approx([100 * score], abs=0.6)
    assert reduce(noisy.sum((0, 2))) == pytest.approx([100 * (score - drop)] * 3, abs=0.6 if score > drop else 0)


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
@pytest.mark.parametrize(("score", "drop", "seeds"), [(0.3, 0.3, 1), (0.6, 0.57, 3), (0.9, 0.81, 1)])
def test_drops_to_almost_nothing_contain_the_truth(
    coverage: ModuleType, metric: str, score: float, drop: float, seeds: int
) -> None:
    """Where noise leaves almost nothing, intervals contain the drop at 92.5-98 %, and miss it on both sides."""
    covered = coverage.cover(coverage.Corner(metric, 48, 5, 0.3, score, drop, seeds), REPLICATIONS)
    assert 92.5 <= covered.shares["ours"] <= 98
    assert 0 < covered.below <= 6
    assert 0 < covered.above <= 6


def test_the_number_of_processes_changes_no_figure(
    coverage: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two processes write the table that one writes."""
    for jobs in ("1", "2"):
        table = str(tmp_path / f"{jobs}.csv")
        coverage.main(["--replications", "2", "--clusters", "24", "--jobs", jobs, "--csv", table])
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert "* collapses: 182 designs" in capsys.readouterr().out


def test_the_page_names_every_design(coverage: ModuleType, tmp_path: Path) -> None:
    """The page and the csv contain a row a design beside their header, and the summary counts them."""
    covered = [coverage.cover(corner, 20) for corner in list(coverage.corners((48,)))[:30]]
    page = coverage.page(covered, "python benchmarks/coverage.py")
    coverage.write(covered, tmp_path / "coverage.csv")
    assert page.count("\n| ") == 32
    assert "* levels: 24 designs" in page
    assert len((tmp_path / "coverage.csv").read_text("utf-8").splitlines()) == 31


def test_the_committed_table_meets_the_bar_and_comes_out_again(coverage: ModuleType) -> None:
    """In reports/coverage every design contains at least 90 %, the page shows the csv, and a row is found again."""
    page = (ROOT / "reports" / "coverage.md").read_text("utf-8")
    rows = list(csv.DictReader((ROOT / "reports" / "coverage.csv").read_text("utf-8").splitlines()))
    designs = [*coverage.corners(), *coverage.held_out(), *coverage.collapses()]
    assert len(rows) == len(designs)
    assert min(float(row["ours"]) for row in rows) >= 90
    assert all("| " + " | ".join(row.values()) + " |" in page for row in rows)
    again = coverage.cover(designs[0], 2000).shares["ours"]
    assert float(rows[0]["ours"]) == pytest.approx(again, abs=1.5)
