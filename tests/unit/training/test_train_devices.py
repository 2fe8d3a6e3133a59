"""Several processes, and batches in parts: the same weights as one process with whole batches."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.forks import process
from tests.lessons import lessons
from tests.some import some
from tests.tiny import tiny_encoder_folder

from robust_xtreme.core.errors import ModelError, RobustXtremeError
from robust_xtreme.training.loop import Options, Progress, of_process
from robust_xtreme.training.module import TrainingModule
from robust_xtreme.training.stage import train
from robust_xtreme.training.values import from_values
from robust_xtreme.workers.messages import Failed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty-two lessons a task, sentences of one to five words among them, and an encoder without dropout."""
    folder = tmp_path_factory.mktemp("devices")
    lessons(folder / "data")
    tags = (("Ana", "B-PER"), ("saw", "O"), ("Rome", "B-LOC"), ("in", "O"), ("may", "O"))
    sentences = ("".join(f"{word}{n}\t{tag}\n" for word, tag in tags[: n * 3 % 5 + 1]) for n in range(32))
    (folder / "data" / "panx" / "train-en.tsv").write_text("\n".join(sentences), encoding="utf-8")
    path = tiny_encoder_folder(folder / "encoder") / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    still = dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), 0.0)
    path.write_text(json.dumps({**config, **still}), encoding="utf-8")
    return folder


def _still() -> None:
    """Heads without dropout: what it draws is the one thing that processes do not share."""
    torch.nn.functional.dropout = lambda values, *_: values


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in this process."""
    monkeypatch.setattr(torch.nn.functional, "dropout", torch.nn.functional.dropout)
    _still()


CASES: dict[str, dict[str, Any]] = {
    "classification": {"task": "xnli"},
    "tagging": {"task": "panx"},
    "several": {"task": "xnli,panx"},
    "mixed": {"task": "xnli,panx", "target": {"mixing": "batches"}},
    "masked": {"mlm": True},
}


def _run(home: Path, out: Path, case: str, options: Options | None = None, **changed: Any) -> Path:
    values = dict(CASES[case])
    shared = {"batch_size": 7, "lr": 1e-3, "steps": 6}
    if values.pop("mlm", False):
        values["mlm"] = {"text": str(home / "data" / "text"), **shared}
    else:
        values |= shared
    facts = {"data": home / "data", "encoder": home / "encoder", "out": out, "device": "cpu", **changed}
    return train(from_values({**values, **facts}), options)


def _two(home: Path, out: Path, case: str, prepare: Callable[[], object] = _still, **changed: Any) -> Path:
    """The same in two processes."""
    return _apart(prepare, partial(_run, home, out, case, devices=2, **changed))


def _apart(prepare: Callable[[], object], run: Callable[[], Path]) -> Path:
    """A run from a process that has computed no gradients: after that torch for GPUs computes none in copies of it."""
    ours, theirs = Pipe()
    begun = process(_sent, theirs, prepare, run)
    theirs.close()
    made, left = ours.recv()
    begun.join()
    assert not left
    if isinstance(made, Failed):
        raise made.error
    assert isinstance(made, Path)
    return made


def _sent(line: Connection, prepare: Callable[[], object], run: Callable[[], Path]) -> None:
    """Send what a run gives or raises, and the names that it leaves in the temporary folder."""
    prepare()
    with tempfile.TemporaryDirectory() as tempfile.tempdir:
        made: object = None
        try:
            made = run()
        except BaseException as error:  # noqa: BLE001 - the process that began this one raises it
            made = Failed(error)
        line.send((made, [path.name for path in Path(tempfile.tempdir).iterdir()]))


def _weights(run: Path) -> dict[str, torch.Tensor]:
    return {
        f"{path.name}/{name}": value
        for path in sorted(run.rglob("*.safetensors"))
        for name, value in load_file(path).items()
    }


def _same(path: Path, other: Path) -> None:
    first, second = _weights(path), _weights(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.allclose(value, second[name], atol=1e-6), name


def _losses(run: Path) -> list[float]:
    rows = (run / "metrics.csv").read_text(encoding="utf-8").splitlines()[1:]
    return [float(row.split(",")[1]) for row in rows]


def _of_parts(run: Path) -> list[float]:
    """The losses of parts, row after row."""
    rows = (run / "metrics.csv").read_text(encoding="utf-8").splitlines()[1:]
    return [float(cell) for row in rows for cell in row.split(",")[4:] if cell]


@pytest.fixture(scope="module")
def wholes() -> dict[str, Path]:
    """What one process made of each case, made once."""
    return {}


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize(
    ("case", "how"),
    some(
        [
            ("tagging", {"devices": 2}),
            ("masked", {"devices": 2}),
            ("mixed", {"devices": 2}),
            ("several", {"devices": 2, "accumulate": 2}),
            ("classification", {"accumulate": 4}),
            ("tagging", {"accumulate": 4}),
            ("masked", {"accumulate": 4}),
            ("mixed", {"accumulate": 3}),
        ],
        (("mixed", {"devices": 2}), ("tagging", {"accumulate": 4})),
    ),
    ids=str,
)
def test_processes_and_parts_of_batches_compute_what_one_does(
    case: str, how: dict[str, Any], home: Path, wholes: dict[str, Path], tmp_path: Path
) -> None:
    """Batches of seven in two processes, in parts, or both: the weights of one process, and its losses."""
    if case not in wholes:
        wholes[case] = _run(home, tmp_path / "one", case)
    run = partial(_run, home, tmp_path / "other", case, **how)
    split = _apart(_still, run) if "devices" in how else run()
    _same(wholes[case], split)
    assert _losses(split) == pytest.approx(_losses(wholes[case]), abs=1e-5)
    assert len(_losses(split)) == 6
    assert _of_parts(split) == pytest.approx(_of_parts(wholes[case]), abs=1e-4)
    assert bool(_of_parts(split)) == (case in ("mixed", "several"))


@pytest.mark.usefixtures("still")
def test_two_processes_select_the_weights_that_one_does(home: Path, tmp_path: Path) -> None:
    """The score after each epoch is that of the shared weights, and the first process keeps the best ones."""
    facts: dict[str, Any] = {"target": {"select": "dev"}, "reported": "xnli", "steps": 0, "epochs": 2}
    single = _run(home, tmp_path / "1", "tagging", **facts)
    two = _two(home, tmp_path / "2", "tagging", **facts)
    _same(single, two)
    assert not list(two.glob("*best*"))


class _Stopped(Exception):
    """Represents the death of a process."""


def _stopped(home: Path, out: Path) -> Path:
    def watch(at: Progress) -> None:
        if at.step == 4:
            raise _Stopped

    return _run(home, out, "tagging", Options(watch=watch, save_seconds=0.0), devices=2)


@pytest.mark.long
def test_two_processes_continue_where_they_stopped(home: Path, tmp_path: Path) -> None:
    """With dropout, which each of them draws by step and place: stopped and started again, the same bytes."""
    whole = _two(home, tmp_path / "whole", "tagging", str)
    with pytest.raises(RobustXtremeError, match="_Stopped"):
        _apart(str, partial(_stopped, home, tmp_path / "broken"))
    steps = [path.name for path in (tmp_path / "broken" / "resume").iterdir()]
    assert steps == ["step-000000003"]
    again = _two(home, tmp_path / "broken", "tagging", str)
    assert all(torch.equal(value, _weights(again)[name]) for name, value in _weights(whole).items())
    assert _losses(again) == _losses(whole)


@pytest.mark.timeout(300)
def test_processes_do_not_wait_for_threads_that_a_fork_left(home: Path, tmp_path: Path) -> None:
    """After work in several threads a run in two processes ends, and this process keeps its threads."""
    assert _apart(str, partial(_with_threads, home, tmp_path / "run")) == tmp_path / "run"


def _with_threads(home: Path, out: Path) -> Path:
    torch.set_num_threads(2)
    torch.ones(512, 512).exp().sum()
    run = _run(home, out, "tagging", devices=2, steps=1)
    assert torch.get_num_threads() == 2
    return run


def test_a_process_that_has_threads_of_devices_says_what_to_do() -> None:
    """Torch for GPUs has them from the first gradient on, and computes none in a copy of such a process."""
    why = "Unable to handle autograd's threading in combination with fork-based multiprocessing. See https://..."
    told = str(of_process(f"Traceback\nRuntimeError: {why}", 8, 1))
    assert "one device" in told


def test_what_fails_in_another_process_is_one_line(home: Path, tmp_path: Path) -> None:
    """A loss that is not a number is recognised by the process that began them, with its step and batch."""
    with pytest.raises(ModelError, match=r"step 1 \(xnli/train/en/\d+, ") as caught:
        _two(home, tmp_path / "run", "classification", _without_numbers)
    assert "\n" not in str(caught.value)


def _without_numbers() -> None:
    def nan(self: TrainingModule, batch: Any, batch_idx: int) -> torch.Tensor:
        return torch.stack([parameter.sum() for parameter in self.parameters()]).sum() * float("nan")

    TrainingModule.training_step = nan  # type: ignore[method-assign]  # in a process of the test
