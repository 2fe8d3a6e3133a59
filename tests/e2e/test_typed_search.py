"""Searches as people type them: which side is perturbed, and in which language the right answer is found."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from robust_xtreme import evaluate
from robust_xtreme.core import registry
from robust_xtreme.report.evaluation import Evaluation
from robust_xtreme.report.view import Results, View

SMALL: dict[str, Any] = {"data": "mini", "limit": 30, "workers": 0, "perturb": "char_noise:0.2"}


def answer_languages(run: Evaluation) -> pl.DataFrame:
    """The view of a run: right answers in another language."""
    view: View = registry.load("view", "answer_languages")
    return view.make(Results(run.scores, run.deltas, run.manifest))


def encode(texts: list[str]) -> Any:
    """Counts of two letters (n, 256), blind to what follows the first sentence."""
    heads = [text.partition(".")[0] for text in texts]
    grams = [[text[at : at + 2] for at in range(len(text))] for text in heads]
    return np.array([np.bincount([zlib.crc32(g.encode()) % 256 for g in each], minlength=256) for each in grams])


vars(encode).update(name="pairs", version="1")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Both directions of Tatoeba in one run."""
    out = tmp_path_factory.mktemp("both") / "run"
    tasks = ("tatoeba", "tatoeba@to=en")
    return evaluate(encode=encode, tasks=tasks, languages="de", out=out, cache=False, **SMALL)


def test_each_direction_is_a_cell_of_its_own(both: Evaluation) -> None:
    """The noise of both is on the text of the language: there it is searched, here it is typed."""
    cells = both.deltas.filter(pl.col("metric") == "retrieval_accuracy").sort("task")
    assert cells.select("task", "language").rows() == [("tatoeba", "de"), ("tatoeba@to=en", "de")]
    assert both.manifest["tasks"]["tatoeba@to=en"]["perturbed"] == [["query"]]
    assert both.manifest["tasks"]["tatoeba@to=en"]["groups"] == {}
    assert (cells["grapheme_edit_rate"] > 0).all()
    clusters = both.predictions.group_by("task").agg(pl.col("cluster").unique().sort()).sort("task")
    assert clusters["cluster"][0].to_list() == clusters["cluster"][1].to_list()


def test_tatoeba_stays_as_it_is_beside_its_other_direction(both: Evaluation, tmp_path: Path) -> None:
    """Every number of its cells, and the data that they are of, are those of a run without it."""
    alone = evaluate(encode=encode, tasks="tatoeba", languages="de", out=tmp_path / "alone", cache=False, **SMALL)
    columns = (
        "data",
        "condition",
        "metric",
        "scope",
        "value",
        "low",
        "high",
        "chance",
        "shallow",
        "grapheme_edit_rate",
    )
    assert both.scores.filter(task="tatoeba").select(columns).equals(alone.scores.select(columns))
    assert both.predictions.filter(task="tatoeba").equals(alone.predictions)


def test_a_model_of_one_direction_does_not_answer_the_other(tmp_path: Path) -> None:
    """A name of either task is that task's alone."""
    run = evaluate(
        model={"tatoeba": "mini", "tatoeba@to=en": "mini"}, languages="de", out=tmp_path / "run", cache=False, **SMALL
    )
    assert set(run.scores["task"]) == {"tatoeba", "tatoeba@to=en"}


def test_the_share_in_another_language_is_that_of_the_right_answers(tmp_path: Path) -> None:
    """Counted again from the predictions: of nearest candidates that are right those of other languages, by noise."""
    run = evaluate(encode=encode, tasks="lareqa", languages="de,es", out=tmp_path / "run", cache=False, **SMALL)
    shown = answer_languages(run)
    assert shown["language"].to_list() == ["de", "de", "es", "es"]
    assert shown["noise"].to_list() == ["clean", "char_noise:0.2"] * 2
    expected: dict[tuple[str, str], list[bool]] = {}
    for row in run.predictions.iter_rows(named=True):
        nearest = json.loads(row["prediction"])[0]
        if nearest in json.loads(row["gold"]):
            kind = "clean" if row["condition"] == "clean" else "char_noise:0.2"
            expected.setdefault((row["language"], kind), []).append(nearest.split("/")[2] != row["language"])
    assert any(any(among) and not all(among) for among in expected.values())
    for row in shown.iter_rows(named=True):
        among = expected[row["language"], row["noise"]]
        assert row["elsewhere"] == pytest.approx(100 * sum(among) / len(among))
    clean, noisy = (shown.filter(noise=name)["elsewhere"] for name in ("clean", "char_noise:0.2"))
    assert shown["elsewhere_change"].drop_nulls().to_list() == pytest.approx((noisy - clean).to_list())


def test_where_nothing_is_right_there_is_no_share(tmp_path: Path) -> None:
    """A model that finds nothing has no figure, instead of 100 % in another language."""
    run = evaluate(
        encode=lambda texts: [[1.0, len(text) % 2] for text in texts],
        tasks="lareqa", languages="de", out=tmp_path / "run", **{**SMALL, "limit": 12},
    )  # fmt: skip
    shown = answer_languages(run)
    nothing = shown.filter(pl.col("right") == 0)
    assert nothing.height
    assert nothing.select("elsewhere", "elsewhere_low", "elsewhere_change").null_count().row(0) == (nothing.height,) * 3


def test_other_tasks_have_no_such_table(both: Evaluation) -> None:
    """Their pools are not parallel."""
    assert answer_languages(both).is_empty()
