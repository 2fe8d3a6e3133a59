"""The error boundary: every error is one line on stderr and an exit code.

0 done, 1 a failed gate, 2 a user's mistake or a mismatch, 3 a bug or the environment, 130 interrupted; 143 and 129
where SIGTERM or SIGHUP ended a command that cleans up (`perturb`).
ROBUST_XTREME_TRACEBACK=1, or the `-v` of `train` and `eval`, shows the traceback as well.
"""

import contextlib
import ctypes
import functools
import io
import os
import re
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import typer

from robust_xtreme.core.errors import RobustXtremeError, UnreadableFiles, out_of_files, plain, shown
from robust_xtreme.core.sinks import echo, lossy, lost, one_line
from robust_xtreme.core.subprocesses import ending, reports_memory

ENVIRONMENT: Final = 3
INTERRUPTED: Final = 130
_TRACEBACK: Final = "ROBUST_XTREME_TRACEBACK"
_PLAIN: Final = "_TYPER_FORCE_DISABLE_TERMINAL"
_FREE: Final = "Free some or raise the limit (ulimit -v), or try smaller batches: batch_tokens in a file for --config."
_GB: Final = 10**9
_LEAST: Final = 1_900_000_000
"""The address space without which torch ends the process instead of raising an error."""

_FILES: Final = 32
"""Files that one process may have open at least; with fewer some libraries print a trace and end their threads."""

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
_COMPUTING: Final = ("eval", "train", "study")
PLANNING: Final = frozenset({"--plan", "--dry-run"})
_NUMBERS: Final = {"int_parsing": "a whole number", "int_parsing_size": "a shorter number", "float_parsing": "a number"}
NOWHERE: Final = "The folder that this was started in does not exist any more"
_ELSEWHERE: Final = "Go to one that exists: cd DIR"


def exit_code_of(run: Callable[[], object], continues: str = "") -> int:
    """Run something that returns an exit code or None, and return the code; errors become one line on stderr.

    Exits of typer pass through. `continues` says how an interrupted command is continued.
    """
    try:
        with plain():
            code = run()
    except typer.Exit:
        raise
    except SystemExit as stop:
        return int(stop.code or 0)
    except KeyboardInterrupt as stop:
        match stop.args:
            case (signal.Signals() as number, *_):
                return _say(f"Ended by {number.name}.{continues}", 128 + number)
        return _say(f"Interrupted.{continues}", INTERRUPTED)
    except BaseException as error:
        # polars raises a PanicException, which is no Exception, where a thread gets no memory
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            return _report(error, continues)
        raise
    return _flushed(code)


def _flushed(code: object) -> int:
    """The exit code: a verdict where the command returned one; else 0, unless stdout could not be written."""
    if sys.stdout is not None:
        sys.stdout.flush()
    done = code if isinstance(code, int) else None
    error = lost(sys.stdout)
    if error is None or isinstance(error, BrokenPipeError):
        return done or 0
    line = f"stdout cannot be written: {error.strerror}. Redirect it to another file."
    return _say(line, ENVIRONMENT if done is None else done)


@contextlib.contextmanager
def ended() -> Iterator[None]:
    """Within this context SIGTERM and SIGHUP end a command like Ctrl-C, so that it removes incomplete files.

    A signal that is ignored, as under nohup, stays ignored; a repeated signal counts once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt(signal.Signals(number))

    ours = [number for number in _ENDING if signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in ours:
            signal.signal(number, end)
        signal.siginterrupt(signal.SIGINT, True)  # else polars' handler has a read of stdin continue after Ctrl-C
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def bounded(command: Callable[..., object]) -> Callable[..., None]:
    """The command inside the error boundary: it ends with an exit code, never with an exception."""

    computes = command.__name__ in _COMPUTING

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        continues = _continuing() if computes else ""

        def here() -> object:
            if computes:
                _check_room()
            if (code := _of_child(continues)) is not None:
                return code
            with ended() if computes else contextlib.nullcontext():
                return command(*args, **options)

        if code := exit_code_of(here, continues):
            raise typer.Exit(code)

    return run


def _of_child(continues: str) -> int | None:
    """Where addresses are limited the exit code of a child, as a shell has it; None in the child, and without a limit.

    Torch, polars and tokenizers end their process where they get no memory, instead of raising an error.
    """
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY or threading.active_count() > 1:
        return None
    if not (child := os.fork()):
        with contextlib.suppress(OSError, AttributeError):  # on Linux it ends with its parent: PR_SET_PDEATHSIG
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        return None
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to both
    for number in _ENDING:
        signal.signal(number, lambda number, _: os.kill(child, number))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code >= 0:
        return code
    what = f"The command {ending(code, b'')}, as happens where a library gets no memory"
    return _say(f"{what}. {_FREE}{continues}", ENVIRONMENT)


def _continuing() -> str:
    """How an interrupted run is continued; empty for a plan, which computes nothing."""
    if not PLANNING.isdisjoint(sys.argv):
        return ""
    return f" The same command{' without --force' if '--force' in sys.argv else ''} continues the run."


def _check_room() -> None:
    """Raise RobustXtremeError without a working folder, memory for torch, or the files that a run has open."""
    if not is_somewhere():
        raise RobustXtremeError(f"{NOWHERE}. {_ELSEWHERE}")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < _LEAST:
        what = f"The limit of memory, {limit / _GB:.1f} GB (ulimit -v), is below the {_LEAST / _GB:.1f} GB"
        raise RobustXtremeError(f"{what} that torch needs. Raise it: ulimit -v unlimited")
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < _FILES:
        what = f"The limit of open files, {files} (ulimit -n), is below the {_FILES} that a run needs"
        raise RobustXtremeError(f"{what}. Raise it: ulimit -n 1024")


def is_somewhere() -> bool:
    """Whether the working folder exists; without it libraries end the process."""
    try:
        return Path.cwd().is_dir()
    except OSError:
        return False


def _is_of_memory(error: BaseException, more: int = 50) -> bool:
    """Whether an error, or one that it followed from, reports too little memory; it may follow from itself."""
    cause = error.__cause__ or error.__context__
    reports = isinstance(error, MemoryError) or reports_memory(str(error))
    return reports or (cause is not None and more > 0 and _is_of_memory(cause, more - 1))


def _report(error: BaseException, continues: str = "") -> int:
    asked = os.environ.get(_TRACEBACK, "") not in ("", "0")
    if asked or not {"-v", "-vv", "--verbose"}.isdisjoint(sys.argv[1:]):
        echo("".join(traceback.format_exception(error)), error=True, end="")
    match error:
        case UnreadableFiles():
            return max(_say(line, error.exit_code) for line in error.lines)
        case RobustXtremeError():
            return _say(str(error), error.exit_code)
        case _ if hasattr(error, "format_message"):
            return _say(_usage(error), 2)
        case SystemError() if not is_somewhere():  # of an import in Python 3.13.0
            return _say(f"{NOWHERE}. {_ELSEWHERE}", ENVIRONMENT)
        case _ if (limited := out_of_files(error)) is not None:
            return _say(str(limited), limited.exit_code)
        case _ if _is_of_memory(error):
            return _say(f"Out of memory. {_FREE}{continues}", ENVIRONMENT)
        case _:
            what = f"{type(error).__name__}: {' '.join(str(error).split()) or 'no message'}"
            return _say(f"This is a bug in robust-xtreme: {what} ({_TRACEBACK}=1 shows where)", ENVIRONMENT)


def _usage(error: Any) -> str:
    """A usage error of typer, with the help of the command that was typed."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "robust-xtreme"
    option = getattr(error, "option_name", "")
    if context and (line := getattr(context.command.callback, "file_lines", {}).get(option)):
        file = "the file that --config names, as in --config FILE.toml"
        if not command.endswith(" eval"):
            file = f"the file of the run, as in {command} FILE.toml, or into the table of its stage there"
        return (
            f"{option} is a key of files alone. Write {line}, with your value, into {file}. "
            "See: robust-xtreme config keys"
        )
    message = " ".join(str(error.format_message()).split())
    for problem in getattr(error.__cause__, "errors", list)():  # of the library that parses values
        if kind := _NUMBERS.get(problem["type"]):
            message = f"{error.param.opts[0]} takes {kind}, not {shown(problem['input'])}"
    extra = re.fullmatch(r"Got unexpected extra argument\S* \((\S+)\)\.?", message)
    if extra and context and any("--data" in option.opts for option in context.command.params):
        message = f"{extra[1]!r} is not expected. Did you mean --data {extra[1]}?"
    return f"{message}{'' if message.endswith(('.', '!', '?')) else '.'} See: {command} --help"


def _say(line: str, code: int) -> int:
    echo(f"robust-xtreme: {one_line(line)}", error=True)
    return code


def printable() -> None:
    """Let stdout and stderr take any text, escaping what they cannot encode; help in a pipe has no colours.

    What they cannot write is dropped, and the command continues: its exit code does not depend on who reads it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed by the parent process: else the first file that is opened gets its number
            os.open(os.devnull, os.O_RDWR)
    if (sys.stdout is None or not sys.stdout.isatty()) and not os.environ.get("FORCE_COLOR"):
        os.environ.setdefault(_PLAIN, "1")
    for name in ("stdout", "stderr"):
        if isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            setattr(sys, name, lossy(stream))
