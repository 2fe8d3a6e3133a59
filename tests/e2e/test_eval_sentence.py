"""`eval` with a folder of sentence-transformers: prompts and dimensions, their cells, tables and notes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.release import release
from tests.sentence_folders import sentence_folder

from robust_xtreme import evaluate
from robust_xtreme.core.errors import SpecError, UserError
from robust_xtreme.report.evaluation import Evaluation

WORDS = ("river", "stone", "house", "people", "rain", "market", "boat", "bread")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tatoeba in German and Swahili."""
    folder = release(tmp_path_factory.mktemp("data"))
    for code in ("deu", "swh"):
        for side, mark in ((code, "e"), ("eng", "")):
            path = folder / "tatoeba" / "v1" / f"tatoeba.{code}-eng.{side}"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = (f"the {WORDS[n % 8]}{mark} of {WORDS[n * 3 % 7]}{mark} {n}\n" for n in range(30))
            path.write_text("".join(rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with prompts, whose card lists two languages."""
    folder = sentence_folder(tmp_path_factory.mktemp("model") / "tiny", dense=8, prompts={"query": "query: "})
    (folder / "README.md").write_text("---\nlanguage:\n- multilingual\n- en\n- de\n---\n", encoding="utf-8")
    return folder


def _run(model: Path, data: Path, out: Path, **more: Any) -> Evaluation:
    values: dict[str, Any] = {"tasks": "tatoeba", "perturb": "char_noise:0.3", "device": "cpu", **more}
    return evaluate(model=str(model), data=str(data), out=str(out), **values)


def _values(result: Evaluation, *more: str) -> pl.DataFrame:
    names = ("language", "condition", "metric", "scope", *more)
    return result.scores.select(*names, "value").sort(names)


def test_each_number_of_dimensions_is_a_cell(model: Path, data: Path, tmp_path: Path) -> None:
    """With all dimensions the scores are those without the option; a task counts once in averages over tasks."""
    whole = _run(model, data, tmp_path / "whole")
    cuts = _run(model, data, tmp_path / "cuts", dims=(8, 2), cache=False, tasks="tatoeba,xtreme")
    inferences = cuts.scores["inference"].unique().sort().to_list()
    named = "representation=modules:mean,dense:8:tanh,normalize index=exact vectors=float32"
    prompts = 'query_prompt="query: " document_prompt="query: "'
    assert inferences == [f"max_length=64/64 {named} {prompts} precision=fp32 dims={dims}" for dims in (2, 8)]
    full = cuts.scores.filter(pl.col("inference") == inferences[1])
    assert _values(cuts).height == 2 * _values(whole).height
    assert full.select("value").to_series().to_list() == whole.scores["value"].to_list()
    over = cuts.averages.filter(pl.col("task") == "")
    assert over["cells"].to_list() == ["tatoeba (de sw)"] * over.height
    page = (cuts.folder / "report.md").read_text(encoding="utf-8")
    for dims in (2, 8):
        assert f"### tatoeba, test, dims={dims}, retrieval_accuracy" in page
        assert f"| tatoeba dims={dims} |" in page
    assert "the model card of " in page
    assert f"{model} does not list sw" in cuts.manifest["notes"][-1]


def test_a_named_representation_wins_and_prompts_are_for_any_encoder(model: Path, data: Path, tmp_path: Path) -> None:
    """Empty prompts are none; without them a folder's encoder is the one that it contains."""
    named = {"representation": "mean:1", "perturb": (), "languages": "de"}
    plain, prompted = (
        _run(model, data, tmp_path / name, prompts=prompts, **named)
        for name, prompts in (("a", ()), ("b", {"query": "one: "}))
    )
    assert plain.scores["inference"][0].startswith("max_length=512/512 representation=mean:1(layer 1) index=exact")
    assert "prompt" not in plain.scores["inference"][0]
    assert 'query_prompt="one: "' in prompted.scores["inference"][0]
    assert plain.scores["value"].to_list() != prompted.scores["value"].to_list()
    off = _run(model, data, tmp_path / "c", prompts="query=,document=", perturb=(), languages="de")
    assert "prompt" not in off.scores["inference"][0]
    assert plain.predictions["tokens_clean"].to_list() == prompted.predictions["tokens_clean"].to_list()


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"dims": 9}, r"--dims keeps 9 dimensions, but the vectors of .*tiny have 8"),
        ({"dims": (8, 4), "perturb": "attack_keys:0.2@queries=20@fields=query"}, "an attack asks a model"),
    ],
)
def test_dims_that_mean_nothing_are_one_line(
    values: dict[str, Any], line: str, model: Path, data: Path, tmp_path: Path
) -> None:
    """More than the vectors have; several where a search asks for answers."""
    with pytest.raises((SpecError, UserError), match=line):
        _run(model, data, tmp_path / "out", **values)
