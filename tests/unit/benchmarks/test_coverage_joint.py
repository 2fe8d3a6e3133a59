"""The simulation of joint intervals on real answers meets its bar, and a short run of it does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from benchmarks.simulations import coverage_joint
from benchmarks.simulations._runner import drawn_clusters, read
from benchmarks.simulations.coverage_joint import Design, cover
from tests.stats_rows import answers, frames

from robust_xtreme.files import store
from robust_xtreme.files.schema import STATS
from robust_xtreme.stats.intervals import FEWEST_JOINT

REPORTS = Path(__file__).parents[3] / "reports"


def test_joint_intervals_and_p_meet_their_bars() -> None:
    """3 to 7 % of draws are missed wherever there is a joint interval; at most 3.5 % have a false drop."""
    rows = read(REPORTS / "coverage-joint.csv")
    missed = {
        (row["metric"], int(row["clusters"])): float(row["missed"])
        for row in rows
        if (row["method"], row["large"]) == ("ours", "its share")
    }
    assert len(missed) == 2 * len(coverage_joint.CLUSTERS)
    assert all(3 <= rate <= 7 for (_, clusters), rate in missed.items() if clusters >= FEWEST_JOINT)
    assert all(float(row["false_drops"]) <= 3.5 for row in rows)
    text = (REPORTS / "coverage-joint.md").read_text("utf-8")
    made_by = re.search(r"```text\n(.*)\n```", text)
    assert made_by
    assert text == coverage_joint.page(rows, made_by[1])


def test_a_short_run_counts_what_is_missed(tmp_path: Path) -> None:
    """Draws of a run: every method has a row, and ours misses few; answers that are exchanged show no drop."""
    clean = answers(600, 0.9)
    noisy = clean & ~answers(600, 0.3, 5)
    stats, _ = frames({("clean", -1): clean, ("char_noise:0.1", 0): noisy})
    store.write_frame(tmp_path / "stats.parquet", stats, STATS)
    rows = cover(Design("accuracy", 60), (str(tmp_path),), draws=20, resamples=200)
    assert [row["method"] for row in rows] == list(coverage_joint.METHODS)
    assert float(str(rows[0]["missed"])) <= 20
    assert float(str(rows[0]["false_drops"])) <= 15
    truth = coverage_joint.population((str(tmp_path),), "accuracy")[0].truth
    assert np.isclose(truth, 100 * (clean.mean() - noisy.mean()))


def test_a_large_cluster_is_in_each_draw_with_its_share_of_items() -> None:
    """Of 20 clusters with 1 item and one with 10, ten clusters have the large one, once, at 9/20 of its sums."""
    items = np.array([1] * 20 + [10])
    at, times = drawn_clusters(items, (50, 10), np.random.default_rng(0))
    assert (at[:, 0] == 20).all()
    assert (at[:, 1:] < 20).all()
    assert times[:, 0].tolist() == [9 / 20] + [1.0] * 9
    by_chance = drawn_clusters(items, (50, 10), np.random.default_rng(0), by_chance=True)[0]
    assert 0 < (by_chance == 20).mean() < 0.2
