"""Output that any terminal and any pipe can take: no colours where none are wanted, no letters that cannot be shown."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.release import release
from tests.tiny import tiny_run

YORUBA = "Ẹ káàárọ̀"
PLACES = {
    "C": {"LC_ALL": "C"},
    "ascii": {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    "no utf-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "CI": {"GITHUB_ACTIONS": "true"},
}
"""Environments in which programs meet surprises: each must get plain lines in a pipe."""


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """An eval that is finished after its first call."""
    folder = tmp_path_factory.mktemp("plain")
    what = ["--tasks", "panx", "--languages", "sw", "--limit", "30", "--perturb", "char_noise:0.2", "--device", "cpu"]
    where = ["--model", str(tiny_run(folder / "tiny", ("panx",))), "--data", str(release(folder / "data"))]
    return ["eval", *where, *what, "--out", str(folder / "out")]


def program(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run `robust-xtreme` in a process of its own, its output in pipes."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE")
    }
    command = [sys.executable, "-m", "robust_xtreme", *words]
    return subprocess.run(command, env={**kept, **environment}, capture_output=True, check=False)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "asked",
    [["--help"], ["eval", "--help"], ["list", "tasks"], ["list", "languages"], ["cache"], ["data", "--data", "mini"]],
    ids=" ".join,
)
def test_every_command_prints_plain_lines_into_a_pipe(asked: list[str], place: str) -> None:
    """No escape code stands in a pipe, and what the encoding lacks is written in signs that it has."""
    done = program(*asked, **PLACES[place])
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.strip()
    assert b"\x1b" not in done.stdout
    assert place not in ("ascii", "no utf-8") or done.stdout.isascii()


@pytest.mark.parametrize("place", PLACES)
def test_eval_prints_plain_lines_into_a_pipe(words: list[str], place: str) -> None:
    """Progress, table and report line have no escape codes, and a bar of blocks becomes signs in ASCII."""
    done = program(*words, **PLACES[place])
    assert done.returncode == 0, done.stderr
    assert b"Report: " in done.stdout
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"\\u25" not in done.stdout
    assert place not in ("ascii", "no utf-8") or done.stdout.isascii()


@pytest.mark.parametrize("place", ["C", "no utf-8"])
def test_a_text_is_taken_as_it_was_typed(place: str) -> None:
    """In a locale without letters beyond ASCII a text is still UTF-8: its letters, not its bytes, are noised."""
    done = program("show", "char_noise:0.5", YORUBA, "--language", "yo", **PLACES[place])
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"DC" not in done.stdout


def test_without_colours_signs_mark_the_edits() -> None:
    """NO_COLOR on a terminal: edits are shown by signs, as in a pipe, and no colour is set."""
    code = (
        "import os, pty, sys\n"
        "code = pty.spawn([sys.executable, '-m', 'robust_xtreme', 'show', 'char_noise:0.5', '--language', 'sw',"
        " 'Habari ya asubuhi'])\n"
        "sys.exit(os.waitstatus_to_exitcode(code))"
    )
    shown = {}
    for name, asked in (("colours", {}), ("none", {"NO_COLOR": "1"})):
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160", **asked}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout
        shown[name] = done.stdout
    assert b"[-" in shown["none"]
    assert b";31m" in shown["colours"]
    assert b"31m" not in shown["none"]
    assert b"32m" not in shown["none"]
