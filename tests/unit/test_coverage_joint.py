"""The simulation of joint intervals on real answers meets its bar, and a short run of it does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from benchmarks import coverage_joint
from benchmarks._simulations import read
from benchmarks.coverage_joint import Design, cover
from tests.stats_rows import answers, frames

from robust_xtreme.files import store
from robust_xtreme.files.schema import STATS

REPORTS = Path(__file__).parents[2] / "reports"


def test_joint_intervals_and_p_meet_their_bars() -> None:
    """With 60 clusters and more, 3 to 7 % of draws are missed, at most 3.5 % have a false drop; the page says so."""
    rows = read(REPORTS / "coverage-joint.csv")
    shown = [row for row in rows if row["method"] == "ours" and int(row["clusters"]) >= 60]
    assert len(shown) == 2 * 4
    assert all(3 <= float(row["missed"]) <= 7 for row in shown)
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
