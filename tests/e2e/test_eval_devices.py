"""`eval --devices`: one process for each device, the same bytes as one process, also where a process is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.test_eval_killed import hashes, start
from tests.release import release
from tests.tiny import tiny_run

import robust_xtreme
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.run import run
from robust_xtreme.run.fleets import Processes, processes
from robust_xtreme.run.run import Observer, evaluate
from robust_xtreme.workers.messages import Program, WorkerEvents, WorkerProcess

pytestmark = pytest.mark.process


@dataclass
class Killed:
    """Two processes of this machine, and those that were started."""

    fleet: Processes = field(default_factory=lambda: processes("cpu,cpu"))
    started: list[Any] = field(default_factory=list)
    killed: bool = False
    slots: tuple[str, ...] = ("cpu:0", "cpu:1")
    device: str = "cpu"
    device_name: str = "cpu"

    def start(self, slot: int, numbers: Sequence[int], program: Program, events: WorkerEvents) -> WorkerProcess:
        """Start a process, and remember it."""
        process = self.fleet.start(slot, numbers, program, events)
        self.started.append(process)
        return process

    def kill(self, _: int) -> None:
        """Kill the first process, once."""
        if not self.killed:
            self.killed = True
            os.kill(self.started[0].interpreter.running.pid, signal.SIGKILL)
            self.started[0].interpreter.running.wait()


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A run of two tasks in several languages."""
    folder = tmp_path_factory.mktemp("devices")
    run = tiny_run(folder / "tiny", ("xnli", "panx"))
    data = release(folder / "data")
    what = ["--tasks", "xnli,panx", "--perturb", "char_noise:0.2", "--device", "cpu", "--no-cache"]
    return ["eval", "--model", str(run), "--data", str(data), *what]


@pytest.fixture(scope="module")
def wanted(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The hashes of the run in one process."""
    out = tmp_path_factory.mktemp("wanted") / "out"
    assert start(words, out).end()[0] == 0
    return hashes(out)


def spec_of(words: list[str], out: Path) -> RunSpec:
    """The same run as a spec."""
    return RunSpec(
        model=(words[2],),
        data=words[4],
        tasks=("xnli", "panx"),
        perturb=("char_noise:0.2",),
        device="cpu",
        out=str(out),
    )


@pytest.mark.long
def test_a_killed_process_of_a_device_changes_no_byte(words: list[str], wanted: dict[str, str], tmp_path: Path) -> None:
    """Its task runs are done again by a new process, a line says so, and progress ends at the number of predictions."""
    fleet, totals, done, lines = Killed(), list[int](), list[int](), list[str]()

    def advance(predictions: int) -> None:
        done.append(predictions)
        fleet.kill(predictions)

    observer = Observer(total=totals.append, advance=advance, notice=lines.append)
    evaluate(spec_of(words, tmp_path / "out"), cache=False, observer=observer, fleet=fleet)
    assert hashes(tmp_path / "out") == wanted
    assert len(fleet.started) == 3
    assert sum(done) == sum(totals)
    assert [line for line in lines if "SIGKILL" in line]


def test_devices_are_an_argument_of_python_too(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one string or as names: the run gets the fleet that `--devices` gives it."""
    fleets = list[Any]()
    monkeypatch.setattr(run, "evaluate", lambda *_, fleet, **__: fleets.append(fleet))
    for devices in ("cpu,cpu", ["cpu", "cpu"]):
        robust_xtreme.evaluate(spec_of(words, tmp_path / "out"), cache=False, devices=devices)
    assert fleets == [processes("cpu,cpu")] * 2


@pytest.mark.long
def test_a_killed_run_on_devices_leaves_nothing_and_is_continued(
    words: list[str], wanted: dict[str, str], tmp_path: Path
) -> None:
    """`kill -9` while it computes on devices; the same command without them continues to the same bytes."""
    out = tmp_path / "out"
    command = start([*words, "--devices", "cpu,cpu"], out)
    while not any((out / "parts").glob("*.parquet")) and command.process.is_alive():
        time.sleep(0.01)
    command.process.kill()
    command.end()
    assert start(words, out).end()[0] == 0
    assert hashes(out) == wanted
