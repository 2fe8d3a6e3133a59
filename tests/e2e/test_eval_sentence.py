"""`eval` with a folder of sentence-transformers: its modules, prompts and dimensions, their cells, tables and notes.

An encoder that does not say how a text becomes a vector is refused.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.program import program
from tests.release import release
from tests.sentence_folders import sentence_folder
from tests.tiny import tiny_encoder_folder, tiny_run
from transformers import AutoModel, AutoTokenizer

from robust_xtreme import evaluate
from robust_xtreme.core.errors import ModelError, SpecError, UserError
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
    assert "model card" in page
    assert "not list sw" in " ".join(cuts.manifest["notes"])


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
        ({"dims": 9}, "dims keeps 9"),
        ({"dims": (8, 4), "perturb": "attack_keys:0.2@queries=20@fields=query"}, "an attack"),
    ],
)
def test_dims_that_mean_nothing_are_one_line(
    values: dict[str, Any], line: str, model: Path, data: Path, tmp_path: Path
) -> None:
    """More than the vectors have; several where a search asks for answers."""
    with pytest.raises((SpecError, UserError), match=line):
        _run(model, data, tmp_path / "out", **values)


DATA = ("--tasks", "tatoeba", "-l", "de", "--no-cache", "-q")


def _changed(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), encoding="utf-8")


def _accuracy(model: Path, data: Path, out: Path, **more: Any) -> float:
    result = _run(model, data, out, languages="de", perturb=(), cache=False, **more)
    return float(result.scores.filter(metric="retrieval_accuracy")["value"].item())


def _means(folder: Path, data: Path) -> list[torch.Tensor]:
    """The mean of the last layer (30, 16) of the queries and of the candidates, as transformers computes it."""
    tokenizer, encoder = (auto.from_pretrained(str(folder)) for auto in (AutoTokenizer, AutoModel))
    files = [data / "tatoeba" / "v1" / f"tatoeba.deu-eng.{side}" for side in ("eng", "deu")]
    with torch.no_grad():
        return [
            torch.cat([encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state.mean(1) for text in texts])
            for texts in (file.read_text("utf-8").splitlines() for file in files)
        ]


@pytest.mark.parametrize(("dims", "normalize"), [(0, False), (3, True), (3, False)])
def test_vectors_are_compared_as_the_folder_says(dims: int, normalize: bool, data: Path, tmp_path: Path) -> None:
    """A dot product stays one after cutting, by `truncate_dim` or `dims`; for cosines a cut is normalised again."""
    folder = sentence_folder(tmp_path / "model", dense=8, normalize=normalize)
    means, unit = _means(folder, data), torch.nn.functional.normalize
    weight = 10 * load_file(str(folder / "2_Dense" / "model.safetensors"))["linear.weight"]
    bias = -weight @ torch.cat(means).mean(0)  # so that no two texts are alike
    save_file({"linear.weight": weight, "linear.bias": bias}, str(folder / "2_Dense" / "model.safetensors"))
    levels = {}
    for similarity in ("dot", "cosine"):
        sides = [torch.tanh(each @ weight.T + bias) for each in means]
        sides = [(unit(each) if normalize else each)[:, : dims or None] for each in sides]
        one, other = [unit(each) for each in sides] if similarity == "cosine" else sides
        right = (one @ other.T).argmax(1) == torch.arange(len(one))
        levels[similarity] = 100 * float(right.sum()) / len(right)
        _changed(folder / "config_sentence_transformers.json", similarity_fn_name=similarity, truncate_dim=dims or None)
        assert _accuracy(folder, data, tmp_path / similarity) == pytest.approx(levels[similarity])
    _changed(folder / "config_sentence_transformers.json", similarity_fn_name="dot", truncate_dim=None)
    assert _accuracy(folder, data, tmp_path / "named", dims=dims or 8) == pytest.approx(levels["dot"])
    assert levels["dot"] != levels["cosine"]


def _moved(*paths: str, types: str = "", config: str = "") -> Callable[[Path], None]:
    """Put the modules of a folder into folders of these names; `config` is the content of a config.json beside them."""

    def move(folder: Path) -> None:
        listed = json.loads((folder / "modules.json").read_text("utf-8"))
        for entry, path in zip(listed, paths, strict=True):
            of_module = folder / entry["path"]
            if entry["path"] == path:
                continue
            (folder / path).mkdir(parents=True, exist_ok=True)
            if entry["path"]:
                shutil.copytree(of_module, folder / path, dirs_exist_ok=True)
                shutil.rmtree(of_module)
            elif path:
                aside = ("modules.json", "config_sentence_transformers.json")
                for file in [each for each in of_module.iterdir() if each.is_file() and each.name not in aside]:
                    file.rename(folder / path / file.name)
            entry["path"] = path
        for entry in listed:
            entry["type"] = f"sentence_transformers.{types or 'models'}.{entry['type'].rpartition('.')[2]}"
        (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
        if config:
            (folder / "config.json").write_text(config, encoding="utf-8")

    return move


@pytest.mark.parametrize(
    "change",
    [
        _moved("0_Transformer", "1_Pooling", "2_Dense", config='{"__version__": "0.3.8"}'),
        _moved("model", "pooling", "a/b.c", types="sentence_transformer.modules.anything"),
        _moved("", "pooling", "projection", types="base.modules.dense"),
        lambda folder: _changed(folder / "config.json", architectures=["XLMRobertaForSequenceClassification"]),
        lambda folder: (folder / "sentence_bert_config.json").rename(folder / "sentence_roberta_config.json"),
    ],
)
def test_modules_decide_wherever_they_are(change: Callable[[Path], object], data: Path, tmp_path: Path) -> None:
    """Also where the encoder is in a folder of its own, and where config.json names a head that has no part in it."""
    folder = sentence_folder(tmp_path / "a" / "m", dense=8, normalize=False, settings={"similarity_fn_name": "dot"})
    _changed(folder / "sentence_bert_config.json", max_seq_length=9)
    plain = _run(folder, data, tmp_path / "plain", languages="de", perturb=())
    change(folder)
    moved = _run(folder, data, tmp_path / "moved", languages="de", perturb=())
    assert moved.scores["value"].to_list() == plain.scores["value"].to_list()
    assert moved.scores["inference"].to_list() == plain.scores["inference"].to_list()
    assert "representation=modules:mean,dense:8:tanh,dot" in moved.scores["inference"][0]
    assert "max_length=9/9" in moved.scores["inference"][0]


@pytest.mark.parametrize(
    ("kind", "path", "said"),
    [
        ("sentence_transformers.models.StaticEmbedding", "", "StaticEmbedding"),
        ("sentence_transformers.models.Transformer", "../elsewhere", "elsewhere"),
        ("sentence_transformers.models.Transformer", "/etc", "/etc"),
        ("sentence_transformers.models.Transformer", "0_Transformer", "0_Transformer"),
    ],
)
def test_modules_that_are_not_read_are_named(kind: str, path: str, said: str, data: Path, tmp_path: Path) -> None:
    """In one line, whether or not the folder has a config.json of its own."""
    folder = sentence_folder(tmp_path / "model")
    shutil.copytree(folder, tmp_path / "elsewhere")
    listed = json.loads((folder / "modules.json").read_text("utf-8"))
    listed[0] |= {"type": kind, "path": path}
    (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
    with pytest.raises(ModelError, match=said):
        _run(folder, data, tmp_path / "out")
    if path != "0_Transformer":
        (folder / "config.json").unlink()
        with pytest.raises(ModelError, match=said):
            _run(folder, data, tmp_path / "out")


@pytest.mark.parametrize("architectures", [["XLMRobertaModel"], ["XLMRobertaForSequenceClassification"], None])
def test_an_encoder_that_does_not_say_how_a_text_becomes_a_vector_is_refused(
    architectures: list[str] | None, data: Path, tmp_path: Path
) -> None:
    """In one line with the settings, also where config.json names a head of another kind."""
    folder = tiny_encoder_folder(tmp_path / "model")
    _changed(folder / "config.json", architectures=architectures)
    ended = program("eval", "--model", str(folder), "--data", str(data), *DATA, "-o", str(tmp_path / "out"))
    assert (ended.code, ended.err.strip().count("\n")) == (2, 0)
    assert 'representation = "mean:1/1"' in ended.err


def test_the_settings_of_the_refusal_say_it(data: Path, tmp_path: Path) -> None:
    """Each way that the line names is a setting."""
    folder = tiny_encoder_folder(tmp_path / "model")
    _changed(folder / "config.json", architectures=["XLMRobertaModel"])
    with pytest.raises(ModelError, match="representation") as refused:
        _run(folder, data, tmp_path / "out")
    ways = re.findall(r"[a-z]+:\d+/\d+", str(refused.value))
    assert {"mean:1/1", "mean:14/24"} <= {*ways}
    for way in ways:
        result = _run(folder, data, tmp_path / way.replace("/", "of"), representation=way, perturb=(), languages="de")
        assert f"representation={way}(layer 1)" in result.scores["inference"][0]


def test_masked_language_models_and_runs_are_read_as_xtreme_reads_xlmr(data: Path, tmp_path: Path) -> None:
    """Without a setting: a folder whose architecture says so, a run of `train`, and the encoder in it."""
    masked = tiny_encoder_folder(tmp_path / "masked")
    run = tiny_run(tmp_path / "run", ("xnli",))
    _changed(run / "model" / "config.json", architectures=["XLMRobertaModel"])
    for number, model in enumerate((masked, run, run / "model")):
        result = _run(model, data, tmp_path / f"out{number}", perturb=(), languages="de")
        assert "representation=mean:14/24(layer 1)" in result.scores["inference"][0]
