"""Output that any terminal and any pipe can take: no colours where none are wanted, no letters that cannot be shown."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests.forks import forked
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


COMMANDS = ("--help", "eval --help", "list tasks", "list languages", "cache", "data --data mini")
TYPED = ("show", "char_noise:0.5", YORUBA, "--language", "yo")
FORKED = ("C", "ascii", "CI")
"""Places whose every trait a process can take on after its start; the others need an interpreter of their own."""

DRIVER: Final = """
import os, sys
from robust_xtreme.commands._app import main

words = sys.argv[1:]
while words:
    end = words.index(":end:")
    sys.argv, words = ["robust-xtreme", *words[:end]], words[end + 1 :]
    try:
        main()
    except SystemExit as stop:
        code = stop.code or 0
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.write(stream.fileno(), b"\\0%d" % code + b"\\0")
"""
"""The program on several commands, each ended by the word `:end:`, in one process: after each its exit code."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command left."""

    code: int
    output: bytes
    errors: bytes


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """An eval that is finished after its first call."""
    folder = tmp_path_factory.mktemp("plain")
    what = ["--tasks", "panx", "--languages", "sw", "--limit", "30", "--perturb", "char_noise:0.2", "--device", "cpu"]
    where = ["--model", str(tiny_run(folder / "tiny", ("panx",))), "--data", str(release(folder / "data"))]
    return ("eval", *where, *what, "--out", str(folder / "out"))


@functools.cache
def printed(folder: str, *commands: tuple[str, ...]) -> dict[tuple[str, ...], Printed]:
    """Run commands in one process of a place, its output in pipes."""
    wanted = {
        name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE")
    }
    driven = [word for words in commands for word in (*words, ":end:")]
    command = [sys.executable, "-c", DRIVER, *driven]
    done = subprocess.run(command, env={**wanted, **PLACES[folder]}, capture_output=True, check=False)
    outputs, errors = (stream.split(b"\0") for stream in (done.stdout, done.stderr))
    assert len(outputs) == 2 * len(commands) + 1, done.stderr
    parts = zip(commands, outputs[1::2], outputs[::2], errors[::2], strict=False)
    return {words: Printed(int(code), output, error) for words, code, output, error in parts}


LIGHT: Final = (*(tuple(command.split()) for command in COMMANDS), TYPED)


@pytest.mark.parametrize("folder", PLACES)
@pytest.mark.parametrize("asked", COMMANDS)
def test_every_command_prints_plain_lines_into_a_pipe(asked: str, folder: str) -> None:
    """No escape code is in a pipe, and what the encoding does not have is written in signs that it has."""
    done = printed(folder, *LIGHT)[tuple(asked.split())]
    assert (done.code, done.errors) == (0, b"")
    assert done.output.strip()
    assert b"\x1b" not in done.output
    assert folder not in ("ascii", "no utf-8") or done.output.isascii()


@pytest.mark.parametrize("folder", PLACES)
def test_eval_prints_plain_lines_into_a_pipe(words: tuple[str, ...], folder: str, tmp_path: Path) -> None:
    """Progress, table and report line have no escape codes, and a bar of blocks becomes signs in ASCII."""
    if folder in FORKED:
        process = forked(words, tmp_path / "printed", environment=PLACES[folder])
        code, errors = process.end()
        done = Printed(code or 0, process.output, errors.encode())
    else:
        done = printed(folder, words)[words]
    assert done.code == 0, done.errors
    assert b"Report: " in done.output
    assert b"\x1b" not in done.output + done.errors
    assert b"\\u25" not in done.output
    assert folder not in ("ascii", "no utf-8") or done.output.isascii()


@pytest.mark.parametrize("folder", ["C", "no utf-8"])
def test_a_text_is_taken_as_it_was_typed(folder: str) -> None:
    """In a locale without letters beyond ASCII a text is still UTF-8: its letters, not its bytes, are noised."""
    done = printed(folder, *LIGHT)[TYPED]
    assert (done.code, done.errors) == (0, b"")
    assert b"DC" not in done.output


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
