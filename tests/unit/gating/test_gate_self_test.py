"""`gate --self-test`: A/A comparisons of a run, alone or with a baseline, and how often they alarm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.finished_runs import finished_run
from tests.program import program

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.gating.baselines import load, save
from robust_xtreme.gating.policy import Policy
from robust_xtreme.gating.self_test import _halves, _shares, _swapped, self_test
from robust_xtreme.stats.components import numbered


def test_nothing_worse_is_rarely_regressed(tmp_path: Path) -> None:
    """Alone, and against a run that is truly much worse, few comparisons alarm; a second call gives the same."""
    run = load(finished_run(tmp_path / "run", count=300))
    worse = load(finished_run(tmp_path / "worse", 0.4, draw=1, count=300))
    for baseline in (None, worse):
        tested = self_test(run, Policy(), baseline, 30)
        assert tested.regressed <= 8
        assert tested.failed == tested.regressed
        shares = tested.rows.select("ok", "undecided", "beyond margin", "regressed").sum_horizontal()
        assert np.allclose(shares, 100)
        assert set(tested.rows["kind"]) == {"task", "cell"}
    assert self_test(run, Policy(), worse, 30).rows.equals(tested.rows)


def test_an_anchor_is_tested_too(tmp_path: Path) -> None:
    """The outcomes of all three are exchanged, and each comparison is a gate against both that share alpha."""
    run, main, first = (load(finished_run(tmp_path / str(draw), draw=draw, count=300)) for draw in range(3))
    tested = self_test(run, Policy(), replace(main, anchor=first), 20)
    assert tested.regressed <= 6
    assert tested.how.count(" and ") == 2
    alone = self_test(run, Policy(), main, 1)
    assert min(tested.rows["mde"].to_list()) > min(alone.rows["mde"].to_list())
    sides = [each.runs[0] for each in (run, main, first)]
    exchanged = _swapped(sides, numbered(sides[0].values(), {}), np.random.default_rng(1))
    for key in sides[0]:
        before, after = (sum(side[key].sums for side in each) for each in (sides, exchanged))
        assert np.array_equal(before, after)


def test_a_policy_is_tested_too(tmp_path: Path) -> None:
    """Where undecided rows fail, gates of few items nearly always fail."""
    run = load(finished_run(tmp_path / "run"))
    tested = self_test(run, Policy(undecided="fail"), None, 10)
    assert tested.failed == 10
    assert tested.regressed <= 3
    tested = self_test(run, Policy(equivalent=50.0, alpha=0.025), None, 3)
    assert "at most 2.5% should" in str(next(tested.blocks()))
    assert np.allclose(tested.rows.drop("kind", "task", "mde").sum_horizontal(), 100)
    assert "better" in tested.rows.columns


def test_pairs_are_of_the_same_cells(tmp_path: Path) -> None:
    """Halves have the same clusters in every language, and no cluster on both sides; all clusters are used but one."""
    run = load(finished_run(tmp_path / "run", count=123))
    (cells,) = run.runs
    numbers = numbered(cells.values(), {})
    first, second = _halves([cells], numbers, np.random.default_rng(1))
    for key, cell in first.items():
        assert cell.sums.shape == second[key].sums.shape == (1, 20, 2)
        assert len(cell.items.examples) == 60
        assert cell.items.clusters == next(iter(first.values())).items.clusters
        rest = cells[key].sums.sum((0, 1)) - cell.sums.sum((0, 1)) - second[key].sums.sum((0, 1))
        assert rest[1] == 3


def test_swapped_outcomes_stay_in_their_clusters(tmp_path: Path) -> None:
    """Of each cluster both sides have what both runs have, in all languages on the same side."""
    sides = [load(finished_run(tmp_path / str(draw), draw=draw)).runs[0] for draw in range(2)]
    numbers = numbered(sides[0].values(), {})
    first, second = _swapped(sides, numbers, np.random.default_rng(1))
    kept = []
    for key, cell in first.items():
        assert np.array_equal(cell.sums + second[key].sums, sides[0][key].sums + sides[1][key].sums)
        differ = (sides[0][key].sums != sides[1][key].sums).any((0, 2))
        kept.append(np.where(differ, (cell.sums == sides[0][key].sums).all((0, 2)), -1))
    shares = np.array([(side == 1).sum() / (side >= 0).sum() for side in kept])
    assert ((shares > 0.2) & (shares < 0.8)).all()
    for side in kept:
        assert ((side == kept[0]) | (side < 0) | (kept[0] < 0)).all()


def test_the_command_prints_the_rates(tmp_path: Path) -> None:
    """Its exit code is 0; options that compare with something else are refused, as is a run without items."""
    folder = finished_run(tmp_path / "run")
    ended = program("gate", str(folder), "--self-test", "--undecided", "fail")
    assert (ended.code or 0) == 0
    assert "Of 200 comparisons in which nothing is worse" in ended.out
    assert "gates fail under this policy: 100.0%" in ended.out
    refused = program("gate", str(folder), "--self-test", "--update")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    written = program("gate", str(folder), "--self-test", "--out", "x.json")
    assert (written.code, "--out" in written.err) == (2, True)
    path = save([folder], "main", tmp_path)
    path.with_suffix(".parquet").unlink()
    with pytest.raises(Mismatch, match="no outcomes"):
        self_test(load("main", tmp_path), Policy())


def test_the_shares_of_verdicts_are_of_all_comparisons() -> None:
    """Of two comparisons of two rows each; the smallest fall that is detected is the median of the four."""
    first, second = (
        pl.DataFrame({"kind": ["task"] * 2, "task": ["xnli"] * 2, "verdict": ["ok", verdict], "mde": mde})
        for verdict, mde in (("ok", [1.0, 2.0]), ("regressed", [3.0, 9.0]))
    )
    (row,) = _shares([first, second], Policy()).rows(named=True)
    assert (row["ok"], row["regressed"], row["undecided"], row["mde"]) == (75, 25, 0, 2.5)
