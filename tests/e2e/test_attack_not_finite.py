"""Attacks on a model some of whose scores are not numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from robust_xtreme.core.columns import Array
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.models.predictors.loaded import Loaded
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.run.run import evaluate

pytestmark = pytest.mark.usefixtures("unpaged")


def _run(out: Path, monkeypatch: pytest.MonkeyPatch, spares_clean: bool) -> Evaluation:
    """A run of an attack; a third of the texts have scores of NaN, with `spares_clean` no text of the first round."""
    scores, clean = Loaded.scores, set[bytes]()

    def broken(self: Loaded, batches: Any, done: Any, advance: Any) -> Iterator[Array]:
        texts = [[windows.take([at]).ids.tobytes() for at in range(len(windows))] for windows in batches]
        if spares_clean and not clean:
            clean.update(text for several in texts for text in several)
        for several, given in zip(texts, scores(self, batches, done, advance), strict=True):
            lost = [text not in clean and len(text) // 8 % 3 == 0 for text in several]
            yield np.where(np.array(lost)[:, None], np.nan, given)

    monkeypatch.setattr(Loaded, "scores", broken)
    perturb = ("attack_keys:0.3@queries=20",)
    return evaluate(RunSpec(tasks=("xnli",), languages=("sw",), perturb=perturb, limit="20", out=str(out)), cache=False)


def _attacked(out: Path) -> pl.DataFrame:
    rows = pl.read_parquet(out / "predictions.parquet")
    return rows.filter(pl.col("condition").str.starts_with("attack_"))


def test_candidates_without_an_answer_are_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result of an attack has an answer; a success is one that is wrong. A line counts the others."""
    result = _run(tmp_path / "run", monkeypatch, spares_clean=True)
    rows = _attacked(tmp_path / "run").filter(pl.col("success").is_not_null())
    assert not [failure for failure in result.failed if failure["condition"].startswith("attack_")]
    assert rows.filter("success").height
    assert (rows.get_column("success") == (rows.get_column("prediction") != rows.get_column("gold"))).all()
    assert re.search("xnli sw: [1-9][0-9]* .*NaN", (tmp_path / "run/log.txt").read_text())


def test_clean_text_without_an_answer_fails_the_attack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells fail with those of clean text: they have no success of the items that had an answer."""
    result = _run(tmp_path / "run", monkeypatch, spares_clean=False)
    rows = _attacked(tmp_path / "run")
    assert {"clean", *rows.get_column("condition")} <= {failure["condition"] for failure in result.failed}
    assert rows.select(pl.col("status", "success", "queries").unique().implode()).rows() == [
        (["failed"], [None], [None])
    ]
    (path,) = (tmp_path / "run" / "parts").glob("*attacked*")
    assert pl.read_parquet(path).height == 0
    assert not (tmp_path / "run" / "attacks.csv").exists()
    assert _run(tmp_path / "run", monkeypatch, spares_clean=False).failed == result.failed
