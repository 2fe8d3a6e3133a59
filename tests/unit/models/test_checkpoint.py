"""A run folder is checked file by file: what is missing is one line, and what computes is its identity."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tiny import tiny_run

from robust_xtreme.core import registry
from robust_xtreme.core.columns import Choices
from robust_xtreme.core.errors import ModelError, SpecError
from robust_xtreme.core.examples import Choice
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.models.folder import encoder_identity
from robust_xtreme.models.labels import relabel_of
from robust_xtreme.models.loading import load_checkpoint
from robust_xtreme.models.located import assign, locate, locate_all
from robust_xtreme.models.origin import GivenModels, given_models, parse_models
from robust_xtreme.models.predictors.members.encoder_head import in_task_order

XNLI, PANX, XQUAD, TYDIQA = (registry.load("task", name) for name in ("xnli", "panx", "xquad", "tydiqa"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two heads, made once."""
    return tiny_run(tmp_path_factory.mktemp("made") / "run", ["xnli", "tydiqa"])


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "run"))


def _given(*models: str) -> GivenModels:
    """Models as a run names them."""
    return given_models(RunSpec(models, data="x"))


def test_a_run_loads_in_evaluation_mode(run: Path) -> None:
    """Encoder, head, tokenizer and labels come from the folder alone."""
    checkpoint = load_checkpoint(run, XNLI)
    assert not checkpoint.encoder.training
    assert not checkpoint.head.training
    assert (checkpoint.labels, checkpoint.hidden_size) == (XNLI.labels, 16)
    assert relabel_of(locate(run, XNLI), XNLI) is None


def test_a_task_takes_a_head_that_it_accepts(run: Path) -> None:
    """xquad is answered by a head trained on tydiqa where it has none of its own."""
    assert locate(run, XQUAD).head == "tydiqa"


def test_a_missing_head_names_those_that_are_there(run: Path) -> None:
    """One line says which heads would do and which there are."""
    with pytest.raises(ModelError, match=r"panx.*tydiqa, xnli"):
        locate(run, PANX)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A path that does not exist leads to `train`."""
    with pytest.raises(ModelError, match="no model folder"):
        locate(tmp_path / "none", XNLI)


def test_a_bare_encoder_is_distinguished(run: Path) -> None:
    """A transformers folder is not a run: it has no heads."""
    with pytest.raises(ModelError, match="without task heads"):
        locate(run / "model", XNLI)


def test_a_folder_without_weights_is_refused(run: Path) -> None:
    """No safetensors, no model."""
    (run / "model" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="no weights"):
        locate(run, XNLI)


def test_a_damaged_head_is_one_line(run: Path) -> None:
    """A head file that is cut short is named."""
    path = run / "heads" / "xnli.safetensors"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ModelError, match=r"xnli\.safetensors"):
        load_checkpoint(run, XNLI)


@pytest.mark.parametrize("changed", ["model/model.safetensors", "model/tokenizer.json", "heads/xnli.safetensors"])
def test_the_identity_is_of_everything_that_computes(run: Path, changed: str) -> None:
    """One byte of weights, tokenizer or head makes another model."""
    before = locate(run, XNLI).identity
    path = run / changed
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    assert locate(run, XNLI).identity != before


def test_the_label_map_is_part_of_the_identity_and_is_put_right(run: Path) -> None:
    """Labels in another order are another model, and its choices are mapped to the task's order."""
    before = locate(run, XNLI).identity
    path = run / "heads" / "xnli.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "labels": ["contradiction", "entailment", "neutral"]}))
    assert locate(run, XNLI).identity != before
    relabel = relabel_of(locate(run, XNLI), XNLI)
    mapped = in_task_order(Choices(np.arange(3)), relabel)
    assert [mapped[index] for index in range(3)] == [Choice(2), Choice(0), Choice(1)]


def test_a_head_of_another_encoder_is_refused(run: Path, tmp_path: Path) -> None:
    """A head remembers its encoder: it is never put on top of another one."""
    path = run / "heads" / "xnli.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "encoder": encoder_identity(run / "model")}))
    locate(run, XNLI)
    other = tiny_run(tmp_path / "other", ["xnli"], seed=7)
    shutil.copytree(other / "model", run / "model", dirs_exist_ok=True)
    with pytest.raises(ModelError, match="the head xnli"):
        locate(run, XNLI)


def test_a_head_that_may_say_no_answer_serves_questions_that_have_one(run: Path) -> None:
    """A head for spans may have the label `no_answer`, which decoding gets; any other is of another task."""
    path = run / "heads" / "tydiqa.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**facts, "labels": ["no_answer"]}), encoding="utf-8")
    assert load_checkpoint(run, XQUAD).labels == ("no_answer",)
    path.write_text(json.dumps({**facts, "labels": ["yes"]}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"\(yes\)"):
        load_checkpoint(run, XQUAD)


def test_each_task_gets_its_run(run: Path, tmp_path: Path) -> None:
    """TASK=RUN goes before a plain RUN, and two plain runs with the same head are a question."""
    other = tiny_run(tmp_path / "other", ["xnli"], seed=1)
    assigned = assign(_given(str(run), f"xnli={other}"), [XNLI, XQUAD])
    assert {task: model.folder for task, model in assigned.items()} == {"xnli": other, "xquad": run}
    with pytest.raises(SpecError, match="Two models have"):
        assign(_given(str(run), str(other)), [XNLI])
    with pytest.raises(SpecError, match="Two models are"):
        parse_models([f"xnli={run}", f"xnli={other}"])
    with pytest.raises(SpecError, match="not evaluated"):
        locate_all(_given(f"xnli={run}"), [XQUAD])


def test_the_tasks_of_one_run_share_a_model(run: Path) -> None:
    """One run answering two tasks is one model in every frame."""
    located = locate_all(_given(str(run)), [XNLI, XQUAD, TYDIQA])
    assert len({model.name for model in located.values()}) == 1


def test_no_code_or_network_is_used_to_load(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading works with the network and torch's pickle reader switched off."""
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("the network was asked"))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("a pickle was read"))
    load_checkpoint(run, XNLI)
