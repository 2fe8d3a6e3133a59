"""Calibration: measures beside plain definitions, intervals beside a truth, and a run whose scores are softmaxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

import robust_xtreme
from robust_xtreme.core.metric import Array
from robust_xtreme.stats.calibration import KEPT, MEASURES, _change, _distance, calibration, measures


def _drawn(n: int, seed: int, sharper: float = 1.0) -> tuple[Array, Array]:
    """Scores of two digits, many of them equal; with `sharper` 1 they are the probabilities of the outcomes."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(1.0, 1.0, n)
    right = rng.random(n) < 1 / (1 + np.exp(-logits))
    return np.round(1 / (1 + np.exp(-sharper * logits)), 2), right


@pytest.mark.parametrize("seed", range(5))
def test_measures_are_their_plain_definitions(seed: int) -> None:
    """Pairs that are counted, squares, and the mean risk over all orders of equal scores, each by a loop."""
    score, right = _drawn(60, seed)
    _, brier, auroc, risk = measures(score, right)
    assert brier == pytest.approx(100 * sum((s - r) ** 2 for s, r in zip(score, right, strict=True)) / 60)
    pairs = [(s > other) + (s == other) / 2 for s in score[right] for other in score[~right]]
    assert auroc == pytest.approx(100 * sum(pairs) / len(pairs))
    rng = np.random.default_rng(seed)
    risks = []
    for _ in range(4000):
        order = np.lexsort((rng.random(60), -score))[: int(np.ceil(KEPT * 60))]
        risks.append(1 - right[order].mean())
    assert risk == pytest.approx(100 * np.mean(risks), abs=0.25)


def test_calibrated_scores_have_half_of_the_error_that_bins_add_and_sharper_ones_more() -> None:
    """Of 400 draws of 150 calibrated items, beside the mean over the same bins without the correction."""
    drawn = [_drawn(150, seed) for seed in range(400)]
    found, plain = np.mean([measures(*each)[0] for each in drawn]), np.mean([_plain(*each) for each in drawn])
    assert plain > 5
    assert 0.4 * plain < found < 0.65 * plain
    assert np.mean([measures(*_drawn(150, seed, 3.0))[0] for seed in range(100)]) > 8


def _plain(score: Array, right: Array) -> float:
    order = np.argsort(score, kind="stable")
    gaps = (abs(score[each].mean() - right[each].mean()) * len(each) for each in np.array_split(order, 7))
    return 100 * float(sum(gaps)) / 150


def test_measures_without_errors_have_no_auroc() -> None:
    """What is not defined is NaN, and no other number."""
    ece, brier, auroc, risk = measures(np.array([0.9, 0.8]), np.array([True, True]))
    assert np.isnan(auroc)
    assert (round(brier, 6), risk) == (2.5, 0.0)
    assert ece == pytest.approx(15.0)  # one bin: 0.85 and 1


def test_scores_of_a_run_are_kept_on_request_and_are_the_only_difference(tmp_path: Path) -> None:
    """Predictions are those of a run without scores; the frame has what plain code makes of the rows; text has none."""
    given: dict[str, Any] = {"tasks": "xnli,panx", "languages": "sw", "limit": "60", "perturb": "char_noise:0.2"}
    given["cache"] = False
    plain = robust_xtreme.evaluate(**given, out=tmp_path / "plain")
    scored = robust_xtreme.evaluate(**given, scores=True, out=tmp_path / "scored")
    one, other = (run.predictions for run in (plain, scored))
    assert one.drop("score").equals(other.drop("score"))
    assert one.get_column("score").is_null().all()
    assert other.filter(task="panx").get_column("score").is_null().all()
    xnli = other.filter(task="xnli")
    assert xnli.get_column("score").is_between(1 / 3 - 1e-4, 1).all()
    rows = pl.read_csv(tmp_path / "scored" / "calibration.csv").filter(task="xnli")
    assert rows.get_column("measure").to_list() == sorted(MEASURES)
    brier = {
        name: 100 * float(np.mean((arm["score"].to_numpy() - (arm["prediction"] == arm["gold"]).to_numpy()) ** 2))
        for (name,), arm in xnli.group_by("condition")
    }
    row = rows.filter(measure="brier").row(0, named=True)
    assert row["clean"] == pytest.approx(brier["clean"])
    assert row["value"] == pytest.approx(brier[row["condition"]])
    assert row["change_low"] < row["change"] < row["change_high"]
    assert "Calibration" in (tmp_path / "scored" / "report.md").read_text()
    assert not (tmp_path / "plain" / "calibration.csv").exists()


def test_the_cache_gives_the_scores_that_were_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run answers from the cache, also where the first one kept no scores."""
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "cache"))
    given: dict[str, Any] = {"tasks": "xcopa", "languages": "sw", "limit": "20", "perturb": "char_noise:0.2"}
    robust_xtreme.evaluate(**given, out=tmp_path / "first")
    second = robust_xtreme.evaluate(**given, scores=True, out=tmp_path / "second")
    fresh = robust_xtreme.evaluate(**given, scores=True, cache=False, out=tmp_path / "fresh")
    assert json.loads((tmp_path / "second" / "manifest.json").read_text())["complete"]
    assert "cache" in (tmp_path / "second" / "log.txt").read_text()
    gaps = (second.predictions["score"] - fresh.predictions["score"]).abs()
    assert gaps.le(2e-4).all()


@pytest.mark.parametrize(("right", "score"), [((1, 0, 1, 1), 0.7), ((1, 0, 0, 0, 0), 0.9), ((1, 1), 0.4)])
def test_the_error_of_a_bin_is_taken_from_its_distance(right: tuple[int, ...], score: float) -> None:
    """The mean of a folded normal of that distance and error is above it by as much."""
    share, found = sum(right) / len(right), _distance(np.full(len(right), score), np.array(right))
    error = (share * (1 - share) / len(right)) ** 0.5
    distance = abs(score - share)
    folded = stats.foldnorm.mean(distance / error, scale=error) if error else distance
    assert found == pytest.approx(2 * distance - folded)


def test_a_change_that_a_resample_does_not_define_has_no_interval() -> None:
    """As where all answers of one are right: the area under the curve of errors has no value there."""
    clean, noisy = np.array([0.1, 0.1, 0.2]), np.array([0.2, 0.4, 0.1])
    assert _change(clean, noisy, 100)["change_high"] == pytest.approx(0.1 + 1.984 * 2**0.5 * 0.2, abs=1e-3)
    assert _change(clean, np.array([0.2, np.nan, 0.1]), 100)["change_high"] is None


def test_other_runs_are_apart_and_few_clusters_have_no_interval() -> None:
    """Cells of two languages are measured by themselves; below 20 clusters there are levels alone."""
    score, right = _drawn(30, 1)
    frame = pl.concat(
        pl.DataFrame(
            {
                **dict.fromkeys(("model", "data", "task", "split", "setting", "inference"), "x"),
                "language": code, "context_language": code, "condition": name, "noise_seed": seed,
                "example": [f"{number:02}" for number in range(30)],
                "cluster": [f"{number % of}" for number in range(30)],
                "prediction": ["1"] * 30, "gold": ["1" if each else "0" for each in right], "score": score,
                "queries": pl.Series([None] * 30, dtype=pl.Int64),
            }
        )
        for code, of in (("de", 30), ("sw", 10))
        for name, seed in (("clean", -1), ("char_noise:0.1", 0))
    )  # fmt: skip
    made = calibration(frame.lazy())
    assert made.height == 2 * len(MEASURES)
    assert made.filter(language="sw").get_column("change_low").is_null().all()
    assert made.filter(language="de").get_column("change").abs().max() == 0.0
    assert made.filter(language="de").get_column("change_high").abs().max() == 0.0
