"""A checkpoint that cannot answer is refused in one line: another head, lost weights, another tokenizer, its code."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.checkpoints import NLI, QUESTION, SEQUENCE, TAGS, TOKEN, change, checkpoint, rewrite

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.config import reading
from robust_xtreme.models.loading import load, load_checkpoint
from robust_xtreme.models.located import locate
from robust_xtreme.models.tokenizer import tokenizer_of

XNLI, PANX, XQUAD = (registry.load("task", name) for name in ("xnli", "panx", "xquad"))
CODE = """
from transformers import PretrainedConfig
import pathlib
pathlib.Path(__file__).with_name("ran").touch()
pathlib.Path({mark!r}).touch()
class OwnConfig(PretrainedConfig):
    model_type = "own_kind"
"""

OWN = """
from transformers import BertConfig, BertForSequenceClassification
class OwnConfig(BertConfig):
    model_type = "own_kind"
class OwnForSequenceClassification(BertForSequenceClassification):
    config_class = OwnConfig
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of three classes, made once."""
    return checkpoint(tmp_path_factory.mktemp("made") / "one", "bert", SEQUENCE, NLI)


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    """A copy, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "one"))


def _without(*endings: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda weights: {name: value for name, value in weights.items() if not name.endswith(endings)}


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"architectures": ["BertForMaskedLM"]}, r"\(BertForMaskedLM\)"),
        ({"architectures": ["BertModel"]}, "train --tasks xnli"),
        ({"architectures": ["BertForTokenClassification"]}, "BertForTokenClassification"),
        ({"architectures": None}, "no architecture"),
        ({"architectures": "BertForSequenceClassification"}, "no architecture"),
        ({"architectures": ["XLMRobertaForSequenceClassification"]}, "transformers does not load"),
        ({"id2label": {"0": "a", "2": "b", "1": 3}}, "classes 0 to 2"),
        ({"id2label": {"1": "a", "2": "b", "3": "c"}}, "classes 0 to 2"),
        ({"id2label": []}, "the head's classes"),
        ({"id2label": None, "label2id": None}, "2 classes"),
        ({"hidden_size": 32}, "another shape"),
        ({"num_hidden_layers": 3}, r"encoder\.layer\.2.* no weights"),
        ({"vocab_size": 4000}, "another model's"),
        ({"vocab_size": "many"}, 'vocab_size "many"'),
        ({"vocab_size": 20}, "only 20"),
        ({"model_type": "no_such_model"}, "cannot be loaded"),
    ],
)
def test_a_configuration_of_something_else_is_refused(copied: Path, values: dict[str, Any], line: str) -> None:
    """The line names what config.json says and what the task needs."""
    change(copied, values)
    with pytest.raises(ModelError, match=line) as caught:
        load_checkpoint(copied, XNLI)
    assert "\n" not in str(caught.value)


def test_an_encoder_that_is_too_short_for_the_task_is_refused(copied: Path) -> None:
    """Positions that do not exist would be read past the end of a table."""
    name = "bert.embeddings.position_embeddings.weight"
    rewrite(copied, lambda weights: {**weights, name: weights[name][:64].clone()})
    change(copied, {"max_position_embeddings": 64})
    with pytest.raises(ModelError, match="64 tokens, but xnli"):
        load_checkpoint(copied, XNLI)


@pytest.mark.parametrize("lost", ["classifier.weight", "classifier.bias", "pooler.dense.weight", "value.bias"])
def test_a_head_is_never_drawn_at_random(copied: Path, lost: str) -> None:
    """A file without the head's own weights, or the pooler that it reads, is refused by the name of one."""
    rewrite(copied, _without(lost))
    with pytest.raises(ModelError, match=f"{lost}.*no weights"):
        load_checkpoint(copied, XNLI)


def test_weights_that_are_not_numbers_are_refused(copied: Path) -> None:
    """NaN in one tensor is reported before anything is computed."""
    rewrite(copied, lambda weights: {**weights, "classifier.bias": torch.full((3,), float("nan"))})
    with pytest.raises(ModelError, match=r"classifier\.bias .* not finite"):
        load_checkpoint(copied, XNLI)


@pytest.mark.parametrize("kept", [0, 4, 200, -64])
def test_weights_cut_short_are_damaged(copied: Path, kept: int) -> None:
    """Wherever the file ends, it is named."""
    path = copied / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"model\.safetensors is damaged"):
        locate(copied, XNLI)


def test_pickled_weights_are_never_read(copied: Path) -> None:
    """Only safetensors are read."""
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin"):
        locate(copied, XNLI)


def test_an_adapter_is_no_model(copied: Path) -> None:
    """Safetensors of another name are not the model's."""
    (copied / "model.safetensors").rename(copied / "adapter_model.safetensors")
    with pytest.raises(ModelError, match=r"has no model\.safetensors"):
        locate(copied, XNLI)


def test_a_tokenizer_without_padding_is_refused(copied: Path) -> None:
    """Batches are padded with its own token, and none is made up."""
    change(copied, {"pad_token": None}, "tokenizer_config.json")
    if (copied / "special_tokens_map.json").is_file():
        change(copied, {"pad_token": None}, "special_tokens_map.json")
    with pytest.raises(ModelError, match="without a padding token"):
        tokenizer_of(locate(copied, XNLI))


def test_a_model_that_reads_the_end_of_long_texts_is_refused(copied: Path) -> None:
    """Texts are cut on the right, so that a model whose tokenizer cuts on the left would read other parts of them."""
    change(copied, {"truncation_side": "left"}, "tokenizer_config.json")
    with pytest.raises(ModelError, match='"right"'):
        tokenizer_of(locate(copied, XNLI))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_json_that_cannot_be_read_is_one_line(copied: Path, name: str) -> None:
    """Neither half a file nor endless brackets get further."""
    for text in ("{", "[" * 100_000):
        (copied / name).write_text(text)
        with pytest.raises(ModelError) as caught:
            tokenizer_of(locate(copied, XNLI))
        assert "\n" not in str(caught.value)


def _own_kind(folder: Path, mark: Path) -> None:
    change(folder, {"model_type": "own_kind", "auto_map": {"AutoConfig": "own.OwnConfig"}})
    (folder / "own.py").write_text(CODE.format(mark=str(mark)))


def test_code_of_a_checkpoint_runs_only_when_asked_for(copied: Path, tmp_path: Path) -> None:
    """Without the flag one line names it and nothing ran; with it the code is imported."""
    _own_kind(copied, tmp_path / "mark")
    with pytest.raises(ModelError, match="--trust-remote-code"):
        load_checkpoint(copied, XNLI)
    assert not (tmp_path / "mark").exists()


def test_code_of_a_tokenizer_does_not_run_by_itself(copied: Path, tmp_path: Path) -> None:
    """transformers takes its own tokenizer for a model that it knows, or (before version 5) the flag is asked for."""
    settings = {"tokenizer_class": "OwnTokenizer", "auto_map": {"AutoTokenizer": [None, "own.OwnTokenizer"]}}
    change(copied, settings, "tokenizer_config.json")
    (copied / "own.py").write_text(CODE.format(mark=str(tmp_path / "mark")))
    with suppress(ModelError):
        tokenizer_of(locate(copied, XNLI))
    assert not (tmp_path / "mark").exists()


def test_code_that_was_asked_for_is_the_model(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the flag an architecture that transformers does not know is loaded from the checkpoint's own code."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    auto = {"AutoConfig": "own.OwnConfig", "AutoModelForSequenceClassification": "own.OwnForSequenceClassification"}
    change(copied, {"model_type": "own_kind", "architectures": ["OwnForSequenceClassification"], "auto_map": auto})
    (copied / "own.py").write_text(OWN)
    checkpoint = load(locate(copied, XNLI, trust=True), XNLI, "cpu", "fp32")
    assert type(checkpoint.encoder.model).__name__ == "OwnForSequenceClassification"
    assert checkpoint.labels == ("contradiction", "entailment", "neutral")


def test_code_is_part_of_the_identity_where_it_runs(copied: Path) -> None:
    """With the flag other code is another model; without it the code computes nothing."""
    before = [locate(copied, XNLI, trust=trust).identity for trust in (True, False)]
    (copied / "own.py").write_text("x = 1")
    after = [locate(copied, XNLI, trust=trust).identity for trust in (True, False)]
    assert (before[0] != after[0], before[1] == after[1]) == (True, True)


@pytest.mark.parametrize("changed", ["model.safetensors", "tokenizer.json", "config.json"])
def test_the_identity_is_of_everything_that_computes(copied: Path, changed: str) -> None:
    """Weights, tokenizer, configuration: another one is another model; a note beside them or another place is not.

    A file with the size and the mtime of the earlier one, as `cp -p` gives it, is another one too.
    """
    before, facts = locate(copied, XNLI).identity, (copied / changed).stat()
    (copied / "README.md").write_text("trained long ago")
    assert locate(Path(shutil.copytree(copied, copied.parent / "copy")), XNLI).identity == before
    if changed == "config.json":
        change(copied, {"layer_norm_eps": 1e-3})
    else:
        content = bytearray((copied / changed).read_bytes())
        content[-1] ^= 1
        (copied / changed).write_bytes(bytes(content))
    os.utime(copied / changed, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert locate(copied, XNLI).identity != before


def test_heads_of_other_tasks_are_distinguished(tmp_path: Path) -> None:
    """A tagger answers no questions, and a reader of questions tags nothing."""
    tagger = checkpoint(tmp_path / "tagger", "bert", TOKEN, TAGS)
    reader = checkpoint(tmp_path / "reader", "bert", QUESTION)
    assert (locate(tagger, PANX).head, locate(reader, XQUAD).head) == (
        "BertForTokenClassification",
        "BertForQuestionAnswering",
    )
    with pytest.raises(ModelError, match="ForQuestionAnswering"):
        locate(tagger, XQUAD)
    with pytest.raises(ModelError, match="ForTokenClassification"):
        locate(reader, PANX)


def test_sharded_weights_are_read_whole(copied: Path) -> None:
    """Large checkpoints come in several files, which count once each."""
    from safetensors.torch import save_file

    whole, answers = locate(copied, XNLI).params, load_checkpoint(copied, XNLI)
    weights = load_file(str(copied / "model.safetensors"))
    names = sorted(weights)
    parts = {
        f"model-0000{1 + number}-of-00002.safetensors": {name: weights[name] for name in names[number::2]}
        for number in range(2)
    }
    for name, part in parts.items():
        save_file(part, str(copied / name), {"format": "pt"})
    index = {"metadata": {"total_size": 1}, "weight_map": {key: name for name, part in parts.items() for key in part}}
    (copied / "model.safetensors.index.json").write_text(json.dumps(index))
    (copied / "model.safetensors").unlink()
    assert locate(copied, XNLI).params == whole
    again = load_checkpoint(copied, XNLI)
    for key, value in answers.encoder.state_dict().items():
        torch.testing.assert_close(again.encoder.state_dict()[key], value)


def test_too_little_memory_is_no_fault_of_the_folder() -> None:
    """What libraries say of it becomes a MemoryError, which the program reports as one of the environment."""
    with pytest.raises(MemoryError, match="mmap"), reading("m"):
        raise RuntimeError("unable to mmap 5 bytes from file <m>: Cannot allocate memory (12)")
    with pytest.raises(ModelError, match="no such weight"), reading("m"):
        raise RuntimeError("no such weight")
