"""A killed run continues to the same bytes: at random times, and at every step of its final writing."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from tests.forks import NEVER, Forked, How, forked
from tests.release import release
from tests.tiny import tiny_run

from robust_xtreme.files import store
from robust_xtreme.files.journal import JOURNAL

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


def hashes(folder: Path) -> dict[str, str]:
    """The sha256 of every file of a run but its log and its lock."""
    every = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("log.txt", ".lock", JOURNAL)]
    return {str(path.relative_to(folder)): store.sha256(path) for path in every}


@pytest.fixture(scope="module")
def wanted(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], float]:
    """The hashes of a run that nobody kills, and how long it takes."""
    folder = tmp_path_factory.mktemp("wanted")
    forked(["--version"], folder / "version").end()
    begun = time.monotonic()
    return _finish(words, folder / "out"), time.monotonic() - begun


def start(words: Sequence[str], out: Path, killed_at: int = NEVER, killed_in: int = NEVER) -> Forked:
    """The command in a process of its own."""
    return forked([*words, "--out", str(out)], out.with_name(f"{out.name}.printed"), How(killed_at, killed_in))


def _finish(words: Sequence[str], out: Path) -> dict[str, str]:
    code, errors = start(words, out).end()
    assert code == 0, errors
    return hashes(out)


def test_a_run_killed_before_a_file_appears_continues_to_the_same_bytes(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    """`kill -9` again and again, at the first file, the manifest, a part, and inside the final write: same bytes."""
    for killed_at in (1, MANIFEST, WITHIN_A_PART, PARTS + 1, FINAL_FILES):
        assert start(words, tmp_path / "out", killed_at).end()[0] == -signal.SIGKILL, killed_at
    assert _finish(words, tmp_path / "out") == wanted[0]


@pytest.mark.long
def test_an_attack_killed_in_its_rounds_continues_to_the_same_bytes(tmp_path: Path) -> None:
    """`kill -9` in a later pass each time: what was asked before is not asked again, and the run ends the same."""
    what = ["--tasks", "xnli,panx", "--languages", "sw", "--limit", "12", "--perturb", "attack_keys:0.2@queries=20"]
    (tmp_path / "tokens.toml").write_text("batch_tokens = 256")
    words = ["eval", *what, "--config", str(tmp_path / "tokens.toml")]
    wanted = _finish([*words, "--no-cache"], tmp_path / "wanted")
    for killed_in in (3, 9, 27):
        assert start(words, tmp_path / "out", killed_in=killed_in).end()[0] == -signal.SIGKILL, killed_in
    assert _finish(words, tmp_path / "out") == wanted


@pytest.mark.long
@pytest.mark.parametrize("time_drawn", range(100))
def test_a_run_killed_at_a_hundred_random_times_continues_to_the_same_bytes(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path, time_drawn: int
) -> None:
    """`kill -9` while it plans, computes or writes changes nothing of the result."""
    command = start(words, tmp_path / "out")
    command.end(wanted[1] * random.Random(time_drawn).uniform(0.0, 1.0))
    command.process.kill()
    command.end()
    assert _finish(words, tmp_path / "out") == wanted[0]


def test_interrupting_a_run_is_one_line_and_exit_130(
    words: list[str], wanted: tuple[dict[str, str], float], tmp_path: Path
) -> None:
    """Ctrl-C while it computes: one line, nothing half-written, and the same command finishes it."""
    out = tmp_path / "out"
    command = start(words, out)
    while not any((out / "parts").glob("*")) and command.process.is_alive():
        time.sleep(0.01)
    command.interrupt()
    code, errors = command.end()
    assert code == 130
    assert errors.strip().splitlines()[-1] == "robust-xtreme: Interrupted. The same command continues the run."
    log = (out / "log.txt").read_text(encoding="utf-8")
    assert log.endswith("Z interrupted\n")
    assert "Traceback" not in errors + log
    assert not [path for path in out.rglob("*") if ".tmp" in path.name]
    assert _finish(words, out) == wanted[0]
