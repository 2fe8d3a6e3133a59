"""A training that is killed at a random time continues to the same bytes: a hundred times."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest
from tests.lessons import lessons
from tests.tiny import tiny_encoder_folder
from tests.trainings import files, training

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An intermediate stage and a target stage of twelve steps, whose state is saved after each step."""
    folder = tmp_path_factory.mktemp("killed")
    stages = {"intermediate": {"tasks": ["xnli"]}, "target": {"tasks": ["panx"]}}
    start = {"encoder": str(tiny_encoder_folder(folder / "encoder")), "data": str(lessons(folder / "data"))}
    return {**start, **stages, "steps": 12, "batch_size": 8, "device": "cpu"}


@pytest.fixture(scope="module")
def whole(values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], float]:
    """The files of a run that nobody kills, and how long it takes once the process that forks is there."""
    folder = tmp_path_factory.mktemp("whole")
    assert training({**values, "out": str(folder / "first")}).end() == 0
    begun = time.monotonic()
    assert training({**values, "out": str(folder / "run")}).end() == 0
    return files(folder / "run"), time.monotonic() - begun


@pytest.mark.parametrize("time_drawn", range(100))
def test_a_training_killed_at_a_random_time_continues_to_the_same_bytes(
    values: dict[str, Any], whole: tuple[dict[str, bytes], float], tmp_path: Path, time_drawn: int
) -> None:
    """`kill -9` while it reads, trains or writes: the same values end at the weights of an unbroken run."""
    run = tmp_path / "run"
    broken = training({**values, "out": str(run)})
    broken.process.join(whole[1] * random.Random(time_drawn).uniform(0.0, 1.0))
    broken.process.kill()
    broken.end()
    assert training({**values, "out": str(run)}).end() == 0
    assert files(run) == whole[0]
