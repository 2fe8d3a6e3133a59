"""Units are scheduled by group, and done by processes whose ends lose and leave nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
import torch
from tests import actors
from tests.actors import units
from tests.some import some

from robust_xtreme.core.errors import DataError, RobustXtremeError, SpecError
from robust_xtreme.run.estimate import shares
from robust_xtreme.run.fleets import Processes, processes
from robust_xtreme.workers.messages import WorkerJob
from robust_xtreme.workers.supervisor import GroupQueue, each, forecast

MODEL: Final = SimpleNamespace(name="tiny@0")
TWO: Final = Processes(("first", "second"), "cpu", "cpu", ())


def unit(group: str, number: int, size: float) -> WorkerJob:
    """A unit without payload."""
    return WorkerJob(number, f"{group}{number}", None, group, size)


def taken(queue: GroupQueue, last: str, others: tuple[str, ...]) -> str:
    """The label of the unit that an actor gets."""
    got = queue.take(last, others)
    return got.label if got else ""


def test_an_actor_stays_with_its_group_and_then_takes_the_largest_that_nobody_has() -> None:
    """Weights are loaded once an actor; what is done again comes first; a group is shared when no other is left."""
    queue = GroupQueue.of([unit("a", 0, 1), unit("a", 1, 1), unit("b", 2, 9), unit("c", 3, 5), unit("c", 4, 1)])
    assert taken(queue, "", ()) == "b2"
    assert taken(queue, "", ("b",)) == "c3"
    assert taken(queue, "b", ("c",)) == "a0"
    queue.put_back([unit("c", 3, 5)])
    assert taken(queue, "a", ()) == "a1"
    queue.put_back([unit("a", 1, 1)])
    assert [taken(queue, "c", ("a",)) for _ in range(2)] == ["c3", "c4"]
    assert taken(queue, "c", ("a",)) == "a1"
    assert taken(queue, "c", ("a",)) == ""


def test_a_forecast_schedules_every_unit_once_and_by_time() -> None:
    """Of two equal slots, one does the long unit and the other the short ones."""
    scheduled = forecast([unit("a", 0, 6), *(unit("b", number, 1) for number in range(1, 6))], 2)
    assert [[scheduled_unit.label for scheduled_unit in slot] for slot in scheduled] == [
        ["a0"],
        ["b1", "b2", "b3", "b4", "b5"],
    ]


@pytest.mark.process
def test_each_unit_is_done_once_by_one_of_the_processes() -> None:
    """The results are in the order of the units, with more units than processes and with fewer."""
    assert each(actors.doubled, units([*range(20)]), TWO) == [*range(0, 40, 2)]
    assert each(actors.doubled, units([4]), TWO) == [8]


@pytest.mark.process
def test_an_error_in_a_process_is_raised_here_as_it_was() -> None:
    """Also one whose arguments do not make it."""
    with pytest.raises(DataError, match=r"there\.csv"):
        each(actors.refused, units(["there.csv"]), TWO)


@pytest.mark.process
def test_the_units_of_a_killed_process_are_done_again(tmp_path: Path) -> None:
    """Each unit kills the process that does it first; the lines say what is done again."""
    lines: list[str] = []
    paths: list[object] = [str(tmp_path / str(number)) for number in range(2)]
    assert each(actors.dies_once, units(paths), TWO, lines.append) == paths
    assert sorted(line.rpartition(" ")[2] for line in lines) == ["0", "1"]
    assert all("was ended by SIGKILL" in line for line in lines)


@pytest.mark.process
def test_a_unit_that_ends_every_process_is_one_line_with_the_last_words_of_the_process() -> None:
    """After three times it is the unit's fault."""
    with pytest.raises(RobustXtremeError) as raised:
        each(actors.dies, units([None]), TWO)
    assert "code 9" in str(raised.value)


@pytest.mark.process
@pytest.mark.parametrize(
    "how",
    some([signal.SIGKILL, signal.SIGINT], (signal.SIGKILL,)),
)
def test_processes_end_with_the_one_that_started_them(tmp_path: Path, how: signal.Signals) -> None:
    """`kill -9` and Ctrl-C leave no process."""
    command = [
        sys.executable,
        "-c",
        f"from tests.actors import schedule_sleeping; schedule_sleeping({str(tmp_path)!r})",
    ]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    scheduling = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    _wait_until(lambda: len([*tmp_path.iterdir()]) == 2)
    scheduling.send_signal(how)
    assert scheduling.wait(20) != 0
    _wait_until(lambda: not any(_is_alive(int(path.name)) for path in tmp_path.iterdir()))


def _is_alive(number: int) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("devices", "line"),
    [
        ("cpu,0", "'cpu' is not one"),
        ("0,3", "'3' is not one"),
        ("1,1", "'1' is not one"),
        ("0,2", "H200 and T4"),
    ],
)
def test_devices_that_are_not_here_or_differ_are_refused(
    monkeypatch: pytest.MonkeyPatch, devices: str, line: str
) -> None:
    """One line names what is wrong, and what there is."""
    _with_devices(monkeypatch, ["T4", "T4", "H200"])
    with pytest.raises(SpecError, match=line):
        processes(devices)


def test_each_process_sees_its_device_among_those_that_this_one_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Slurm job sees some devices of its machine, by other numbers."""
    _with_devices(monkeypatch, ["H200", "H200"])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    fleet = processes("all")
    assert (fleet.slots, fleet.visible) == (("cuda:0", "cuda:1"), ("4", "6"))
    assert (fleet.device, fleet.device_name) == ("cuda", "cuda: H200")


def test_all_devices_of_a_machine_without_any_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line says what else there is."""
    _with_devices(monkeypatch, [])
    with pytest.raises(SpecError, match="--devices cpu,cpu"):
        processes("all")


def _with_devices(monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: names[number])


def test_a_plan_names_what_each_device_would_do() -> None:
    """A line a device with its predictions; the largest share is the time of the run."""
    task_runs: list[Any] = [
        SimpleNamespace(label=f"xnli {code}", predictions=10, task=SimpleNamespace(name="xnli"), model=MODEL)
        for code in ("de", "en", "sw")
    ]
    lines, most = shares(task_runs, [1.0, 2.0, 1.5], ("cuda:0", "cuda:1"))
    assert lines == ["cuda:0: 20 predictions: xnli de, xnli sw", "cuda:1: 10 predictions: xnli en"]
    assert most == 2.5
