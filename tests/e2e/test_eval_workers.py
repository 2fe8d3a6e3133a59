"""Worker processes: the same bytes for any number; when they, or the run, are killed, nothing is lost or left."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.e2e.test_eval_killed import hashes
from tests.forks import Forked, forked
from tests.release import release
from tests.some import some
from tests.tiny import tiny_run

pytestmark = pytest.mark.process

_PATIENCE: Final = 20.0
_LEFT_OUT: Final = ("run.toml", "manifest.json")
"""They have the number of workers, which is not part of a run's identity."""


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A small eval: two tasks in two languages, clean and noisy, without the cache."""
    folder = tmp_path_factory.mktemp("workers")
    run = tiny_run(folder / "tiny", ("xnli", "panx"))
    what = ["--tasks", "xnli,panx", "--perturb", "char_noise:0.2", "--device", "cpu", "--no-cache"]
    return ["eval", "--model", str(run), "--data", str(release(folder / "data")), *what]


@pytest.fixture(scope="module")
def wanted(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], float]:
    """The hashes of a run with two workers that nobody kills, and how long it takes."""
    folder = tmp_path_factory.mktemp("wanted")
    forked(["--version"], folder / "version").end()
    begun = time.monotonic()
    return finished(words, folder / "out", 2), time.monotonic() - begun


def start(words: list[str], out: Path, workers: int) -> Forked:
    """The command in a process of its own."""
    file = out.with_name(f"{out.name}.toml")
    file.write_text(f"workers = {workers}")
    return forked([*words, "--config", str(file), "--out", str(out)], out.with_name(f"{out.name}.printed"))


def finished(words: list[str], out: Path, workers: int) -> dict[str, str]:
    """The hashes of a run that is not disturbed any more."""
    code, errors = start(words, out, workers).end()
    assert code == 0, errors
    return {name: digest for name, digest in hashes(out).items() if name not in _LEFT_OUT}


def workers_of(command: Forked) -> list[int]:
    """The numbers of the worker processes that a command has now; the process that draws charts is none."""
    parents = {int(path.name): _parent(path) for path in Path("/proc").iterdir() if path.name.isdecimal()}
    return [number for number, parent in parents.items() if parent == command.process.pid and _computes(number)]


def is_computed(command: Forked, out: Path) -> bool:
    """Whether a run has begun, with two workers."""
    return (out / "manifest.json").exists() and len(workers_of(command)) == 2


def _computes(number: int) -> bool:
    try:
        return b"robust_xtreme.workers.child" in Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:  # it ended
        return False


def _parent(path: Path) -> int:
    """The number of the process that started a process which still computes; 0 where there is none."""
    try:
        state, parent = (path / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:2]
    except OSError:
        return 0
    return 0 if state == "Z" else int(parent)


def until(reached: Callable[[], object]) -> None:
    """Wait for something that comes soon. Raises AssertionError where it does not."""
    begun = time.monotonic()
    while not reached():
        assert time.monotonic() - begun < _PATIENCE
        time.sleep(0.01)


def alive(numbers: list[int]) -> list[int]:
    """Those of some processes that still compute."""
    return [number for number in numbers if _parent(Path("/proc", str(number)))]


@pytest.mark.parametrize("workers", some([0, 1], (0,)))
def test_any_number_of_workers_gives_the_same_bytes(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path, workers: int
) -> None:
    """None and one, as two."""
    assert finished(words, tmp_path / "out", workers) == wanted[0]


def _worker_killed(words: list[str], wanted: tuple[dict[str, str], float], out: Path, draw: random.Random) -> None:
    """Kill one worker at any time of the run; it finishes all the same, and no process is left."""
    command = start(words, out, 2)
    command.end(wanted[1] * draw.uniform(0.0, 1.0))
    numbers = workers_of(command)
    for number in numbers[:1]:
        os.kill(number, signal.SIGKILL)
    code, errors = command.end()
    assert code == 0, errors
    assert "Traceback" not in errors
    assert {name: digest for name, digest in hashes(out).items() if name not in _LEFT_OUT} == wanted[0]
    until(lambda: not alive(numbers))


def _run_killed(words: list[str], wanted: tuple[dict[str, str], float], out: Path, draw: random.Random) -> None:
    """Kill the run at any time: its workers end, and the same command continues to the same bytes."""
    command = start(words, out, 2)
    command.end(wanted[1] * draw.uniform(0.0, 1.0))
    numbers = workers_of(command)
    command.process.kill()
    command.end()
    until(lambda: not alive(numbers))
    assert finished(words, out, 2) == wanted[0]


def test_a_worker_killed_while_it_computes_changes_nothing(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    """Its task runs are computed again."""
    command = start(words, tmp_path / "out", 2)
    until(lambda: is_computed(command, tmp_path / "out"))
    os.kill(workers_of(command)[0], signal.SIGKILL)
    code, errors = command.end()
    assert (code, "Traceback" in errors) == (0, False), errors
    done = {name: digest for name, digest in hashes(tmp_path / "out").items() if name not in _LEFT_OUT}
    assert done == wanted[0]


def test_a_run_killed_while_its_workers_compute_leaves_no_process(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    """They see its end; then the command without workers continues to the same bytes."""
    out = tmp_path / "out"
    command = start(words, out, 2)
    until(lambda: any((out / "parts").glob("*")) or not command.process.is_alive())
    numbers = workers_of(command)
    command.process.kill()
    command.end()
    until(lambda: not alive(numbers))
    assert finished(words, out, 0) == wanted[0]


@pytest.mark.long
@pytest.mark.parametrize("time_drawn", range(50))
def test_workers_and_runs_killed_at_fifty_random_times_change_nothing(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path, time_drawn: int
) -> None:
    """The same, at any time, for a worker and for the run."""
    _worker_killed(words, wanted, tmp_path / "worker", random.Random(200 + time_drawn))
    _run_killed(words, wanted, tmp_path / "run", random.Random(300 + time_drawn))


def test_interrupting_a_run_with_workers_is_one_line(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    """Ctrl-C ends the workers, too; nothing is half-written, and the command without workers finishes the run."""
    out = tmp_path / "out"
    command = start(words, out, 2)
    until(lambda: is_computed(command, out))
    numbers = workers_of(command)
    command.interrupt()
    code, errors = command.end()
    assert code == 130
    assert "Interrupted" in errors.strip().splitlines()[-1]
    assert "Traceback" not in errors
    until(lambda: not alive(numbers))
    assert not [path for path in out.rglob("*") if ".tmp" in path.name]
    assert finished(words, out, 0) == wanted[0]
