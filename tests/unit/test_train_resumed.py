"""`kill -9` at any step of any stage: the same spec goes on to the weights and the curve of an unbroken run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.lessons import lessons
from tests.tiny import tiny_encoder_folder

_TRAINER: Final = """
import json, os, signal, sys
import lightning.pytorch, torch, transformers
from robust_xtreme import api, registry
from robust_xtreme.training import stage

for kind in ("task", "family", "metric", "perturbation"):
    for name in registry.names(kind):
        registry.load(kind, name)
from robust_xtreme.training.loop import Options

def say(*words):
    os.write(1, (json.dumps(words) + chr(10)).encode())

def train(values, end):
    def watch(at):
        say("step", at.stage, at.step)
        if [at.stage, at.step] == end:
            os.kill(os.getpid(), signal.SIGKILL)
    seconds = 0.0 if end else 1e9
    options = Options(watch=watch, save_seconds=seconds, tell=lambda line: say("told", line))
    api.train(**values, options=options)

for line in sys.stdin:
    jobs = json.loads(line)
    for values, end in jobs:
        if os.fork() == 0:
            train(values, end)
            os._exit(0)
    for _ in jobs:
        say("end", os.wait()[1])
    say("done")
"""
"""Reads jobs, a line of them each, and trains those of a line at once, each in a process of its own."""

Said = list[list[Any]]


class Trainer:
    """A process that has everything imported and begins another for each run."""

    def __init__(self) -> None:
        own = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        command = [sys.executable, "-c", _TRAINER]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=own
        )

    def run(self, *jobs: tuple[dict[str, Any], list[Any] | None]) -> Said:
        """What the runs say, and how they end; a job is the values of a run and the step at which it dies."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(jobs) + "\n")
        self.process.stdin.flush()
        said: Said = []
        for line in self.process.stdout:
            said.append(json.loads(line))
            if said[-1] == ["done"]:
                return said[:-1]
        raise AssertionError(said)


@pytest.fixture(scope="module")
def trainer() -> Iterator[Trainer]:
    """One for all tests here, since what takes long is to import."""
    found = Trainer()
    with found.process:
        yield found
        found.process.kill()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty-two lessons a task and a tiny encoder."""
    folder = tmp_path_factory.mktemp("killed")
    lessons(folder / "data")
    tiny_encoder_folder(folder / "encoder")
    return folder


def _values(home: Path, out: Path, **stages: Any) -> dict[str, Any]:
    """A run with three steps an epoch and a bit more than two epochs a stage."""
    steps = {"steps": 7, "batch_size": 12, "lr": 5e-3}
    text = str(home / "data" / "text")
    tables = {
        name: {**steps, **({"text": text} if name == "mlm" else {}), **values} if isinstance(values, dict) else values
        for name, values in stages.items()
    }
    own = {"data": str(home / "data"), "encoder": str(home / "encoder"), "out": str(out / "run"), "device": "cpu"}
    return {**own, **tables}


def _files(run: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(run.rglob("*")) if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}


def _steps(said: Said) -> list[list[Any]]:
    return [one[1:] for one in said if one[0] == "step"]


TWO: Final = {"tasks": ["xnli", "panx"]}
CASES: Final[dict[str, dict[str, Any]]] = {
    "steps": {"intermediate": TWO},
    "temperature": {"intermediate": {**TWO, "sampling": "temperature:2"}},
    "mixed": {"intermediate": {**TWO, "mixing": "batches"}},
    "masked LM beside": {"intermediate": {**TWO, "masked_lm": 0.3, "text": "TEXT"}},
    "masked LM in batches": {"intermediate": {**TWO, "masked_lm": 0.3, "text": "TEXT", "mixing": "batches"}},
    "noise": {"intermediate": {"tasks": ["xnli", "tydiqa"], "perturb": ["char_noise:0.2"]}},
    "shuffled": {"intermediate": {**TWO, "control": "shuffled_labels"}},
    "masked LM alone": {"intermediate": {**TWO, "control": "masked_lm"}},
    "in parts of half precision": {"intermediate": TWO, "accumulate": 2, "precision": "bf16"},
    "in low rank": {"intermediate": TWO, "lora": 2, "schedule": "cosine"},
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_killed_stage_goes_on_to_the_same_bytes(case: str, trainer: Trainer, home: Path, tmp_path: Path) -> None:
    """Killed in the middle of an epoch of the intermediate stage, however it draws: weights and curve are the same."""
    stages = dict(CASES[case])
    if "text" in stages["intermediate"]:
        stages["intermediate"] = {**stages["intermediate"], "text": str(home / "data" / "text")}
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    broken = _values(home, tmp_path / "broken", **stages)
    said = trainer.run((_values(home, tmp_path / "whole", **stages), None), (broken, ["intermediate", 5]))
    assert sorted(line[1] for line in said if line[0] == "end") == [0, signal.SIGKILL]
    assert not (tmp_path / "broken" / "run" / "model").exists()
    said = trainer.run((broken, None))
    assert _steps(said) == [["intermediate", step] for step in (5, 6, 7)]
    assert said[-1] == ["end", 0]
    found = _files(tmp_path / "whole")
    assert found == _files(tmp_path / "broken")
    assert any(name.endswith("metrics.csv") for name in found)


def test_three_stages_killed_in_each_end_the_same(trainer: Trainer, home: Path, tmp_path: Path) -> None:
    """Masked LM, an intermediate task and the target, each killed once; what was complete is not trained again."""
    stages: dict[str, Any] = {"mlm": {}, "intermediate": {"tasks": ["xnli"]}, "target": {"tasks": ["panx"]}}
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    trainer.run((_values(home, tmp_path / "whole", **stages), None))
    broken = _values(home, tmp_path / "broken", **stages)
    for end in (["masked_lm", 2], ["intermediate", 4], ["target", 1], ["target", 6]):
        assert trainer.run((broken, end))[-1] == ["end", signal.SIGKILL]
    said = trainer.run((broken, None))
    assert _steps(said) == [["target", 6], ["target", 7]]
    assert _files(tmp_path / "whole") == _files(tmp_path / "broken")


def test_two_runs_at_once_train_a_shared_stage_once(trainer: Trainer, home: Path, tmp_path: Path) -> None:
    """Two processes with the same intermediate stage: one of them trains it, the other waits and takes it."""
    shared = {"intermediate": {"tasks": ["xnli"]}}
    one = _values(home, tmp_path, **shared, target={"tasks": ["panx"]})
    other = _values(home, tmp_path, **shared, target={"tasks": ["tydiqa"]}) | {"out": str(tmp_path / "other")}
    said = trainer.run((one, None), (other, None))
    assert [line for line in said if line[0] == "end"] == [["end", 0], ["end", 0]]
    assert sorted(step for stage, step in _steps(said) if stage == "intermediate") == list(range(1, 8))
    assert len([line for line in said if line[0] == "told" and "waits for" in line[1]]) == 1
    for name in ("run", "other"):
        assert (tmp_path / name / "stages" / "01-target.json").is_file()
