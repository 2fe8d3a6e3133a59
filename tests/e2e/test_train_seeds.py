"""`train --seeds`: runs in this process have the bytes of runs by another one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.lessons import lessons
from tests.tiny import tiny_encoder_folder
from tests.trainings import files
from typer.testing import CliRunner

from robust_xtreme.cli._app import build
from robust_xtreme.run.fleets import Processes
from robust_xtreme.training.loop import Options
from robust_xtreme.training.spec import StageSpec, TrainSpec
from robust_xtreme.training.stage import of_seeds, train_all


@pytest.mark.long
@pytest.mark.process
def test_runs_of_a_fleet_have_the_bytes_of_runs_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command prints the folders; lines of a fleet name their run; paths count from the current folder.

    Fleets of several processes are tested with less than a training, which takes seconds to import.
    """
    monkeypatch.chdir(tmp_path)
    lessons(Path("data"))
    tiny_encoder_folder(Path("encoder"))
    keys = (
        "--tasks",
        "panx",
        "--data",
        "data",
        "--from",
        "encoder",
        "--steps",
        "2",
        "--device",
        "cpu",
        "--out",
        "here",
    )
    printed = CliRunner().invoke(build(), ["train", *keys, "--seeds", "2"])
    assert printed.stdout == "here-s0\nhere-s1\n", printed.stderr
    assert "here-s1: run 2 of 2\n" in printed.stderr

    target = StageSpec(tasks=("panx",), steps=2)
    spec = TrainSpec(data="data", start="encoder", target=target, device="cpu", out="there")
    lines = list[str]()
    folders = train_all(of_seeds(spec, 2), Options(tell=lines.append), Processes(("cpu",), "cpu", "cpu", ()))
    assert [str(folder) for folder in folders] == ["there-s0", "there-s1"]
    assert [line for line in lines if line.startswith("there-s1: target: step 2")]
    for seed in (0, 1):
        here, there = (files(Path(f"{name}-s{seed}/model")) for name in ("here", "there"))
        assert here == there
