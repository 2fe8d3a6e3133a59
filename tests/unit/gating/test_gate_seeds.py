"""A run against several training runs: the test of Crawford and Howell on pooled levels."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tests.finished_runs import finished_run

from robust_xtreme.core.errors import UserError
from robust_xtreme.gating.baselines import load, of_runs
from robust_xtreme.gating.comparing import compared
from robust_xtreme.gating.comparing import gated as gated_of
from robust_xtreme.gating.policy import Policy
from robust_xtreme.gating.verdicts import OVER_SEEDS, across_seeds, decide, retrained
from robust_xtreme.stats.contrasts import contrasts
from robust_xtreme.stats.outcomes import MeanOfRuns, levels_of


@pytest.mark.parametrize("candidate", [60.0, 70.5, 71.0, 80.0])
def test_one_level_is_tested_as_a_sample_of_one(candidate: float) -> None:
    """t, p and degrees of freedom are those of the two-sample t test whose first sample has one value."""
    levels = [70.0, 71.5, 72.25, 69.0, 71.0]
    test, known = retrained(candidate, levels), stats.ttest_ind([candidate], levels, alternative="less")
    assert test.p == pytest.approx(known.pvalue)
    assert test.df == known.df
    assert test.difference == pytest.approx(candidate - np.mean(levels))
    assert test.se == pytest.approx(np.std(levels, ddof=1) * np.sqrt(1.2))


def test_runs_that_do_not_differ_have_no_test() -> None:
    """Without a spread there is no t; fewer than three runs have no spread that counts."""
    still = retrained(50.0, [60.0] * 4)
    assert (still.p, still.se) == (None, 0.0)
    with pytest.raises(UserError, match="2 runs"):
        retrained(50.0, [60.0, 61.0])


def test_a_retrained_run_is_a_false_alarm_at_the_stated_rate() -> None:
    """Of runs of the same recipe the stated share is called worse, for few and many training seeds."""
    for count in (3, 5, 10):
        draws = np.random.default_rng(count).normal(70, 2, (4000, count + 1))
        alarms = np.mean([(retrained(row[0], row[1:]).p or 0) <= 0.05 for row in draws])
        assert abs(alarms - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 4000)


def test_pooled_rows_are_tested_over_training_seeds(tmp_path: Path) -> None:
    """Rows of a task have the spread of the runs, and in their bounds that of the items too; cells have the items'."""
    runs = [finished_run(tmp_path / str(draw), draw=draw, seeds=2) for draw in range(4)]
    baseline, candidate = of_runs(runs), load(finished_run(tmp_path / "new", 0.6, draw=9, seeds=2))
    table = compared(baseline, candidate)
    alone = [contrasts(run, candidate.runs[0], baseline.tasks) for run in baseline.runs]
    seeded = table.filter(kind="task")
    assert seeded.height == 3
    assert set(seeded["method"]) == {OVER_SEEDS}
    assert set(seeded["df"]) == {3.0}
    for row in seeded.iter_rows(named=True):
        same = [frame.filter(kind="task", scale=row["scale"]).row(0, named=True) for frame in alone]
        known = retrained(row["candidate"], [other["baseline"] for other in same])
        assert row["difference"] == pytest.approx(known.difference)
        assert row["se"] == pytest.approx(known.se)
        assert row["widened_se"] > row["se"]
        assert row["p"] == pytest.approx(2 * min(known.p or 0, 1 - (known.p or 0)))
        reach = stats.t.ppf(0.975, 3) * row["widened_se"]
        assert (row["low"], row["high"]) == pytest.approx((row["difference"] - reach, row["difference"] + reach))
        assert row["p_adjusted"] >= row["p"]
        assert row["mde"] > row["se"]
    cells = table.filter(kind="cell")
    assert cells.height == 6
    assert OVER_SEEDS not in set(cells["method"])
    for row in cells.iter_rows(named=True):
        each = [frame.filter(kind="cell", scale=row["scale"], language=row["language"]) for frame in alone]
        assert row["difference"] == pytest.approx(np.mean([frame["difference"][0] for frame in each]))


def test_an_f1_over_training_seeds_has_the_items_variance_and_a_whole_step(tmp_path: Path) -> None:
    """The bound has the variance of seeds and of items, and the share of a cluster; the interval has J as it is."""
    runs = of_runs([finished_run(tmp_path / str(draw), draw=draw, count=90) for draw in range(3)]).runs
    candidate = load(finished_run(tmp_path / "new", draw=9, count=90))
    named = pl.lit("span_f1").alias("metric")
    items = contrasts(MeanOfRuns(runs), MeanOfRuns(candidate.runs * 3), candidate.tasks).with_columns(named)
    levels = levels_of(runs).with_columns(named)
    table = across_seeds(items, levels, {(*key[:-1], "span_f1") for key in candidate.keys})
    for row in table.filter(kind="task").iter_rows(named=True):
        item = items.filter(kind="task", scale=row["scale"]).row(0, named=True)
        step = max((100 / item["clusters"]) ** 2, item["widened_se"] ** 2 - item["se"] ** 2)
        assert row["widened_se"] ** 2 == pytest.approx(row["se"] ** 2 + item["se"] ** 2 + step)
        reach = stats.t.ppf(0.975, 2) * np.hypot(row["se"], item["widened_se"])
        assert row["high"] == pytest.approx(row["difference"] + reach)
        assert reach < stats.t.ppf(0.975, 2) * row["widened_se"]


def test_the_only_cell_of_a_task_is_its_pooled_level(tmp_path: Path) -> None:
    """A task with one language is tested over training seeds in its cell."""
    runs = [finished_run(tmp_path / str(draw), draw=draw, languages=["sw"]) for draw in range(3)]
    baseline, candidate = of_runs(runs), load(finished_run(tmp_path / "new", draw=9, languages=["sw"]))
    table = compared(baseline, candidate)
    assert set(table["kind"]) == {"cell"}
    assert set(table["method"]) == {OVER_SEEDS}


def test_runs_with_equal_levels_leave_the_test_of_the_items(tmp_path: Path) -> None:
    """Where training seeds do not differ, a row is that of the items."""
    baseline, candidate = load(finished_run(tmp_path / "a")), load(finished_run(tmp_path / "new", 0.6, draw=9))
    (run,) = baseline.runs
    known = contrasts(run, candidate.runs[0], baseline.tasks)
    table = across_seeds(known, levels_of([run] * 3), set(candidate.keys))
    assert OVER_SEEDS not in set(table["method"])
    assert np.allclose(table["difference"], known["difference"])
    assert np.allclose(table["p"], known["p"])
    with pytest.raises(UserError, match="2 runs"):
        across_seeds(known, levels_of([run] * 2), set(candidate.keys))


def test_a_gate_over_training_seeds_names_a_worse_task_alone(tmp_path: Path) -> None:
    """A run far below its recipe is `regressed` as a task; one of the recipe is not; the MDE is that of the seeds."""
    runs = [finished_run(tmp_path / str(draw), draw=draw) for draw in range(6)]
    baseline = of_runs(runs)
    for share, expected in ((0.4, {"regressed"}), (0.8, {"ok", "undecided"})):
        candidate = load(finished_run(tmp_path / f"new {share}", share, draw=9))
        table = compared(baseline, candidate)
        tasks = decide(table, Policy(), (), (), date(2026, 1, 1)).verdicts.filter(pl.col("kind") == "task")
        gated = tasks.filter(pl.col("scale") != "change")
        assert set(gated["verdict"]) <= expected
        for row in gated.iter_rows(named=True):
            quantiles = stats.t.ppf([1 - 0.025 / 2, 0.8], 5)
            assert row["mde"] == pytest.approx(row["se"] * quantiles.sum())
        asked = gated_of(baseline, candidate, Policy(), date(2026, 1, 1)).verdicts
        assert set(asked["kind"]) == {"task"}
