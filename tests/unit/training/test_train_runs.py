"""Whole small training runs: they learn, stop anywhere, continue to the same bytes, and refuse what they must."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tests.decoding import decoded
from tests.lessons import lessons
from tests.some import some
from tests.tiny import tiny_encoder_folder
from tests.trainings import Stopped, files

from robust_xtreme.core import registry
from robust_xtreme.core.errors import DiskError, Locked, MissingData
from robust_xtreme.files import store
from robust_xtreme.files.journal import JOURNAL
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.models.tensors import collate
from robust_xtreme.models.tokenizer import read_tokenizer
from robust_xtreme.tasks.sources.source import load
from robust_xtreme.training import record, resume, stage
from robust_xtreme.training.loop import Options
from robust_xtreme.training.spec import TrainSpec
from robust_xtreme.training.stage import train
from robust_xtreme.training.values import from_values


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """Release files with thirty-two lessons a task."""
    return lessons(tmp_path / "data")


@pytest.fixture
def encoder_path(tmp_path: Path) -> Path:
    """A transformers folder with a tiny random encoder."""
    return tiny_encoder_folder(tmp_path / "encoder")


def _spec(task: str, data: Path, encoder: Path, out: Path, **changed: Any) -> TrainSpec:
    facts = {"steps": 12, "batch_size": 8, "lr": 5e-3, "device": "cpu", **changed}
    return from_values({"task": task, "data": data, "out": out, "encoder": encoder, **facts})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with lessons and a tiny encoder, which tests only read."""
    folder = tmp_path_factory.mktemp("runs")
    lessons(folder / "data")
    tiny_encoder_folder(folder / "encoder")
    return folder


def _panx(home: Path, out: Path, **changed: Any) -> TrainSpec:
    return _spec("panx", home / "data", home / "encoder", out, **changed)


@pytest.fixture(scope="module")
def whole(home: Path) -> dict[str, bytes]:
    """The files of an unbroken run of PAN-X."""
    run = train(_panx(home, home / "whole"))
    assert not (run / resume.FOLDER).exists()
    return files(run)


@pytest.fixture(scope="module")
def short(home: Path) -> Path:
    """A run of two steps, which tests copy."""
    return train(_panx(home, home / "short", steps=2))


@pytest.mark.parametrize(
    ("task", "steps"),
    some([("panx", 60), ("xnli", 60), ("tydiqa", 120)], 1),
)
def test_thirty_two_examples_are_learned_by_heart(task: str, steps: int, tmp_path: Path, data_folder: Path) -> None:
    """A tiny model answers more than 95 % of what it was trained on, read back from the files it wrote."""
    encoder = tiny_encoder_folder(tmp_path / "wider", hidden_size=32)
    run = train(_spec(task, data_folder, encoder, tmp_path / "run", steps=steps, batch_size=32, lr=1e-2))
    spec = registry.load("task", task)
    examples = load(spec, data_folder, "en", "train").examples
    family = registry.load("family", spec.family)
    model, tokenizer = read_encoder(run / "model"), read_tokenizer(run / "model")
    head = family.head(32, spec.labels)
    head.load_state_dict(load_file(run / "heads" / f"{task}.safetensors"))
    model.eval()
    head.eval()
    windows = family.encode(examples, tokenizer, spec.max_length, spec.stride)
    ids, mask = collate(windows, 1)
    with torch.inference_mode():
        scores = family.forward(
            head, model(input_ids=ids, attention_mask=mask).last_hidden_state, mask, windows
        ).numpy()
    right = [
        decoded(family, example, windows.take([row]), [score], spec.labels) == example.target
        for row, (example, score) in enumerate(zip(examples, scores, strict=True))
    ]
    assert sum(right) > 0.95 * len(examples)


def test_a_run_killed_while_it_writes_its_model_continues(
    home: Path, whole: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its record is a stage is not complete: what was half-written goes, and the bytes come out the same."""
    broken = _panx(home, tmp_path / "broken")
    for fault in ("write_stage", "save_file"):
        with monkeypatch.context() as patch:
            patch.setattr(record if fault == "write_stage" else stage, fault, _fail)
            with pytest.raises(Stopped):
                train(broken, Options(save_seconds=0.0))
        (tmp_path / "broken" / ".model.1.tmp").mkdir(exist_ok=True)
        (tmp_path / "broken" / ".model.1.tmp" / "config.json").write_text("half", encoding="utf-8")
        with (tmp_path / "broken" / JOURNAL).open("a", encoding="utf-8") as file:
            file.write('\n[".model.1.tmp", "opened"]')
    assert files(train(broken)) == whole


def _fail(*_: Any, **__: Any) -> None:
    raise Stopped


def test_two_writers_are_refused(tmp_path: Path, data_folder: Path, encoder_path: Path) -> None:
    """A run that another process writes is locked."""
    with store.lock(tmp_path / "run"), pytest.raises(Locked):
        train(_spec("panx", data_folder, encoder_path, tmp_path / "run"))


def test_the_stage_is_recorded(tmp_path: Path, data_folder: Path, encoder_path: Path) -> None:
    """What a model was trained on is beside it: task, data, steps, seed, and nothing selected."""
    run = train(_spec("xnli", data_folder, encoder_path, tmp_path / "run", steps=0, epochs=2))
    record = json.loads((run / "stages" / "00-target.json").read_text(encoding="utf-8"))
    wanted = {
        "kind": "target",
        "task": "xnli",
        "languages": ["en"],
        "examples": 32,
        "steps": 8,
        "seen": 64,
        "epochs": 2.0,
    }
    assert {key: record[key] for key in wanted} == wanted
    assert record["selected_on"] == "none"
    rows = (run / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "step,loss,lr,dev"
    assert [int(row.split(",")[0]) for row in rows[1:]] == list(range(1, 9))


def test_a_score_on_held_out_data_is_noted_and_selects_nothing(
    tmp_path: Path, data_folder: Path, encoder_path: Path
) -> None:
    """Where there are validation data, metrics.csv has their score after each epoch; weights do not depend on it."""
    run = train(_spec("panx", data_folder, encoder_path, tmp_path / "run", steps=0, epochs=2))
    rows = [row.split(",") for row in (run / "metrics.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert [row[0] for row in rows if row[3]] == ["4", "8"]
    (data_folder / "panx" / "dev-en.tsv").unlink()
    other = train(_spec("panx", data_folder, encoder_path, tmp_path / "other", steps=0, epochs=2))
    assert (other / "model" / "model.safetensors").read_bytes() == (run / "model" / "model.safetensors").read_bytes()


def test_nothing_is_changed_outside_the_run(home: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Training draws from its own generator, no logs appear in the current folder, and nothing is printed."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train(_panx(home, tmp_path / "run", steps=2))
    assert torch.equal(before, torch.get_rng_state())
    assert list((tmp_path / "here").iterdir()) == []


def test_a_full_disk_is_one_line(
    tmp_path: Path, data_folder: Path, encoder_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head that cannot be written says so; the run can continue later."""

    def full(*_: Any, **__: Any) -> None:
        raise SafetensorError("No space left on device")

    spec = _spec("panx", data_folder, encoder_path, tmp_path / "run", steps=2)
    with monkeypatch.context() as patch:
        patch.setattr(stage, "save_file", full)
        with pytest.raises(DiskError, match="No space"):
            train(spec, Options(save_seconds=0.0))
    assert not list((tmp_path / "run").rglob("*.tmp"))
    train(spec)


# ------------------------------------------------------------------------------------------------------------ encoders


def test_a_run_can_be_the_start_of_another(tmp_path: Path, data_folder: Path, short: Path) -> None:
    """--from takes a run: its encoder is learned further, and its stages come first."""
    second = train(_spec("xnli", data_folder, short, tmp_path / "second", steps=2))
    names = sorted(path.name for path in (second / "stages").glob("*.json"))
    assert names == ["00-target.json", "01-target.json"]
    assert [path.stem for path in (second / "heads").glob("*.json")] == ["xnli"]


def test_treebanks_and_questions_without_labels_are_refused(tmp_path: Path, encoder_path: Path) -> None:
    """Words without tags and questions without answers are named as such, before anything is learned."""
    words = "# sent_id = a\n1\ta\t_\t_\t_\t_\t0\t_\t_\t_\n\n"
    asked = {"id": "q", "question": "Who?", "answers": []}
    passages = json.dumps({"data": [{"paragraphs": [{"context": "Anna reads.", "qas": [asked]}]}]})
    files = {"ud/UD_English-EWT/en_ewt-ud-train.conllu": words, "squad/train-v1.1.json": passages}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    for task in ("udpos", "lareqa"):
        with pytest.raises(MissingData, match=f"{task} .* no labels"):
            train(_spec(task, tmp_path, encoder_path, tmp_path / "run"))
