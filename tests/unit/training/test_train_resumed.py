"""Stopped or killed at any step of any stage: the same spec resumes to the weights and curve of an unbroken run."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any, Final

import pytest
from tests.lessons import lessons
from tests.some import some
from tests.tiny import tiny_encoder_folder
from tests.trainings import Stopped, files, stop_at, training

from robust_xtreme import train
from robust_xtreme.training.loop import Options, Progress


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
    tables = {name: {**steps, **values} if isinstance(values, dict) else values for name, values in stages.items()}
    start = {} if "scratch" in stages else {"encoder": str(home / "encoder")}
    return {"data": str(home / "data"), "out": str(out / "run"), "device": "cpu", **start, **tables}


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


@pytest.mark.parametrize(
    "case",
    some(
        list(CASES),
        ("mixed", "masked LM beside"),
    ),
)
def test_a_stopped_stage_continues_to_the_same_bytes(case: str, home: Path, tmp_path: Path) -> None:
    """Stopped in the middle of an epoch of the intermediate stage, however it draws: weights and curve are the same."""
    stages = dict(CASES[case])
    if "text" in stages["intermediate"]:
        stages["intermediate"] = {**stages["intermediate"], "text": str(home / "data" / "text")}
    train(**_values(home, tmp_path / "whole", **stages))
    broken = _values(home, tmp_path / "broken", **stages)
    with pytest.raises(Stopped):
        train(options=Options(watch=stop_at(5, "intermediate"), save_seconds=0.0), **broken)
    assert not (tmp_path / "broken" / "run" / "model").exists()
    steps: list[int] = []
    train(options=Options(watch=lambda at: steps.append(at.step)), **broken)
    assert steps == [5, 6, 7]
    whole = files(tmp_path / "whole")
    assert whole == files(tmp_path / "broken")
    assert any(name.endswith("metrics.csv") for name in whole)


def test_a_killed_run_continues_to_the_same_bytes(home: Path, tmp_path: Path) -> None:
    """`kill -9` in each of four stages: the bytes of an unbroken run; what was complete is not trained again."""
    text = str(home / "data" / "text")
    stages: dict[str, Any] = {"scratch": "tiny", "text": text, "mlm": {"text": text}}
    stages |= {"intermediate": {"tasks": ["xnli"]}, "target": {"tasks": ["panx"]}}
    train(**_values(home, tmp_path / "whole", **stages))
    broken = _values(home, tmp_path / "broken", **stages)
    from_outside = training(broken)
    assert ("step", "masked_lm", 2) in from_outside.lines()
    from_outside.process.kill()
    assert from_outside.end() == -signal.SIGKILL
    for end in (("intermediate", 4), ("target", 6)):
        assert training(broken, end).end() == -signal.SIGKILL
        assert not (tmp_path / "broken" / "run" / "heads").exists()
    steps: list[tuple[str, int]] = []

    def watch(at: Progress) -> None:
        steps.append((at.stage, at.step))

    train(options=Options(watch=watch), **broken)
    assert steps == [("target", 6), ("target", 7)]
    assert files(tmp_path / "whole") == files(tmp_path / "broken")
