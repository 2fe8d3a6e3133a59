"""How a text becomes a vector: said before the first batch, in the report and in models.csv, as it is computed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.program import program
from tests.sentence_folders import sentence_folder

from robust_xtreme.core import registry
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.files import csv
from robust_xtreme.files.schema import MODELS
from robust_xtreme.models.config import fitted
from robust_xtreme.models.located import locate
from robust_xtreme.models.reading.members.retrieval import Prompts
from robust_xtreme.run.task_run import TaskRun
from robust_xtreme.run.vectors import TextVector, text_vectors

LAREQA, TATOEBA, XNLI = (registry.load("task", name) for name in ("lareqa", "tatoeba", "xnli"))


def _vector(folder: Path, task: TaskSpec, representation: str = "", dims: tuple[int, ...] = ()) -> TextVector:
    model = locate(folder, task)
    model = replace(model, sentence=None) if representation else model
    run = TaskRun(fitted(task, model.config), "sw", "test", "x", 1, 1, (), model, dims=dims)
    return text_vectors([run], representation)[model.name][task.name]


def test_a_folder_of_sentence_transformers_says_what_it_does(tmp_path: Path) -> None:
    """Its pooling, layers, prompts, numbers that are kept, and its own longest input."""
    folder = sentence_folder(tmp_path / "m", ("mean", "cls"), dense=8, prompts={"query": "query: ", "passage": "p: "})
    vector = _vector(folder, LAREQA, dims=(4,))
    assert vector.source == "layer 1 of 1, mean+cls,dense:8:tanh,normalize"
    assert (vector.length_1, vector.width, vector.kept) == (True, 8, (4,))
    assert (vector.prompts, vector.longest) == (Prompts("query: ", "p: "), (64, 64))
    assert _vector(folder, TATOEBA).prompts.candidate == "query: "  # both sides are translations
    assert 'query_prompt="query: " document_prompt="p: "' in str(vector)
    assert "the first 4 of 8 numbers" in str(vector)


@pytest.mark.parametrize(
    ("settings", "normalize", "dims", "has_length_1"),
    [
        ({}, False, (), True),
        ({"similarity_fn_name": "dot"}, False, (), False),
        ({"similarity_fn_name": "dot"}, True, (), True),
        ({"similarity_fn_name": "dot"}, True, (4,), False),
    ],
)
def test_vectors_have_length_1_where_they_are_scaled(
    tmp_path: Path, settings: dict[str, Any], normalize: bool, dims: tuple[int, ...], has_length_1: bool
) -> None:
    """For cosines always; for dot products by a last Normalize, which a cut undoes."""
    folder = sentence_folder(tmp_path / "m", settings=settings, normalize=normalize)
    vector = _vector(folder, TATOEBA, dims=dims)
    assert vector.length_1 is has_length_1
    assert ("dot products" in str(vector)) is not has_length_1


def test_a_representation_names_its_layer(tmp_path: Path) -> None:
    """The default is XTREME's layer, scaled to the encoder; a layer that is named is that one."""
    folder = sentence_folder(tmp_path / "m")
    (folder / "modules.json").unlink()
    layers = int(json.loads((folder / "config.json").read_text())["num_hidden_layers"])
    at = (2 * 14 * layers + 24) // 48
    assert _vector(folder, TATOEBA).source == f"layer {at} of {layers}, mean:14/24"
    last = _vector(folder, TATOEBA, "last:1/1")
    assert last.source == f"layer {layers} of {layers}, last:1/1"
    assert "no prompt" in str(last)


def test_tasks_without_vectors_say_nothing() -> None:
    """Classification compares none."""
    run: Any = TaskRun(XNLI, "sw", "test", "x", 1, 1, (), None)  # type: ignore[arg-type]  # its model is not asked
    assert text_vectors([run], "") == {}


def test_a_run_says_it_before_the_first_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the terminal before any task run is answered, in the report, and by task in models.csv."""
    folder = sentence_folder(tmp_path / "m", prompts={"query": "query: "})
    monkeypatch.chdir(tmp_path)
    words = ("--data", "mini", "--tasks", "tatoeba", "-l", "sw", "--limit", "20", "--no-cache", "--out", "run")
    ended = program("eval", "--model", str(folder), *words)
    assert ended.code in (0, None), ended.err
    lines = ended.err.splitlines()
    said = next(at for at, line in enumerate(lines) if line.startswith("vectors: tatoeba, m@"))
    assert said < next(at for at, line in enumerate(lines) if line.startswith("tatoeba sw: "))
    assert "layer 1 of 1, mean,normalize; length 1" in (tmp_path / "run" / "report.md").read_text("utf-8")
    models = csv.load(tmp_path / "run" / "models.csv", MODELS)
    vector = json.loads(models["vectors"][0])["tatoeba"]
    assert (vector["prompts"]["query"], vector["length_1"], vector["longest"]) == ("query: ", True, [64, 64])
    assert f"{vector['source']}; length 1; all {vector['width']} numbers" in lines[said]
