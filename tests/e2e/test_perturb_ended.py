"""The command `perturb` ended from outside: by a signal, a limit, or a stdout that takes nothing."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.forks import Forked, How, forked
from tests.program import FULL, Ended, program

from robust_xtreme.cli import main
from robust_xtreme.cli._errors import ended, exit_code_of

Capture = pytest.CaptureFixture[str]
SPEC = "char_noise:0.3"
_FILES = 2


@contextmanager
def _begun(tmp_path: Path, *words: str) -> Iterator[Forked]:
    """The command in a process of its own, which has read one line of its stdin and waits for more."""
    pipe = tmp_path / "stdin"
    os.mkfifo(pipe)
    every = ["perturb", "-", "--format", "lines", "-l", "sw", "--perturb", SPEC, *words]
    process = forked(every, tmp_path / "printed", How(stdin=str(pipe)))
    with pipe.open("wb") as typed:
        typed.write(b"Habari ya asubuhi\n")
        typed.flush()
        yield process


def _wait_for(folder: Path, pattern: str, count: int) -> None:
    until = time.monotonic() + 60
    while len(list(folder.glob(pattern))) < count and time.monotonic() < until:
        time.sleep(0.05)
    assert len(list(folder.glob(pattern))) == count


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=lambda value: f"{value}"
)
def test_a_signal_leaves_nothing(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """Ended from outside in the middle of a file the command removes what it wrote, and says so in one line."""
    out = tmp_path / "out"
    out.mkdir()
    with _begun(tmp_path, "-o", str(out / "o"), "--edit-counts", str(out / "edit_counts")) as begun:
        _wait_for(out, "*", _FILES)
        assert begun.process.pid is not None
        os.kill(begun.process.pid, number)
        ending = begun.end()
    name = "Interrupted." if number == signal.SIGINT else f"Ended by {number.name}."
    assert ending == (code, f"robust-xtreme: {name}\n")
    assert list(out.iterdir()) == []


def test_a_hang_up_ends_it_as_well(capsys: Capture) -> None:
    """SIGHUP ends the command as SIGTERM does, with its own code and line; afterwards its old handler is back."""

    def run() -> None:
        with ended():
            os.kill(os.getpid(), signal.SIGHUP)
            signal.pause()

    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert exit_code_of(run) == 129
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
    assert capsys.readouterr() == ("", "robust-xtreme: Ended by SIGHUP.\n")


def test_a_limit_of_file_sizes_is_reported(tmp_path: Path) -> None:
    """The error says how to raise the limit, and no file stays."""
    (tmp_path / "in.txt").write_text("Habari ya asubuhi\n" * 2000)
    words = [str(tmp_path / "in.txt"), "-l", "sw", "--perturb", SPEC, "-o", str(tmp_path / "o"), "-q"]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        done = program("perturb", *words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (done.code, [path.name for path in tmp_path.iterdir()]) == (3, ["in.txt"])
    assert "ulimit -f" in done.err


NO_SPACE = "robust-xtreme: stdout cannot be written: No space left on device. Free some space, or name another file: "


@pytest.mark.process
def test_a_full_stdout_is_named() -> None:
    """Where stdout takes nothing, it is one line that names it, also where only the end of the process writes to it."""
    words = ["-", "--format", "lines", "-l", "sw", "--perturb", SPEC, "-o", "-", "-q"]
    command = [sys.executable, "-m", "robust_xtreme", "perturb", *words]
    with FULL.open("wb") as full:
        done = subprocess.run(command, input=b"Habari ya asubuhi\n", stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr.decode()) == (3, f"{NO_SPACE}--out FILE\n")


def test_a_stdout_that_fills_up_is_named(tmp_path: Path) -> None:
    """It is the same line where a file is longer than what stdout buffers."""
    (tmp_path / "in.txt").write_text("Habari ya asubuhi\n" * 20_000)
    words = [str(tmp_path / "in.txt"), "--format", "lines", "-l", "sw", "--perturb", SPEC, "-o", "-", "-q"]
    assert program("perturb", *words, stdout=str(FULL)) == Ended(3, "", f"{NO_SPACE}--out FILE\n")


def test_a_closed_stdout_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    """Without stdout, which Python then has none of, it is one line that asks for a file."""
    (tmp_path / "in.txt").write_text("Habari ya asubuhi\n")
    words = ["perturb", str(tmp_path / "in.txt"), "-l", "sw", "--perturb", SPEC, "-o", "-"]
    monkeypatch.setattr(sys, "argv", ["robust-xtreme", *words])
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit) as stop:
        main()
    assert (stop.value.code, "stdout is closed" in capsys.readouterr().err) == (2, True)


@pytest.mark.process
def test_a_closed_stderr_is_not_missed(tmp_path: Path) -> None:
    """Without stderr, whose number the next file that is opened gets, the file is written as ever."""
    (tmp_path / "in.txt").write_text("Habari ya asubuhi\n")
    words = f"'{sys.executable}' -m robust_xtreme perturb in.txt -l sw --perturb {SPEC} -o out 2>&-"
    done = subprocess.run(words, shell=True, cwd=tmp_path, capture_output=True, check=False)  # closes as a shell does
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "out").exists()


def test_what_was_killed_is_swept_up_by_the_next_run(tmp_path: Path) -> None:
    """A killed process leaves a partial file; the same command afterwards removes it."""
    (tmp_path / "in.txt").write_text("Habari ya asubuhi\n")
    out = tmp_path / "out"
    out.mkdir()
    with _begun(tmp_path, "-q", "-o", str(out / "o")) as begun:
        _wait_for(out, ".*.tmp", 1)
        begun.process.kill()
        begun.process.join()
    _wait_for(out, ".*.tmp", 1)
    words = ["--format", "lines", "-l", "sw", "--perturb", SPEC, "-q", "-o", str(out / "o")]
    assert program("perturb", str(tmp_path / "in.txt"), *words) == Ended(0, "", "")
    assert [path.name for path in out.iterdir()] == ["o"]
