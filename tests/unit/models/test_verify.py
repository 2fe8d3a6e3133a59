"""The files of a run are compared with their hashes, and weights and sizes are checked, before anything is computed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.checkpoints import NLI, SEQUENCE, change, checkpoint
from tests.tiny import hashed, tiny_run

from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import ModelError
from robust_xtreme.files.journal import JOURNAL
from robust_xtreme.models.folder import encoder_identity
from robust_xtreme.models.loading import load_checkpoint
from robust_xtreme.models.located import locate, notes_of
from robust_xtreme.models.stages import check_hashes
from robust_xtreme.training.chain import find_start

XNLI = registry.load("task", "xnli")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run, and a checkpoint of BERT's shape, made once."""
    folder = tmp_path_factory.mktemp("made")
    hashed(tiny_run(folder / "run", ["xnli", "panx"]))
    checkpoint(folder / "bert", "bert", SEQUENCE, NLI)
    return folder


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be damaged."""
    return Path(shutil.copytree(made / "run", tmp_path / "run"))


@pytest.fixture
def unhashed(run: Path) -> Path:
    """A copy of the run without its hashes, to be damaged."""
    (run / "train.json").unlink()
    return run


@pytest.fixture
def bert(made: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint, to be damaged."""
    return Path(shutil.copytree(made / "bert", tmp_path / "bert"))


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _redrawn(path: Path) -> None:
    save_file({name: torch.randn_like(weights) for name, weights in load_file(str(path)).items()}, str(path))


def _reversed(path: Path) -> None:
    facts = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**facts, "labels": facts["labels"][::-1]}), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("heads/xnli.safetensors", _flipped),
        ("heads/xnli.safetensors", _redrawn),
        ("heads/xnli.json", _reversed),
        ("heads/panx.safetensors", _flipped),
        ("model/model.safetensors", _cut),
        ("model/model.safetensors", _flipped),
        ("model/tokenizer.json", _flipped),
        ("model/tokenizer_config.json", _flipped),
        ("model/config.json", _flipped),
    ],
)
def test_a_damaged_file_of_a_run_is_named(name: str, damage: Callable[[Path], None], run: Path) -> None:
    """Weights, labels, tokenizer and configuration, in evaluation and as the start of training."""
    locate(run, XNLI)
    damage(run / name)
    with pytest.raises(ModelError, match=f"run: {name} is damaged"):
        locate(run, XNLI)
    with pytest.raises(ModelError, match=f"run: {name} is damaged"):
        find_start(str(run), tell=print)


def test_the_encoder_of_a_run_is_compared_as_the_run_is(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--model RUN/model` and `--from RUN/model` find a damaged weight, by any spelling; other folders are not runs."""
    task = registry.load("task", "tatoeba")
    (run / "heads" / "xnli.json").unlink()  # a head is not a part of the encoder
    locate(run / "model", task)
    shutil.copytree(run / "model", run.parent / "copy" / "model")
    (run.parent / "copy" / "train.json").write_text("not ours")
    _flipped(run / "model" / "model.safetensors")
    _flipped(run.parent / "copy" / "model" / "model.safetensors")
    locate(run.parent / "copy" / "model", task)
    monkeypatch.chdir(run / "model")
    for path in (run / "model", Path()):
        with pytest.raises(ModelError, match=r"model/model\.safetensors is damaged"):
            locate(path, task)
    with pytest.raises(ModelError, match=r"model/model\.safetensors is damaged"):
        find_start(str(run / "model"), tell=print)


@pytest.mark.parametrize("name", ["model/model.safetensors", "model/config.json", "train.json"])
def test_of_the_embedded_model_the_cure_is_to_reinstall(name: str, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user has not trained it, and cannot copy it again."""
    monkeypatch.setattr(resources, "is_mini", lambda path: path == run)
    (run / name).write_bytes((run / name).read_bytes()[:50])
    with pytest.raises(ModelError, match="reinstall"):
        locate(run, XNLI)


def test_missing_and_added_files_of_a_run_are_named(run: Path) -> None:
    """A file that would be read counts; other files and hidden ones do not."""
    for name in ("model/README.md", "model/.DS_Store", "notes.json"):
        (run / name).write_text("{}")
    check_hashes(run)
    (run / "model" / "added_tokens.json").write_text("{}")
    with pytest.raises(ModelError, match=r"model/added_tokens\.json"):
        locate(run, XNLI)
    (run / "heads" / "panx.json").unlink()
    with pytest.raises(ModelError, match=r"heads/panx\.json is missing"):
        locate(run, XNLI)


def test_files_of_the_user_in_a_run_change_nothing(run: Path) -> None:
    """They are not read: the run stays the same model, for `eval` and for `train --from`, and is not refused."""
    before = locate(run, XNLI).identity, encoder_identity(run / "model"), find_start(str(run), tell=print)
    names = ("README.md", "notes.txt", "draft.pdf")
    for path in [run / folder / name for folder in ("model", "heads", "stages") for name in names]:
        path.write_text("mine", encoding="utf-8")
    (run / "model" / "notes.json").write_text("mine", encoding="utf-8")
    assert (locate(run, XNLI).identity, encoder_identity(run / "model"), find_start(str(run), tell=print)) == before
    (run / "heads" / "mine.safetensors").write_text("mine", encoding="utf-8")
    with pytest.raises(ModelError, match=r"heads/mine\.safetensors"):
        locate(run, XNLI)


@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '{"spec": {}}', '{"files": 3}', '{"files": {"model/config.json": 3}}']
)
def test_a_damaged_list_of_hashes_is_named(content: str, run: Path) -> None:
    """The file and the remedy are in one line."""
    (run / "train.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"train\.json is damaged") as caught:
        locate(run, XNLI)
    assert "\n" not in str(caught.value)


def test_a_run_that_is_not_complete_is_refused(run: Path) -> None:
    """Its claim contains no hashes yet."""
    (run / "train.json").write_text('{"files": {}}', encoding="utf-8")
    with pytest.raises(ModelError, match="not complete"):
        locate(run, XNLI)


def test_a_run_without_hashes_is_read_with_a_note(run: Path) -> None:
    """As one of which the model and the heads alone were copied."""
    assert notes_of(locate(run, XNLI)) == ()
    (run / "train.json").unlink()
    (note,) = notes_of(locate(run, XNLI))
    assert "not verified" in note


def test_a_run_whose_list_of_hashes_was_removed_is_refused(run: Path) -> None:
    """Its journal shows that this version trained it, and this version always writes the hashes."""
    (run / JOURNAL).touch()
    assert notes_of(locate(run, XNLI)) == ()
    (run / "train.json").unlink()
    with pytest.raises(ModelError, match=r"train\.json is missing"):
        locate(run, XNLI)


def test_cut_weights_of_a_run_without_hashes_are_named(unhashed: Path) -> None:
    """Not the head, whose encoder they are."""
    _cut(unhashed / "model" / "model.safetensors")
    with pytest.raises(ModelError, match=r"model/model\.safetensors is damaged"):
        locate(unhashed, XNLI)


# --------------------------------------------------------------------------------------------------- types of numbers


def _as(path: Path, dtype: torch.dtype) -> None:
    weights = load_file(str(path))
    save_file({name: part.to(dtype) for name, part in weights.items()}, str(path), {"format": "pt"})


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.bool, torch.float8_e4m3fn])
def test_integers_and_floats_of_8_bits_are_refused(dtype: torch.dtype, bert: Path, unhashed: Path) -> None:
    """In a checkpoint, and in head and encoder of a run; the line names the weight."""
    line = r"safetensors: \S+ has the type \w+"
    for folder, name in ((bert, "model"), (unhashed, "heads/xnli"), (unhashed, "model/model")):
        _as(folder / f"{name}.safetensors", dtype)
        with pytest.raises(ModelError, match=line):
            locate(folder, XNLI)
    with pytest.raises(ModelError, match=line):
        find_start(str(bert), tell=print)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_floats_of_16_bits_and_more_are_read(dtype: torch.dtype, bert: Path) -> None:
    """They are computed with as fp32; indices beside them are not weights."""
    _as(bert / "model.safetensors", dtype)
    weights = load_file(str(bert / "model.safetensors"))
    indices = {"bert.embeddings.position_ids": torch.arange(512)[None]}
    save_file({**weights, **indices}, str(bert / "model.safetensors"), {"format": "pt"})
    assert {part.dtype for part in load_checkpoint(bert, XNLI).encoder.parameters()} == {torch.float32}


# --------------------------------------------------------------------------------------------------------- config.json


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("num_hidden_layers", value) for value in (100_000, "12", float("nan"), -1, 0, 2.0, True)),
        *((key, 10**9) for key in ("hidden_size", "vocab_size", "max_position_embeddings", "intermediate_size")),
        *((key, "many") for key in ("hidden_size", "vocab_size", "max_position_embeddings", "type_vocab_size")),
        *(("max_position_embeddings", value) for value in (-5, float("inf"))),
        ("num_labels", 10**8),
    ],
)
def test_a_size_that_no_encoder_has_is_named_as_written(key: str, value: object, bert: Path, unhashed: Path) -> None:
    """Before anything is allocated, of a checkpoint and of a run, in evaluation and training."""
    for folder in (bert, unhashed / "model"):
        change(folder, {key: value})
    line = rf"config\.json says {key} {json.dumps(value)}"
    for folder in (bert, unhashed):
        with pytest.raises(ModelError, match=line):
            locate(folder, XNLI)
        with pytest.raises(ModelError, match=line):
            find_start(str(folder), tell=print)


@pytest.mark.parametrize("key", ["intermediate_size", "type_vocab_size"])
def test_a_model_far_larger_than_its_weights_is_not_allocated(key: str, bert: Path, unhashed: Path) -> None:
    """Its parameters are counted without memory for them."""
    for folder in (bert, unhashed / "model"):
        change(folder, {key: 10**6})
    line = r"config\.json describes [\d,]+ parameters"
    for folder in (bert, unhashed):
        with pytest.raises(ModelError, match=line):
            load_checkpoint(folder, XNLI)


@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
@pytest.mark.parametrize("value", ["float33", "int8", "float8_e4m3fn"])
def test_a_type_that_is_not_read_is_not_the_fault_of_the_tokenizer(key: str, value: str, bert: Path) -> None:
    """The line names config.json, its key and its value."""
    change(bert, {key: value})
    with pytest.raises(ModelError, match=f'{key} "{value}"'):
        load_checkpoint(bert, XNLI)


@pytest.mark.parametrize("method", ["bitsandbytes", "fp8", "unknown"])
def test_a_quantised_checkpoint_is_refused(method: str, bert: Path) -> None:
    """Some methods would be ignored, others would need a library."""
    change(bert, {"quantization_config": {"quant_method": method}})
    with pytest.raises(ModelError, match="quantised weights"):
        locate(bert, XNLI)


def test_a_malformed_configuration_is_not_the_fault_of_the_tokenizer(unhashed: Path) -> None:
    """The library reads the configuration to find the tokenizer's class."""
    change(unhashed / "model", {"id2label": 5})
    with pytest.raises(ModelError, match=r"config\.json is malformed"):
        load_checkpoint(unhashed, XNLI)


@pytest.mark.parametrize("name", ["x" * 5000, "../../run", "heads/\x00"])
def test_a_name_of_a_file_that_cannot_be_is_missing(run: Path, name: str) -> None:
    """The names in train.json are compared with the files that are there, and never opened."""
    claim = json.loads((run / "train.json").read_text())
    (run / "train.json").write_text(json.dumps({**claim, "files": {name: "0"}}))
    with pytest.raises(ModelError, match="is missing") as refused:
        check_hashes(run)
    assert len(str(refused.value)) < 1000
