"""What goes wrong in the middle of training: one line that names it, and the last saved state stays whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from safetensors.torch import load_file
from tests.lessons import lessons
from tests.tiny import tiny_encoder_folder
from tests.trainings import Stopped, copied, files, stop_at

from robust_xtreme.core.errors import (
    DataError,
    DiskError,
    Mismatch,
    MissingData,
    ModelError,
    RobustXtremeError,
    SpecError,
    UserError,
)
from robust_xtreme.files.journal import Journal
from robust_xtreme.training.loop import Options, _loggers
from robust_xtreme.training.module import TrainingModule
from robust_xtreme.training.spec import TrainSpec
from robust_xtreme.training.stage import train
from robust_xtreme.training.values import from_values

STEPS = 8
Step = Callable[[TrainingModule, Any, int], torch.Tensor]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with lessons and a tiny encoder, which tests only read."""
    folder = tmp_path_factory.mktemp("failures")
    lessons(folder / "data")
    tiny_encoder_folder(folder / "encoder")
    return folder


@pytest.fixture(scope="module")
def whole(home: Path) -> Path:
    """A run without a failure."""
    return train(_spec(home, home / "whole"))


@pytest.fixture(scope="module")
def stopped(home: Path) -> Path:
    """A run that was stopped after four steps, three of which are saved."""
    with pytest.raises(Stopped):
        train(_spec(home, home / "stopped"), Options(watch=stop_at(4), save_seconds=0.0))
    return home / "stopped"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of a test's own run."""
    return tmp_path / "run"


def _spec(home: Path, out: Path, **changed: Any) -> TrainSpec:
    facts: dict[str, Any] = {"task": "xnli", "steps": STEPS, "batch_size": 8, "lr": 5e-3, "device": "cpu", **changed}
    return from_values({"data": home / "data", **facts, "encoder": home / "encoder", "out": out})


def _states(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "resume").iterdir())


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A step of training that does something else at its n-th call."""
    plain = TrainingModule.training_step

    def plant(at: int, fault: Step) -> None:
        calls = [0]

        def step(self: TrainingModule, batch: Any, batch_idx: int) -> torch.Tensor:
            calls[0] += 1
            return fault(self, batch, batch_idx) if calls[0] == at else plain(self, batch, batch_idx)

        monkeypatch.setattr(TrainingModule, "training_step", step)

    return plant


def _raises(error: Exception) -> Step:
    def step(self: TrainingModule, batch: Any, batch_idx: int) -> torch.Tensor:
        raise error

    return step


def test_a_loss_that_is_not_a_number_names_its_batch(
    home: Path, whole: Path, out: Path, planted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the step and its first examples; the run continues from the state of the step before."""
    seen: list[str] = []

    def nan(self: TrainingModule, batch: Any, batch_idx: int) -> torch.Tensor:
        seen.append(batch.named())
        return next(self.parameters()).sum() * float("nan")

    with monkeypatch.context() as patch:
        planted(5, nan)
        with pytest.raises(ModelError) as caught:
            train(_spec(home, out), Options(save_seconds=0.0))
        patch.undo()
    monkeypatch.undo()
    message = str(caught.value)
    assert f"nan at step 5 ({seen[0]})" in message
    assert seen[0].startswith("xnli/train/en/")
    assert seen[0].endswith(" and 5 more")
    assert "\n" not in message
    assert _states(out) == ["step-000000004"]
    assert files(train(_spec(home, out))) == files(whole)


@pytest.mark.parametrize("at", [4, STEPS])
def test_weights_that_are_not_numbers_are_never_written(at: int, home: Path, out: Path, planted: Any) -> None:
    """Where the loss does not show it, in the middle and at the last step: no state and no model has them."""

    def ruin(self: TrainingModule, batch: Any, batch_idx: int) -> torch.Tensor:
        with torch.no_grad():
            next(iter(self.heads[0].parameters())).fill_(float("inf"))
        return torch.stack([parameter.sum() for parameter in self.encoder.parameters()]).sum() * 0.0

    planted(at, ruin)
    with pytest.raises(ModelError, match=f"after step {at}"):
        train(_spec(home, out), Options(save_seconds=0.0))
    assert _states(out) == [f"step-{at - 1:09d}"]
    state = torch.load(out / "resume" / f"step-{at - 1:09d}" / "lightning.ckpt", weights_only=True)["state_dict"]
    assert all(bool(torch.isfinite(tensor).all()) for tensor in state.values())
    assert not (out / "model").exists()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_out_of_memory_is_one_line(error: Exception, home: Path, out: Path, planted: Any) -> None:
    """The line names --accumulate, and what was saved stays."""
    planted(2, _raises(error))
    with pytest.raises(RobustXtremeError, match="--accumulate 2") as caught:
        train(_spec(home, out), Options(save_seconds=0.0))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3
    assert _states(out) == ["step-000000001"]


def test_smaller_parts_continue_with_a_run(home: Path, stopped: Path, out: Path) -> None:
    """What ran out of memory continues from its saved state with --accumulate."""
    steps: list[int] = []
    train(_spec(home, copied(stopped, out), accumulate=2), Options(watch=lambda at: steps.append(at.step)))
    assert steps == [4, 5, 6, 7, 8]


def test_another_error_of_torch_is_none_of_memory(home: Path, out: Path, planted: Any) -> None:
    """A bug is not reported as too little memory."""
    planted(2, _raises(RuntimeError("mat1 and mat2 shapes cannot be multiplied")))
    with pytest.raises(RuntimeError, match="mat1"):
        train(_spec(home, out))


def test_a_full_disk_leaves_the_state_before_whole(
    home: Path, whole: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint that breaks off half-written goes; the run continues from the one before to the same bytes."""
    save, calls = Trainer.save_checkpoint, [0]

    def full(self: Any, path: Any, **options: Any) -> None:
        calls[0] += 1
        if calls[0] == 4:
            Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        save(self, path, **options)

    monkeypatch.setattr(Trainer, "save_checkpoint", full)
    with pytest.raises(DiskError, match="No space"):
        train(_spec(home, out), Options(save_seconds=0.0))
    assert _states(out) == ["step-000000003"]
    assert sorted(path.name for path in (out / "resume" / "step-000000003").iterdir()) == [
        "lightning.ckpt", "place.json", "random.pt",
    ]  # fmt: skip
    monkeypatch.undo()
    assert files(train(_spec(home, out))) == files(whole)


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"batch_size": 4, "schedule": "cosine"}, "schedule 'linear'"),
        ({"task": "panx"}, r"tasks \['xnli'\]"),
    ],
    ids=str,
)
def test_a_run_that_stopped_is_not_continued_as_another(
    changed: dict[str, Any], difference: str, home: Path, stopped: Path, out: Path
) -> None:
    """In one line, the keys that differ and their values, and nothing of the stopped run is lost."""
    before = files(copied(stopped, out))
    with pytest.raises(Mismatch, match=difference) as caught:
        train(_spec(home, out, **changed))
    assert "\n" not in str(caught.value)
    assert files(out) == before


@pytest.mark.parametrize("changed", [{"accumulate": 2}, {"log": ["csv"]}, {"reported": "xnli"}], ids=str)
def test_how_a_run_is_computed_is_not_another_run(changed: dict[str, Any], home: Path, whole: Path, out: Path) -> None:
    """Parts of batches, logs and a further reported task change nothing: a complete run is left as it is."""
    messages: list[str] = []
    train(_spec(home, copied(whole, out), **changed), Options(tell=messages.append))
    assert "is complete" in messages[-1]


# ------------------------------------------------------------------------------------------------------------ bad data


def test_a_task_without_training_data_says_so(home: Path, out: Path) -> None:
    """Neither a training file nor a head of its own: one line each, and nothing is written."""
    for task, message in (("xquad", "no train file"), ("americasnli", "a head of xnli")):
        with pytest.raises(MissingData, match=message) as caught:
            train(_spec(home, out, task=task))
        assert "\n" not in str(caught.value)
    assert not (out).exists()


def test_labels_outside_the_set_are_named_with_their_place(home: Path, out: Path, tmp_path: Path) -> None:
    """The file, the line, the label, and what labels there are."""
    data = lessons(tmp_path / "data")
    path = data / "xnli" / "train-en.tsv"
    path.write_text(path.read_text(encoding="utf-8") + "a\tb\tperhaps\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"train-en\.tsv:33: .*'perhaps'.*entailment"):
        train(_spec(home, out, data=data))
    path = data / "panx" / "train-en.tsv"
    path.write_text("Ana\tB-GOD\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"train-en\.tsv:1: .*'B-GOD'"):
        train(_spec(home, out, data=data, task="panx"))


# --------------------------------------------------------------------------------------------------- precision and logs


def test_bf16_trains_on_a_cpu(home: Path, whole: Path, out: Path) -> None:
    """Other weights than in full precision, but hardly; they are written in full precision, and recorded."""
    half = train(_spec(home, out, precision="bf16"))
    first, other = (load_file(run / "model" / "model.safetensors") for run in (whole, half))
    assert {value.dtype for value in other.values()} == {torch.float32}
    assert any(not torch.equal(value, other[name]) for name, value in first.items())
    assert all(torch.allclose(value, other[name], atol=0.05) for name, value in first.items())


def test_tensorboard_has_the_rows_of_the_table(home: Path, whole: Path, out: Path) -> None:
    """Asked for, its log is in the run; the run is the same otherwise."""
    run = train(_spec(home, out, log=["csv", "tensorboard"]))
    (events,) = (run / "tensorboard").rglob("events.out.tfevents.*")
    content = events.read_bytes()
    assert b"loss" in content
    assert b"lr" in content
    for name in ("model/model.safetensors", "metrics.csv"):
        assert (run / name).read_bytes() == (whole / name).read_bytes()


def test_a_file_in_the_place_of_the_folder_of_tensorboard_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file cannot be added to, and a link leads out of the run; a folder stays."""
    monkeypatch.setattr("lightning.pytorch.loggers.TensorBoardLogger", lambda *_, **__: "logger")
    notices: list[str] = []
    spec = SimpleNamespace(log=("tensorboard",))
    stage: Any = SimpleNamespace(run=tmp_path, journal=Journal(tmp_path, notices.append), spec=spec)
    (tmp_path / "tensorboard").write_text("mine")
    assert [_loggers(stage), _loggers(stage)] == ["logger", "logger"]
    assert (tmp_path / "tensorboard.kept").read_text() == "mine"
    assert len(notices) == 1


def test_tensorboard_that_is_missing_leaves_the_earlier_run(
    home: Path, stopped: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known before --force removes anything."""
    before = files(copied(stopped, out))
    monkeypatch.setattr("robust_xtreme.training.loop.find_spec", lambda _: None)
    with pytest.raises(UserError, match="pip install"):
        train(_spec(home, out, log=["tensorboard"]), Options(force=True))
    assert files(out) == before


@pytest.mark.parametrize("changed", [{"accumulate": 2}, {"devices": 2}])
def test_a_loss_over_the_whole_batch_is_not_divided(changed: dict[str, Any]) -> None:
    """Retrieval's negatives are all candidates of a batch; its parts would teach something else, and are refused."""
    spec = from_values({"task": "lareqa", "encoder": "e", "data": "d", "device": "cpu", **changed})
    with pytest.raises(SpecError, match="--batch-size"):
        train(spec)


def test_a_folder_that_is_removed_is_said(home: Path, out: Path, planted: Callable[..., None]) -> None:
    """In the middle of training, which then ends in one line."""

    def remove(self: TrainingModule, batch: Any, batch_idx: int) -> torch.Tensor:
        shutil.rmtree(out)
        return next(self.parameters()).sum()

    planted(3, remove)
    with pytest.raises(DiskError, match="removed"):
        train(_spec(home, out))
