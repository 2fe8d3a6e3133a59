"""The program: its words, and the one boundary where every failure becomes a line and an exit code."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.program import FULL, Ended, program
from typer.testing import CliRunner

from robust_xtreme import __version__
from robust_xtreme.cli._app import build, command_names
from robust_xtreme.cli._errors import bounded, exit_code_of
from robust_xtreme.core.errors import DiskError, SpecError


def failing(error: BaseException) -> Callable[[], Any]:
    """A command that raises."""

    def run() -> None:
        raise error

    return run


PERMIT = "Permit reading and writing it, or name another."
FREE = "Free some or raise the limit (ulimit -v), or try smaller batches: batch_tokens in a file for --config."
NO_MEMORY = f"Out of memory. {FREE}"

NO_FILES = "Too many files are open. Raise the limit: ulimit -n."


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (SpecError("The strength '2' is not between 0 and 1."), 2, "The strength '2' is not between 0 and 1."),
        (DiskError("No room for the part files."), 3, "No room for the part files."),
        (OSError(errno.ENOSPC, "No space left", "out/parts"), 3, "The disk is full: out/parts. Free some space."),
        (
            PermissionError(errno.EACCES, "denied", "out"),
            3,
            f"Permission denied: out. {PERMIT}",
        ),
        (OSError(errno.ENAMETOOLONG, "long", "xx"), 2, "This path has a name that is too long for a file: xx"),
        (NotADirectoryError(errno.ENOTDIR, "no", "x/y"), 2, "This path has a file where a folder is needed: x/y"),
        (FileExistsError(errno.EEXIST, "there", "x"), 2, "This path is a file where a folder is needed: x"),
        (SpecError("a\nb\x1b[31m\u202e"), 2, r"a\nb\x1b[31m\u202e"),
        (SpecError("x" * 3000), 2, "x" * 2000 + "... (3000 characters)"),
        (MemoryError(), 3, NO_MEMORY),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), 3, NO_MEMORY),
        (RuntimeError("can't start new thread"), 3, NO_MEMORY),
        (type("PanicException", (BaseException,), {})("OS can't spawn worker thread"), 3, NO_MEMORY),
        (type("PanicException", (BaseException,), {})("Os { code: 24, message: 'Too many open files' }"), 3, NO_FILES),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (
            ZeroDivisionError("a\nb"),
            3,
            "This is a bug in robust-xtreme: ZeroDivisionError: a b (ROBUST_XTREME_TRACEBACK=1 shows where)",
        ),
    ],
)
def test_a_failure_is_one_line_and_a_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Users' mistakes exit 2, the environment and bugs 3, an interrupt 130; each says one line on stderr."""
    assert exit_code_of(failing(error)) == code
    assert capsys.readouterr() == ("", f"robust-xtreme: {line}\n")


def test_a_traceback_is_shown_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """ROBUST_XTREME_TRACEBACK=1 shows where a bug happened, before the line."""
    monkeypatch.setenv("ROBUST_XTREME_TRACEBACK", "1")
    assert exit_code_of(failing(ValueError("odd"))) == 3
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback")
    assert shown.splitlines()[-1].startswith("robust-xtreme: This is a bug")


def test_typer_s_own_exit_passes_the_boundary() -> None:
    """A command that ends itself with a code keeps it."""
    with pytest.raises(typer.Exit) as stop:
        bounded(failing(typer.Exit(1)))()
    assert stop.value.exit_code == 1


def test_a_command_that_fails_ends_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    """The boundary around a command turns its error into Typer's exit."""
    with pytest.raises(typer.Exit) as stop:
        bounded(failing(SpecError("No.")))()
    assert stop.value.exit_code == 2
    assert capsys.readouterr().err == "robust-xtreme: No.\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["lst"], "No such command 'lst'. Did you mean 'list'? See: robust-xtreme --help"),
        (["list"], "Missing argument 'WHAT'. See: robust-xtreme list --help"),
        (["train", "--seed", "x"], "--seed takes a whole number, not 'x'. See: robust-xtreme train --help"),
        (["gate", "r", "--margin", "x"], "--margin takes a number, not 'x'. See: robust-xtreme gate --help"),
        (["data", "check", "own"], "'own' is not expected. Did you mean --data own? See: robust-xtreme data --help"),
        (["list", "tsk"], "There is no list named 'tsk'. Did you mean 'tasks'? See: robust-xtreme list --help"),
    ],
)
def test_a_mistyped_command_is_one_line(words: list[str], line: str) -> None:
    """A usage error says what was wrong and the next command, in one line, and exits 2."""
    assert program(*words) == Ended(2, "", f"robust-xtreme: {line}\n")


def test_the_version_is_printed() -> None:
    """`--version` prints the version of the package."""
    assert program("--version") == Ended(0, f"robust-xtreme {__version__}\n", "")


def test_without_a_command_the_help_is_shown() -> None:
    """The bare program shows what it can do, with each command's first line."""
    done = program()
    assert done.code == 0
    assert all(name in done.out for name in command_names())


def test_every_command_documents_itself() -> None:
    """Each command has a summary, an example of its use, and a help text for each option."""
    for command in build().registered_commands:
        assert command.callback is not None
        assert "Example" in (command.callback.__doc__ or ""), command.name


@pytest.mark.parametrize("command", [[], *([name] for name in command_names())])
def test_help_is_whole_on_80_columns_and_shows_no_types(command: list[str]) -> None:
    """Nothing is cut, and neither flags nor arguments show a type of Python."""
    shown = CliRunner().invoke(build(), [*command, "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).output
    assert "--help" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown
    assert not re.search(r"<\w+>", shown)


def test_help_is_broken_where_the_terminal_ends() -> None:
    """A paragraph of a command's help flows: its lines do not stop where those of the source do."""
    shown = CliRunner().invoke(build(), ["train", "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"}).output
    assert "Runs in the same parent folder share equal stages" in " ".join(shown.split("\n")[5].split())


@pytest.mark.process
def test_a_reader_that_goes_away_is_not_an_error() -> None:
    """Piping a list into a program that stops reading ends quietly."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "robust_xtreme", "list", "languages", "--json"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_lists_are_json_on_request() -> None:
    """`list languages --json` is an array of all languages with every column; the fifty are marked."""
    document = json.loads(program("list", "languages", "--json").out)
    assert len(document) == 76
    assert [row["group"] for row in document].count("xtreme-r") == 50
    assert {"code", "script", "letters", "source", "licence"} <= set(document[0])


@pytest.mark.parametrize("what", ["perturbations", "tasks", "metrics", "languages"])
def test_lists_keep_their_words_whole_on_a_narrow_terminal(what: str) -> None:
    """On 80 columns a list has two columns; with --long, entries in lines of their own. No word is cut."""
    narrow = {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "80"}
    words = {"perturbations": "language's", "tasks": "token_accuracy", "metrics": "boundaries"}
    short = {**words, "tasks": "persons,", "languages": "Swahili,"}
    for options, word in (([], short[what]), (["--long"], words.get(what, "Indo-European"))):
        lines = CliRunner().invoke(build(), ["list", what, *options], env=narrow).stdout.splitlines()
        assert max(len(re.sub(r"\x1b\[\d*m", "", line)) for line in lines) <= 80
        assert any(word in line for line in lines)


@pytest.mark.parametrize("command", ["eval", "train"])
def test_a_limit_of_memory_that_torch_does_not_survive_is_named(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below it torch would end the process without a message."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (450_000 * 1024, resource.RLIM_INFINITY))
    done = program(command, "--plan")
    assert (done.code, "ulimit -v unlimited" in done.err) == (3, True)


@pytest.mark.parametrize("command", ["eval", "train"])
def test_a_limit_of_files_with_which_libraries_end_their_threads_is_named(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below it polars would print a trace, and a file of the run be taken for a damaged one."""
    limits = {resource.RLIMIT_AS: resource.RLIM_INFINITY, resource.RLIMIT_NOFILE: 31}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limits[kind], resource.RLIM_INFINITY))
    done = program(command, "--plan")
    line = "The limit of open files, 31 (ulimit -n), is below the 32 that a run needs. Raise it: ulimit -n 1024"
    assert (done.code, done.err) == (3, f"robust-xtreme: {line}\n")


@pytest.mark.process
@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        ("os.abort()", 3, f"The command was ended by SIGABRT, as happens where a library gets no memory. {FREE}"),
        ("raise MemoryError", 3, f"Out of memory. {FREE}"),
        ("os.kill(os.getpid(), signal.SIGINT)", 130, "Interrupted."),
        ("os.kill(os.getppid(), signal.SIGTERM)", 143, "Ended by SIGTERM."),
        ("os.kill(os.getppid(), signal.SIGKILL)", -9, None),
        ("return 0", 0, None),
    ],
    ids=["abort", "memory", "ctrl-c", "terminated", "killed", "done"],
)
def test_what_ends_a_run_where_addresses_are_limited_is_one_line(body: str, code: int, line: str | None) -> None:
    """A child computes there: its code is that of the program, also of one that a library ends; it is never left."""
    source = f"""
import os, resource, signal, sys, time, typer
from robust_xtreme.cli._errors import bounded
resource.setrlimit(resource.RLIMIT_AS, (8_000_000_000, resource.RLIM_INFINITY))
def eval():
    time.sleep(0.2)
    {body}
    time.sleep(60)
try:
    bounded(eval)()
except typer.Exit as stop:
    sys.exit(stop.exit_code)
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False, timeout=50)
    shown = "" if line is None else f"robust-xtreme: {line} The same command continues the run.\n"
    assert (done.returncode, done.stderr) == (code, shown)


def test_an_error_that_followed_from_too_little_memory_is_reported_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    """A library that reports another error after it does not hide the cause."""
    error = ValueError("no such layer")
    error.__context__ = MemoryError()
    assert exit_code_of(failing(error)) == 3
    assert "Out of memory" in capsys.readouterr().err


def test_errors_that_follow_from_each_other_end(capsys: pytest.CaptureFixture[str]) -> None:
    """polars 1.30 raised such a pair; it is reported as any error of the program is."""
    error, other = ValueError("no such column"), ValueError("no such frame")
    error.__cause__, other.__cause__ = other, error
    assert exit_code_of(failing(error)) == 3
    assert "no such column" in capsys.readouterr().err


@pytest.mark.process
@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_a_full_disk_for_stdout_is_one_line() -> None:
    """Where stdout cannot be written the last line says so, and the code is that of the environment."""
    command = [sys.executable, "-m", "robust_xtreme", "list", "languages"]
    with FULL.open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    line = "stdout cannot be written: No space left on device. Redirect it to another file."
    assert (done.returncode, done.stderr.splitlines()[1:]) == (3, [f"robust-xtreme: {line}"])


@pytest.mark.process
@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_a_line_that_cannot_be_written_keeps_its_code() -> None:
    """Where stderr cannot be written the exit code still says what went wrong."""
    command = [sys.executable, "-m", "robust_xtreme", "list", "tsk"]
    with FULL.open("w") as full:
        assert subprocess.run(command, stderr=full, stdout=subprocess.PIPE, check=False).returncode == 2


def test_any_text_is_shown_on_any_terminal() -> None:
    """Letters that the terminal's encoding does not have are escaped, not a failure."""
    done = program("show", "char_noise:0.1", "--languages", "yo", "Ẹ káàárọ̀", encoding="ascii")
    assert (done.code, done.err) == (0, "Next: robust-xtreme eval --perturb char_noise:0.1\n")
    assert "\\u" in done.out


GONE = "The folder that this was started in does not exist any more"


@pytest.mark.process
def test_a_folder_that_was_removed_is_reported(tmp_path: Path) -> None:
    """From a removed working folder no library loads: one line says so, with 3; nothing is to be installed again."""
    (tmp_path / "gone").mkdir()
    code = "import os, sys; os.chdir('gone'); os.rmdir('../gone'); from robust_xtreme.cli._app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "doctor"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    shown = done.stdout + done.stderr
    assert (done.returncode, "any more" in shown, "cd DIR" in shown) == (3, True, True), shown
    assert "pip install" not in shown


@pytest.mark.parametrize("words", [("eval",), ("train", "--tasks", "xnli")])
def test_nothing_is_computed_in_a_folder_that_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Runs end there before any library is asked for, with 3 and one line."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert program(*words) == Ended(3, "", f"robust-xtreme: {GONE}. Go to one that exists: cd DIR\n")
