"""What a checkpoint's files may be: weights that its configuration describes, in its own folder, with its tokenizer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.checkpoints import NLI, QUESTION, SEQUENCE, change, checkpoint, rewrite
from tests.tiny import tiny_run

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.loading import load_checkpoint, read_encoder
from robust_xtreme.models.located import locate
from robust_xtreme.models.tokenizer import tokenizer_of

XNLI, XQUAD = (registry.load("task", name) for name in ("xnli", "xquad"))
INDEX = "model.safetensors.index.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT and an XLM-R of three classes, made once."""
    folder = tmp_path_factory.mktemp("made")
    checkpoint(folder / "bert", "bert", SEQUENCE, NLI)
    checkpoint(folder / "xlmr", "xlm_roberta", SEQUENCE, NLI)
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    """A copy of the BERT, to be damaged."""
    return Path(shutil.copytree(made / "bert", tmp_path / "here" / "one"))


@pytest.fixture
def other(made: Path, tmp_path: Path) -> Path:
    """A copy of the XLM-R, to be damaged."""
    return Path(shutil.copytree(made / "xlmr", tmp_path / "here" / "other"))


def indexed(folder: Path, name: str) -> None:
    """Give the folder an index that names one file, and move the weights there."""
    weights = load_file(str(folder / "model.safetensors"))
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": dict.fromkeys(weights, name)}))
    if name.endswith(".safetensors"):
        (folder / "model.safetensors").rename(folder / name)
        return
    torch.save(weights, folder / name)
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "../out.safetensors", "model.safetensors.bin", "weights"])
def test_an_index_names_only_safetensors_of_its_folder(
    copied: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither pickles nor files elsewhere are read by way of an index, by either reader of weights."""
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("a pickle was read"))
    indexed(copied, name)
    with pytest.raises(ModelError, match=f"{INDEX} names '{name}'"):
        locate(copied, XNLI)
    with pytest.raises(ModelError, match="read only from"):
        read_encoder(copied)


@pytest.mark.parametrize(
    "content", ["[]", "{", "{}", '{"weight_map": 3}', '{"weight_map": {}}', '{"weight_map": {"a": 3}}']
)
def test_an_index_of_another_kind_is_one_line(copied: Path, content: str) -> None:
    """An index that transformers could not read is reported before it tries."""
    (copied / "model.safetensors").unlink()
    (copied / INDEX).write_text(content)
    with pytest.raises(ModelError, match=rf"{INDEX} names ") as caught:
        locate(copied, XNLI)
    assert "\n" not in str(caught.value)


def test_an_index_names_files_that_are_there(copied: Path) -> None:
    """A part that was not fetched is named."""
    indexed(copied, "model-00001-of-00001.safetensors")
    (copied / "model-00001-of-00001.safetensors").unlink()
    with pytest.raises(ModelError, match="which is missing"):
        locate(copied, XNLI)


def test_weights_of_any_name_count_into_the_identity(copied: Path) -> None:
    """So no prediction of other weights is taken from the cache: another file of the same name is another model."""
    params = locate(copied, XNLI).params
    indexed(copied, "mine.safetensors")
    before = locate(copied, XNLI)
    assert before.params == params
    content = bytearray((copied / "mine.safetensors").read_bytes())
    content[-1] ^= 1
    (copied / "mine.safetensors").write_bytes(bytes(content))
    assert locate(copied, XNLI).identity != before.identity


def test_a_run_with_an_index_of_pickles_is_refused(tmp_path: Path) -> None:
    """The encoder of a run of `train` is read as carefully."""
    run = tiny_run(tmp_path / "run", ["xnli"])
    indexed(run / "model", "pytorch_model.bin")
    shutil.copy(run / "heads" / "xnli.safetensors", run / "model" / "other.safetensors")
    with pytest.raises(ModelError, match="read only from"):
        locate(run, XNLI)


def test_layers_that_the_configuration_leaves_out_are_refused(copied: Path, other: Path) -> None:
    """A model of half its layers is another model, by head or as an encoder."""
    change(copied, {"num_hidden_layers": 1})
    with pytest.raises(ModelError, match=r"encoder\.layer\.1\..* in the weights"):
        load_checkpoint(copied, XNLI)
    with pytest.raises(ModelError, match=r"encoder\.layer\.1\..* in the weights"):
        read_encoder(copied)
    rewrite(other, lambda weights: {**weights, "crf.transitions": torch.zeros(3, 3)})
    with pytest.raises(ModelError, match=r"crf\.transitions"):
        load_checkpoint(other, XNLI)


@pytest.mark.parametrize("number", [0, -1])
def test_an_encoder_has_layers(copied: Path, tmp_path: Path, number: int) -> None:
    """Of a checkpoint and of a run."""
    change(copied, {"num_hidden_layers": number})
    run = tiny_run(tmp_path / "run", ["xnli"])
    change(run / "model", {"num_hidden_layers": number})
    for folder in (copied, run):
        with pytest.raises(ModelError, match=f"num_hidden_layers {number}"):
            locate(folder, XNLI)


@pytest.mark.parametrize(
    "names",
    [
        ("lm_head.bias", "lm_head.dense.weight", "roberta.pooler.dense.weight", "roberta.pooler.dense.bias"),
        ("cls.predictions.bias", "cls.seq_relationship.weight", "roberta.embeddings.position_ids"),
        ("lm_predictions.lm_head.bias", "mask_predictions.dense.weight", "loss_fct.weight"),
    ],
)
def test_what_no_head_reads_may_be_in_the_weights(other: Path, names: tuple[str, ...]) -> None:
    """Poolers, heads of pretraining and buffers, which many public checkpoints contain."""
    rewrite(other, lambda weights: {**weights, **{name: torch.zeros(3) for name in names}})
    load_checkpoint(other, XNLI)


def test_an_encoder_is_read_out_of_a_checkpoint_with_a_head(copied: Path) -> None:
    """What is trained on gets another head: the old one is not a layer left over."""
    read_encoder(copied)


def test_a_configuration_names_no_weights_of_its_own(copied: Path) -> None:
    """transformers would read another file than the one that was hashed."""
    change(copied, {"transformers_weights": "elsewhere.safetensors"})
    with pytest.raises(ModelError, match=r"elsewhere\.safetensors"):
        locate(copied, XNLI)


def test_an_adapter_beside_the_weights_is_refused(copied: Path) -> None:
    """It would not be applied."""
    (copied / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    with pytest.raises(ModelError, match="an adapter"):
        locate(copied, XNLI)


def test_padding_of_another_model_is_refused(other: Path) -> None:
    """XLM-R counts positions from its padding."""
    tokenizer_of(locate(other, XNLI))
    change(other, {"pad_token_id": 0})
    with pytest.raises(ModelError, match="padding token is 1"):
        tokenizer_of(locate(other, XNLI))
    change(other, {"pad_token_id": None})
    tokenizer_of(locate(other, XNLI))


@pytest.mark.parametrize(("more", "refused"), [(64, True), (0, False)])
def test_ends_of_another_model_are_refused(copied: Path, more: int, refused: bool) -> None:
    """Other ids around a text, with a size other than that of the embeddings, mean another tokenizer.

    Many configurations of BERT name ids that its tokenizer does not have there, and are right otherwise.
    """
    name = "bert.embeddings.word_embeddings.weight"
    size = len(load_file(str(copied / "model.safetensors"))[name])
    rewrite(copied, lambda weights: {**weights, name: torch.cat((weights[name], weights[name][:more]))})
    change(copied, {"vocab_size": size + more, "bos_token_id": 0, "eos_token_id": 2})
    if refused:
        with pytest.raises(ModelError, match="first token is 2"):
            load_checkpoint(copied, XNLI)
    else:
        load_checkpoint(copied, XNLI)


@pytest.mark.parametrize("kept", [("tokenizer_config.json",), ()])
def test_a_tokenizer_without_files_is_named(copied: Path, kept: tuple[str, ...]) -> None:
    """Which file is missing, and what to do."""
    for name in {"tokenizer.json", "tokenizer_config.json"} - {*kept}:
        (copied / name).unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json.* missing"):
        tokenizer_of(locate(copied, XNLI))


@pytest.mark.parametrize(("name", "content"), [("tokenizer.json", '{"a":'), ("tokenizer_config.json", "[1]")])
def test_a_damaged_file_of_a_tokenizer_is_named(copied: Path, name: str, content: str) -> None:
    """The error names the file, not only a line and column."""
    (copied / name).write_text(content)
    with pytest.raises(ModelError, match=f"{name} is damaged"):
        tokenizer_of(locate(copied, XNLI))


def test_an_architecture_of_its_own_names_the_flag(copied: Path) -> None:
    """Also where transformers knows the kind of the configuration."""
    values: dict[str, Any] = {"AutoModelForSequenceClassification": "own.OwnForSequenceClassification"}
    change(copied, {"architectures": ["OwnForSequenceClassification"], "auto_map": values})
    (copied / "own.py").write_text("raise SystemExit(1)")
    with pytest.raises(ModelError, match="--trust-remote-code"):
        locate(copied, XNLI)


def test_a_reader_of_questions_scores_two_ends(tmp_path: Path) -> None:
    """A head of three scores is recognised by its configuration."""
    folder = checkpoint(tmp_path / "reader", "bert", QUESTION)
    locate(folder, XQUAD)
    change(folder, {"num_labels": 3})
    with pytest.raises(ModelError, match="3 scores"):
        locate(folder, XQUAD)
    change(folder, {"num_labels": None, "id2label": {"0": "a", "1": "b", "2": "c"}})
    with pytest.raises(ModelError, match="3 scores"):
        locate(folder, XQUAD)
