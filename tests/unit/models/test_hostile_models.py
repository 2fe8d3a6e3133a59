"""Encoders that cannot be written or read, and records of stages that nobody wrote: each is one line."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.checkpoints import NLI, SEQUENCE, change, checkpoint
from tests.tiny import tiny_encoder, tiny_encoder_folder, tiny_tokenizer

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DiskError, ModelError
from robust_xtreme.files import store
from robust_xtreme.files.journal import JOURNAL
from robust_xtreme.models.loading import load, read_encoder
from robust_xtreme.models.located import locate
from robust_xtreme.models.stages import hashes
from robust_xtreme.models.tokenizer import read_tokenizer
from robust_xtreme.training import stage
from robust_xtreme.training.chain import ChainStage, find_start
from robust_xtreme.training.loop import Options
from robust_xtreme.training.resume import write_model
from robust_xtreme.training.spec import StageSpec


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny random encoder."""
    return tiny_encoder_folder(tmp_path / "encoder")


class Unwritable:
    """A tokenizer whose file cannot be written, as the library says it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def save_pretrained(self, folder: str) -> None:
        """Write half of it."""
        (Path(folder) / "tokenizer.json").write_text("{")
        raise self.error


def test_a_full_disk_at_the_tokenizer_is_one_line(tmp_path: Path) -> None:
    """The library raises a plain Exception, which only its text distinguishes; nothing half-written stays."""
    encoder = tiny_encoder(len(tiny_tokenizer()))
    with pytest.raises(DiskError, match="--out DIR"):
        write_model(tmp_path / "model", encoder, Unwritable(Exception("No space left on device (os error 28)")))
    assert [path.name for path in tmp_path.iterdir()] == [JOURNAL]


@pytest.mark.parametrize("error", [RuntimeError("odd"), KeyboardInterrupt()])
def test_another_error_is_none_of_the_disk(error: BaseException, tmp_path: Path) -> None:
    """It passes as it is, and leaves nothing half-written either."""
    tokenizer: Any = Unwritable(error)
    with pytest.raises(type(error)):
        write_model(tmp_path / "model", tiny_encoder(len(tiny_tokenizer())), tokenizer)
    assert [path.name for path in tmp_path.iterdir()] == [JOURNAL]


# ------------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_numbers_are_reported_as_they_are_read(value: float, folder: Path) -> None:
    """The weights are named before anything is learned from them."""
    weights = load_file(folder / "model.safetensors")
    name = min(weights)
    weights[name] = torch.full_like(weights[name], value)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=f"{name} are not finite"):
        read_encoder(folder)


def test_a_malformed_tokenizer_is_named(folder: Path) -> None:
    """The library says a key alone: the file and the next step go with it."""
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"cannot be loaded: .*tokenizer"):
        read_tokenizer(folder)


@pytest.mark.parametrize("absent", ["<s>", "</s>"])
@pytest.mark.parametrize("both", [True, False])
def test_a_template_of_tokens_that_are_not_there_is_named(absent: str, both: bool, folder: Path) -> None:
    """The library panics at the first text, or at the first pair of texts, which is no Exception."""
    path = folder / "tokenizer.json"
    facts = json.loads(path.read_text("utf-8"))
    facts["post_processor"]["special_tokens"].pop(absent)
    if both:  # of pairs alone
        facts["post_processor"]["single"] = [
            part for part in facts["post_processor"]["single"] if part.get("SpecialToken", {}).get("id") != absent
        ]
    path.write_text(json.dumps(facts))
    with pytest.raises(ModelError, match=r"tokenizer\.json is malformed"):
        read_tokenizer(folder)


def test_a_length_that_is_no_number_is_named(folder: Path) -> None:
    """The library compares it with the first text only when that is read."""
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_max_length": "512"}))
    with pytest.raises(ModelError, match="malformed"):
        read_tokenizer(folder)


@pytest.mark.parametrize("kind", [{"a": 1}, ["xlm-roberta"], 3, None])
def test_a_type_of_model_that_is_no_text_is_refused(kind: Any, tmp_path: Path) -> None:
    """It is looked up in tables before the library reads it."""
    model = checkpoint(tmp_path / "model", "xlm_roberta", SEQUENCE, NLI)
    change(model, {"model_type": kind})
    task = registry.load("task", "xnli")
    with pytest.raises(ModelError) as refused:
        load(locate(model, task), task, "cpu", "fp32")
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"vocab_size": 1e15}, r"vocab_size 1000000000000000\.0"),
        ({"vocab_size": 10**15}, "vocab_size 1000000000000000,"),
        ({"num_attention_heads": 0}, "num_attention_heads 0"),
        ({"model_type": ["bert"]}, "malformed"),
    ],
)
def test_a_malformed_configuration_is_named(changed: dict[str, Any], message: str, folder: Path) -> None:
    """A size that no encoder has, or another type, is an error with the file and the next step."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    with pytest.raises(ModelError, match=message):
        read_encoder(folder)


# -------------------------------------------------------------------------------------------------------------- stages


@pytest.mark.parametrize(
    ("name", "content"),
    [("00-target.json", b"\xff\x00"), ("00-target.json", b'{"seed": 1e30}'), ("00-target.hashes", b"\xff\x00")],
)
def test_a_start_with_stages_that_cannot_be_read_is_refused(name: str, content: bytes, folder: Path) -> None:
    """They are read before anything is trained."""
    (folder / "stages").mkdir()
    (folder / "stages" / "00-target.json").write_text("{}")
    find_start(str(folder), tell=print)
    (folder / "stages" / name).write_bytes(content)
    with pytest.raises(ModelError, match=name.replace(".", r"\.")):
        find_start(str(folder), tell=print)


def test_a_complete_run_in_a_folder_that_is_not_writable_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lock is asked for; one of another identity, or with --force, needs it."""

    def unwritable(folder: Path) -> None:
        raise DiskError(f"{folder} cannot be written")

    monkeypatch.setattr(store, "lock", unwritable)
    link = ChainStage("target", StageSpec(), (), "mine", {}, tmp_path, 0)
    link.record.parent.mkdir()
    link.record.write_text("{}")
    (tmp_path / "train.json").write_text(json.dumps({"identity": "mine", "spec": {}, "files": hashes(tmp_path)}))
    chain: Any = SimpleNamespace(links=(link,), check_folder=lambda *_, **__: None)
    messages: list[str] = []
    stage._make(chain, link, None, Options(tell=messages.append))
    assert "is complete" in messages[0]
    with pytest.raises(DiskError):
        stage._make(chain, link, None, Options(tell=messages.append, force=True))
    (tmp_path / "train.json").write_text('{"identity": "another", "spec": {}}')
    with pytest.raises(DiskError):
        stage._make(chain, link, None, Options(tell=messages.append))
