"""A killed run goes on to the same bytes: at random times, and at every step of its final writing."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from tests.release import release
from tests.tiny import tiny_run

from robust_xtreme.results import store

DRIVER: Final = """
import os, signal, sys
from robust_xtreme.commands._app import main
from robust_xtreme.results import store

whole, left = store._replace, int(sys.argv.pop(1))

def killing(tmp, path):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    whole(tmp, path)

store._replace = killing
sys.argv[0] = "robust-xtreme"
main()
"""
"""`robust-xtreme`, killed just before the file with a given number appears (0: never)."""

NEVER: Final = 0
MANIFEST: Final = 2
WITHIN_A_PART: Final = 4
PARTS: Final = 8
FINAL_FILES: Final = 9
"""The last of these is the finished manifest."""


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A small eval: two tasks in two languages, clean and noisy."""
    folder = tmp_path_factory.mktemp("killed")
    run = tiny_run(folder / "tiny", ("xnli", "panx"))
    data = release(folder / "data")
    what = ["--tasks", "xnli,panx", "--perturb", "char_noise:0.2", "--device", "cpu"]
    return ["eval", "--model", str(run), "--data", str(data), *what]


def start(words: Sequence[str], out: Path, killed_at: int = NEVER) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-c", DRIVER, str(killed_at), *words, "--out", str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def hashes(folder: Path) -> dict[str, str]:
    """The sha256 of every file of a run but its log and its lock."""
    every = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("log.txt", ".lock")]
    return {str(path.relative_to(folder)): store.sha256(path) for path in every}


@pytest.fixture(scope="module")
def wanted(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], float]:
    """The hashes of a run that nobody kills, and how long it takes."""
    out = tmp_path_factory.mktemp("wanted") / "out"
    begun = time.monotonic()
    process = start(words, out)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return hashes(out), time.monotonic() - begun


def _finish(words: Sequence[str], out: Path) -> dict[str, str]:
    process = start(words, out)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return hashes(out)


def test_a_run_killed_before_a_file_appears_goes_on_to_the_same_bytes(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    """`kill -9` again and again, at the first file, the manifest, a part, and inside the final write: same bytes."""
    for killed_at in (1, MANIFEST, WITHIN_A_PART, PARTS + 1, FINAL_FILES):
        process = start(words, tmp_path / "out", killed_at)
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL, killed_at
    assert _finish(words, tmp_path / "out") == wanted[0]


def _killed_at_a_random_time(
    words: Sequence[str], wanted: tuple[dict[str, str], float], out: Path, draw: random.Random
) -> None:
    """Kill the run at any time between the middle of its imports and its end, then let it finish."""
    process = start(words, out)
    try:
        process.communicate(timeout=wanted[1] * draw.uniform(0.4, 1.0))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    assert _finish(words, out) == wanted[0]


def test_a_run_killed_at_a_random_time_goes_on_to_the_same_bytes(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    """`kill -9` while it imports, computes or writes changes nothing of the result."""
    _killed_at_a_random_time(words, wanted, tmp_path / "out", random.Random(0))


@pytest.mark.long
@pytest.mark.parametrize("time_drawn", range(20))
def test_a_run_killed_at_twenty_random_times_goes_on_to_the_same_bytes(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path, time_drawn: int
) -> None:
    """The same, twenty times."""
    _killed_at_a_random_time(words, wanted, tmp_path / "out", random.Random(100 + time_drawn))


def test_interrupting_a_run_is_one_line_and_exit_130(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    """Ctrl-C while it computes: one line, nothing half-written, and the same command finishes it."""
    out = tmp_path / "out"
    process = start(words, out)
    while not any((out / "parts").glob("*")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert said.strip().splitlines()[-1] == "robust-xtreme: Interrupted."
    assert "Traceback" not in said
    assert not [path for path in out.rglob("*") if ".tmp" in path.name]
    assert _finish(words, out) == wanted[0]
