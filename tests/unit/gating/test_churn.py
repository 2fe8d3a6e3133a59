"""Churn: shares of answers that changed, right to wrong and the reverse, with intervals, and examples on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from tests.finished_runs import finished_run
from tests.program import program

from robust_xtreme import Baseline, compare
from robust_xtreme.files import store
from robust_xtreme.files.schema import CELL, PREDICTIONS, STATS
from robust_xtreme.gating.comparing import _both
from robust_xtreme.gating.document import details, is_shown
from robust_xtreme.stats.contrasts import Key

_CHURN = ("changed", "harmful", "beneficial")


def _answered(folder: Path, draw: int, *answers: str, **given: Any) -> tuple[Path, Any]:
    """A run whose predictions are `answers` drawn for each item, of which "0" is right, and these by condition."""
    run = finished_run(folder, **given)
    random = np.random.default_rng(draw)
    predictions = store.read_frame(run / "predictions.parquet", PREDICTIONS)
    made = random.choice(answers, predictions.height)
    predictions = predictions.with_columns(prediction=pl.Series(made))
    key = (*CELL, "noise_seed", "example")
    right = pl.concat_list((pl.col("prediction") == "0").cast(pl.Float64), pl.lit(1.0))
    rows = (
        store.read_frame(run / "stats.parquet", STATS)
        .drop("stats")
        .join(predictions.select(*key, "prediction"), on=key)
    )
    written = rows.with_columns(stats=right).select(STATS.columns.keys())
    for frame, data in ((PREDICTIONS, predictions), (STATS, written)):
        store.write_frame(run / f"{frame.name}.parquet", data, frame)
    manifest = json.loads((run / "manifest.json").read_text("utf-8")) | {"files": {}}
    del manifest["digest"]  # as after a change that is meant
    (run / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return run, predictions


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[Path, Any], tuple[Path, Any]]:
    """Two runs of which many answers differ, with two noise seeds."""
    folder = tmp_path_factory.mktemp("churn")
    return tuple(_answered(folder / name, at, *"0012", seeds=2) for at, name in enumerate(("old", "new")))  # type: ignore[return-value]  # of two


@pytest.mark.parametrize(
    ("language", "condition"), [("de", "clean"), ("sw", "clean"), ("sw", "char_noise:0.1@fields=premise")]
)
def test_shares_are_those_of_an_independent_computation(runs: Any, language: str, condition: str) -> None:
    """Counted from both tables of predictions, with the logit interval of a share by leaving out clusters."""
    frame = compare(runs[0][0], runs[1][0]).frame
    (row,) = frame.filter(pl.col("scale") != "change", language=language, condition=condition).to_dicts()
    before, after = (
        answers.filter(language=language, condition=condition).sort("noise_seed", "example") for _, answers in runs
    )
    was, now = ((side["prediction"] == "0").to_numpy() for side in (before, after))
    flags = {
        "changed": (before["prediction"] != after["prediction"]).to_numpy(),
        "harmful": was & ~now,
        "beneficial": ~was & now,
    }
    arms = before["noise_seed"].n_unique()
    for name, flag in flags.items():
        by_cluster = flag.reshape(arms, 40, 3).mean(0).sum(1)
        share = flag.mean()
        without = (by_cluster.sum() - by_cluster) / 117
        error = (39 / 40 * ((without - without.mean()) ** 2).sum()) ** 0.5
        reach = stats.t.ppf(0.975, 39) * error / (share * (1 - share))
        bounds = [1 / (1 + np.exp(-(np.log(share / (1 - share)) + sign * reach))) for sign in (-1, 1)]
        assert [row[name + end] for end in ("", "_low", "_high")] == pytest.approx([share, *bounds])
    assert row["difference"] == pytest.approx(100 * (row["beneficial"] - row["harmful"]))


def test_two_runs_of_one_model_have_none(runs: Any, tmp_path: Path) -> None:
    """All shares are 0, with an exact bound; the page has no answers that changed for the worse."""
    comparison = compare(runs[0][0], runs[0][0])
    cells = comparison.frame.filter(pl.col("scale") != "change", kind="cell")
    assert cells.select(_CHURN).sum().row(0) == (0.0, 0.0, 0.0)
    assert set(cells["harmful_high"].round(6)) == {round(1 - 0.05 ** (1 / 40), 6)}
    assert comparison.worse.is_empty()
    page = tmp_path / "page.html"
    assert program("report", str(runs[0][0]), str(runs[0][0]), "-o", str(page)).code in (0, None)
    assert "Answers that changed for the worse" not in page.read_text("utf-8")


def test_the_page_and_the_terminal_show_what_changed(runs: Any, tmp_path: Path) -> None:
    """The most harmful cells first, and some examples of each language, with both answers; escaped where hostile."""
    page = tmp_path / "page.html"
    assert program("compare", str(runs[0][0]), str(runs[1][0]), "-o", str(page)).code in (0, None)
    text = page.read_text("utf-8")
    part = text[text.index('<details id="worse">') :]
    assert (part.count('id="worse/'), part.count("<dt>candidate</dt>")) == (8, 8)
    assert "<dt>baseline</dt><dd><code>entailment</code></dd><dt>candidate</dt><dd><code>neutral</code></dd>" in part
    shown = program("compare", str(runs[0][0]), str(runs[1][0]), COLUMNS="200").out
    table = shown[shown.index("Answers that changed") :]
    assert "harmful" in table
    shares = [float(line.split("%")[1].split("]")[1]) for line in table.splitlines() if line.startswith("xnli")]
    assert shares == sorted(shares, reverse=True)


def test_what_became_wrong_without_a_difference_is_said_with_its_bound(runs: Any) -> None:
    """The largest share of a cell not shown to differ, and the largest upper bound, in percent."""
    frame = compare(runs[0][0], runs[1][0]).frame
    levels = frame.filter(pl.col("scale") != "change", pl.col("p_adjusted").is_not_null(), kind="cell")
    still = [row for row in levels.to_dicts() if not is_shown(row)]
    seen, beyond = (100 * max(row[name] for row in still) for name in ("harmful", "harmful_high"))
    (line,) = (line for line in details(frame) if "became wrong" in line)
    assert f"{seen:.1f} % of a cell's answers became wrong at most" in line
    assert f"up to {beyond:.1f} % are not excluded" in line
    assert 0 < seen < beyond < 100


def test_without_answers_right_and_wrong_are_still_known(runs: Any, tmp_path: Path) -> None:
    """Of a saved baseline: harmful and beneficial are those of the runs, what changed is not known."""
    Baseline.save(runs[0][0], "old", tmp_path)
    saved = compare(Baseline.load("old", tmp_path), runs[1][0])
    full = compare(runs[0][0], runs[1][0]).frame
    assert saved.frame["harmful"].equals(full["harmful"])
    assert saved.frame["changed"].is_null().all()
    assert saved.worse.is_empty()


@pytest.mark.parametrize(
    ("family", "before", "after", "changed"),
    [
        ("retrieval", ('["a", "b"]', None), ('["a", "c"]', None), False),
        ("retrieval", ('["a", "b"]', None), ('["b", "a"]', None), True),
        ("retrieval", ("[]", None), ('["b"]', None), True),
        ("retrieval", ('["a\\"b"]', None), ('["a\\"c"]', None), True),
        ("retrieval", ("[]", None), ("not JSON", None), False),
        ("span_qa", ("[[1, 3]]", "ab"), ("[[7, 9]]", "ab"), False),
        ("span_qa", ("[[1, 3]]", "ab"), ("[]", None), True),
        ("tagging", ('["O", "B-PER"]', None), ('["O", "O"]', None), True),
        ("classification", (None, None), ("1", None), True),
        ("classification", (None, None), (None, None), False),
    ],
)
def test_what_counts_as_another_answer(family: str, before: Any, after: Any, changed: bool) -> None:
    """Of retrieval what was found first, of questions the text, else the prediction; a failed answer is one, too."""
    key = ("x", "t", "test", "sw", "sw", "zero_shot", "len128", "clean", "accuracy")
    named = dict(zip(CELL, ("m", *key[:-1]), strict=True))
    sides: list[dict[Key, pl.LazyFrame]] = [
        {
            key[:-2]: pl.LazyFrame(
                [{**named, "noise_seed": -1, "example": "1", "prediction": p, "answer": a}],
                schema_overrides={"prediction": pl.String, "answer": pl.String},
            )
        }
        for p, a in (before, after)
    ]
    assert _both(sides, key, family)["changed"].to_list() == [changed]
