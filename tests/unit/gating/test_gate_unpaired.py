"""A baseline without the outcomes of its items: its levels are compared unpaired, and every output says so."""

from __future__ import annotations

from datetime import date
from math import hypot
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import t as student_t
from tests.finished_runs import finished_run
from tests.program import program

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.gating.baselines import Baseline, load, save
from robust_xtreme.gating.comparing import compared, gated
from robust_xtreme.gating.policy import Policy
from robust_xtreme.gating.verdicts import METHOD, OVER_SEEDS, unpaired

_TODAY = date(2026, 1, 1)


def _alone(tmp_path: Path, *runs: Path) -> Baseline:
    """The baseline of some runs, without its .parquet."""
    path = save(runs, "main", tmp_path / "baselines")
    path.with_suffix(".parquet").unlink()
    return load("main", tmp_path / "baselines")


def test_levels_are_compared_as_independent(tmp_path: Path) -> None:
    """The differences are those of the items; errors are greater, and a task's are at most the mean of its cells'."""
    old, new = finished_run(tmp_path / "old", count=600), finished_run(tmp_path / "new", 0.7, draw=1, count=600)
    known = compared(load(old), load(new))
    table = compared(_alone(tmp_path, old), load(new))
    assert set(table["scale"]) == {"clean", "perturbed"}
    assert set(table["method"]) == {METHOD}
    both = table.join(known, on=("kind", "task", "language", "condition", "metric", "scale"), suffix="_paired")
    assert both.height == table.height == 6
    assert np.allclose(both["difference"], both["difference_paired"])
    cells = both.filter(kind="cell")
    expected = [hypot(*_errors(load(old), load(new), row)) for row in cells.iter_rows(named=True)]
    assert np.allclose(cells["se"], expected)
    assert (both["widened_se"] > both["se"]).all()
    reach = student_t.ppf(0.975, both["df"]) * both["widened_se"]
    assert np.allclose(both["low"], both["difference"] - reach)
    assert np.allclose(both["high"], both["difference"] + reach)
    task, of_task = (both.filter(kind=kind, scale="clean") for kind in ("task", "cell"))
    assert task["se"][0] == pytest.approx(of_task["se"].mean())
    assert task["se"][0] > task["se_paired"][0]


def _errors(before: Baseline, after: Baseline, row: dict[str, Any]) -> list[float]:
    where = {"language": row["language"], "condition": row["condition"]}
    return [side.levels.filter(**where)["se"][0] for side in (before, after)]


def test_nothing_worse_is_rarely_regressed() -> None:
    """Of levels without a true difference, at most 5 % of families are regressed, also near 100 and of few clusters."""
    draw = np.random.default_rng(3)
    for share, count in ((0.5, 20), (0.97, 30), (0.99, 200), (1.0, 25)):
        alarms = 0
        for _ in range(100):
            sides = [_levels(draw.binomial(count, share, size=12) / count, count) for _ in range(2)]
            tests = unpaired(*sides).filter(kind="cell")
            alarms += bool(((tests["p_adjusted"] <= 0.05) & (tests["difference"] < 0)).any())
        assert alarms <= 10


def test_few_items_that_are_all_right_show_little() -> None:
    """Levels of 100 have errors of 0, and yet a true fall of some points can be hidden in them."""
    rows = unpaired(*[_levels(np.ones(3), 25)] * 2).filter(kind="cell")
    assert rows["se"].to_list() == [0, 0, 0]
    assert (rows["low"] < -10).all()


def _levels(shares: Any, count: int) -> pl.DataFrame:
    """A LEVELS frame of accuracies, one a language."""
    names = ("task", "context_language", "condition", "metric", "split", "setting", "inference", "data")
    languages = [f"l{number}" for number in range(len(shares))]
    return pl.DataFrame({"language": languages, "value": 100 * shares}).with_columns(
        (100 * (pl.col("value") / 100 * (1 - pl.col("value") / 100) / (count - 1)).sqrt()).alias("se"),
        *(pl.lit("clean" if name == "condition" else "x").alias(name) for name in names),
        *(pl.lit(count).alias(name) for name in ("n", "clusters")),
        pl.lit(1).alias("seeds"),
    )


def test_a_gate_on_levels_says_so_and_finds_a_great_fall(tmp_path: Path) -> None:
    """A fall of half is regressed, the run itself is ok, and the note names the absent file."""
    old = finished_run(tmp_path / "old", count=600)
    baseline = _alone(tmp_path, old)
    worse = gated(baseline, load(finished_run(tmp_path / "new", 0.4, draw=1, count=600)), Policy(), _TODAY)
    assert worse.counts["regressed"] == 6
    assert worse.note.startswith("Unpaired, because a .parquet is absent")
    again = gated(baseline, load(old), Policy(), _TODAY)
    assert again.counts["ok"] == 6
    ended = program("gate", str(tmp_path / "new"), "--baseline", str(tmp_path / "baselines" / "main.json"))
    assert ended.code == 1
    assert "Unpaired, because" in " ".join(ended.out.split())


def test_other_numbers_of_items_are_refused(tmp_path: Path) -> None:
    """Without items the numbers are what tells that they are others."""
    before, after = (load(finished_run(tmp_path / name, draw=at)).levels for at, name in enumerate(("a", "b")))
    with pytest.raises(Mismatch, match="119 in"):
        unpaired(before, after.with_columns(n=pl.lit(119)))


def test_training_seeds_are_tested_on_levels_too(tmp_path: Path) -> None:
    """Several runs without items have the test over training seeds of their levels."""
    runs = [finished_run(tmp_path / str(draw), draw=draw) for draw in range(3)]
    candidate = load(finished_run(tmp_path / "new", 0.6, draw=9))
    table = compared(_alone(tmp_path, *runs), candidate).filter(kind="task")
    assert set(table["method"]) == {OVER_SEEDS}
    for scale in ("clean", "perturbed"):
        known = compared(load(runs[0]), candidate).filter(kind="task", scale=scale)
        assert table.filter(scale=scale)["candidate"][0] == pytest.approx(known["candidate"][0])
