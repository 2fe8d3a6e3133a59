"""The gate on training seeds of one recipe, and on a planted fall: how the tables are made, and what they show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.simulations import gate_seeds, gate_splits
from benchmarks.simulations._runner import read
from tests.finished_runs import finished_run

REPORTS = Path(__file__).parents[3] / "reports" / "gate"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Four runs of one recipe, which differ by their answers alone."""
    folder = tmp_path_factory.mktemp("seeds")
    return [finished_run(folder / str(seed), draw=seed, count=100) for seed in range(4)]


@pytest.mark.long
def test_every_pair_is_gated_with_one_baseline_and_each_run_with_several(folders: list[Path]) -> None:
    """Twelve ordered pairs and four runs beside three others; the verdicts of a kind add up to all of its rows."""
    rows = gate_seeds.alarms(folders)
    kinds = [(row["baselines"], row["margin"], row["kind"], row["gates"]) for row in rows]
    single = [("1", margin, kind, "12") for margin in ("2", "0") for kind in ("task", "cell", "any")]
    assert kinds == single + [("3", margin, kind, "4") for margin in ("2", "0") for kind in ("task", "any")]
    for row in rows:
        shares = [float(row[name]) for name in ("regressed", "beyond", "undecided", "ok")]
        assert sum(shares) == pytest.approx(100, abs=0.2)
    assert "Against the mean of 3 runs" in gate_seeds.explanation(rows)


def test_every_split_is_gated_once_and_gates_of_one_run_are_not_independent() -> None:
    """280 splits of eight runs; where one run fails as every candidate, the interval is wider than a binomial one."""
    every = gate_splits.splits(8, 3)
    assert len(set(every)) == len(every) == 280
    assert all(split.candidate not in split.baselines for split in every)
    failing = np.array([split.candidate == 0 for split in every])
    low, high = gate_splits.bounds(every, failing, 8)
    assert low == 0.0
    assert high > 0.125 + 4 * (0.125 * 0.875 / 280) ** 0.5
    assert gate_splits.bounds(every, failing & False, 8) == pytest.approx((0.0, 0.369), abs=0.001)


def test_a_planted_fall_is_named_alone(folders: list[Path]) -> None:
    """Where a third of a language's answers become wrong, the gate names it; the churn of the other is not named."""
    rows = gate_seeds.planted(folders[0], 25.0)
    assert [(row["language"], row["named"], row["others"]) for row in rows] == [
        ("de", "yes", "xnli"),
        ("sw", "yes", "xnli"),
    ]
    assert float(rows[1]["clean"]) == pytest.approx(-25, abs=6)
    assert gate_seeds.named_alone(rows) == "A fall of 5 points is named, alone, in 0 of 2 languages of xnli."


def test_the_committed_tables_say_what_the_manual_says() -> None:
    """One baseline alarms on other seeds, several rarely; a fall of 5 points in a language's tags is named alone."""
    seeds, falls = (read(REPORTS / f"{name}.csv") for name in ("seeds", "planted"))
    failing = {(row["baselines"], row["margin"], row["kind"]): float(row["failing"]) for row in seeds}
    runs = max(int(row["baselines"]) for row in seeds) + 1
    assert runs >= 6
    assert {row["gates"] for row in seeds} == {str(runs), str(runs * (runs - 1))}
    assert failing["1", "2", "task"] > 5 > failing[str(runs - 1), "2", "task"]
    tags = [row for row in falls if row["task"] == "udpos"]
    assert len(tags) == 12
    assert all(row["named"] == "yes" and not row["others"] for row in tags)
