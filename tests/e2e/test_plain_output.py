"""Output fits any terminal and any pipe: no unwanted colours, and no letters that the encoding does not have."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from tests.forks import forked
from tests.program import program
from tests.release import release
from tests.some import some
from tests.tiny import tiny_run

YORUBA = "Ẹ káàárọ̀"
SETTINGS = {
    "ascii": {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
    "no utf-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "CI": {"GITHUB_ACTIONS": "true"},
}
"""Environments in which programs meet surprises: each must get plain lines in a pipe."""


COLOURS = ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE")
COMMANDS = ("--help", "list languages", "cache")
TYPED = ("show", "char_noise:0.5", YORUBA, "--languages", "yo")
FORKED = ("ascii", "CI")
"""Settings whose every trait a process can take on after its start; the others need an interpreter of their own."""

DRIVER: Final = """
import os, sys
from robust_xtreme.cli._app import main

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


def forked_in(setting: str, words: tuple[str, ...], folder: Path) -> Printed:
    """Run a command in a forked process that takes on the traits of a setting, its output in files."""
    process = forked(words, folder / "printed", environment=SETTINGS[setting])
    code, errors = process.end()
    assert code is not None
    return Printed(code, process.output, errors.encode())


@functools.cache
def printed(setting: str, *commands: tuple[str, ...]) -> dict[tuple[str, ...], Printed]:
    """Run commands in one interpreter of a setting, its output in pipes."""
    wanted = {name: value for name, value in os.environ.items() if name not in COLOURS}
    driven = [word for words in commands for word in (*words, ":end:")]
    command = [sys.executable, "-c", DRIVER, *driven]
    done = subprocess.run(command, env={**wanted, **SETTINGS[setting]}, capture_output=True, check=False)
    outputs, errors = (stream.split(b"\0") for stream in (done.stdout, done.stderr))
    assert len(outputs) == 2 * len(commands) + 1, done.stderr
    parts = zip(commands, outputs[1::2], outputs[::2], errors[::2], strict=False)
    return {words: Printed(int(code), output, error) for words, code, output, error in parts}


LIGHT: Final = (*(tuple(command.split()) for command in COMMANDS), TYPED)


def commands_in(setting: str, words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """What the interpreter of a setting runs: the light commands and, where `eval` cannot be forked, `eval`."""
    return (*LIGHT, words) if setting == "no utf-8" else LIGHT


@pytest.mark.process
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("asked", COMMANDS)
def test_every_command_prints_plain_lines(asked: str, setting: str, tmp_path: Path) -> None:
    """No escape code is in pipes and files; what the encoding does not have is written in signs that it has."""
    if setting in FORKED:
        done = forked_in(setting, tuple(asked.split()), tmp_path)
    else:
        done = printed(setting, *LIGHT)[tuple(asked.split())]
    assert done.code == 0, done.errors
    assert all(line.startswith(b"Next: ") for line in done.errors.splitlines())
    assert done.output.strip()
    assert b"\x1b" not in done.output
    assert setting not in ("ascii", "no utf-8") or done.output.isascii()


@pytest.mark.process
@pytest.mark.parametrize("setting", some(SETTINGS, FORKED))
def test_eval_prints_plain_lines(words: tuple[str, ...], setting: str, tmp_path: Path) -> None:
    """Progress, table and report line have no escape codes, and a bar of blocks becomes signs in ASCII."""
    commands = commands_in(setting, words)
    done = printed(setting, *commands)[words] if words in commands else forked_in(setting, words, tmp_path)
    assert done.code == 0, done.errors
    assert b"Report: " in done.output
    assert b"\x1b" not in done.output + done.errors
    assert b"\\u25" not in done.output
    assert setting not in ("ascii", "no utf-8") or done.output.isascii()


@pytest.mark.process
def test_a_text_is_taken_as_it_was_typed() -> None:
    """In a locale without letters beyond ASCII a text is still UTF-8: its letters, not its bytes, are noised."""
    done = printed("no utf-8", *LIGHT)[TYPED]
    assert (done.code, done.errors) == (0, b"Next: robust-xtreme eval --perturb char_noise:0.5\n")
    assert b"DC" not in done.output


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """A terminal: the end from which what it shows is read, and its name."""
    ours, theirs = os.openpty()
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("colours", [True, False])
def test_without_colours_signs_mark_the_edits(
    colours: bool, terminal: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR on a terminal: edits are shown by signs, as in a pipe, and no colour is set."""
    for name in COLOURS:
        monkeypatch.delenv(name, raising=False)
    environment = {"TERM": "xterm", "COLUMNS": "160", **({} if colours else {"NO_COLOR": "1"})}
    words = ("show", "char_noise:0.5", "--languages", "sw", "Habari ya asubuhi")
    assert program(*words, stdout=terminal[1], **environment).code == 0
    shown = os.read(terminal[0], 1 << 16)
    assert (b";31m" in shown) == colours
    assert (b"[-" in shown) != colours
    assert colours or not (b"31m" in shown or b"32m" in shown)
