"""`robust-xtreme` in processes of its own that begin with everything imported: a server imports once and forks."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

NEVER: Final = 0
_IMPORTED: Final = ["tests.forks", "tests.preloaded"]
DRAWING: Final = '"robust_xtreme.report.charts.drawing"'
"""In the command of the process that draws charts."""

_SECONDS: Final = 120
_STREAMS: Final = ("stdout", "stderr")
_CONTEXT: Final = multiprocessing.get_context("forkserver")


@dataclass(frozen=True, slots=True)
class Forked:
    """A process that runs the program, and the folder of what it prints."""

    process: BaseProcess
    folder: Path

    def end(self, seconds: float = _SECONDS) -> tuple[int | None, str]:
        """The exit code (minus the signal that killed it; None where it still runs) and its standard error."""
        self.process.join(seconds)
        return self.process.exitcode, (self.folder / "stderr").read_text(encoding="utf-8")

    @property
    def output(self) -> bytes:
        """Its standard output."""
        return (self.folder / "stdout").read_bytes()

    def interrupt(self) -> None:
        """Send it the signal of Ctrl-C."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGINT)


def process(function: Callable[..., object], *arguments: object) -> BaseProcess:
    """A function of a module, begun in a process of its own; tests close their ends of pipes after this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        _CONTEXT.set_forkserver_preload(_IMPORTED)
        forkserver.ensure_running()
    begun = _CONTEXT.Process(target=function, args=arguments)
    begun.start()
    return begun


@dataclass(frozen=True, slots=True)
class How:
    """How a program is run: optionally killed just before its n-th file appears, its n-th pass through a model, or the
    charts of its page, or without sockets and processes but the one that draws charts.

    It reads the file `stdin`, such as a pipe, starts in a folder, and leads a session where that is asked for. Last
    before it begins `prepare` is called.
    """

    killed_at: int = NEVER
    killed_in: int = NEVER
    killed_drawing: bool = False
    without_sockets: bool = False
    stdin: str = os.devnull
    folder: str = ""
    leads: bool = False
    prepare: Callable[[], object] = str


def forked(words: Sequence[str], folder: Path, how: How | None = None, environment: Mapping[str, str] = {}) -> Forked:
    """Start the program on some words, with changes to the environment; what it prints goes into the folder."""
    folder.mkdir(exist_ok=True)
    for name in _STREAMS:
        (folder / name).write_bytes(b"")
    return Forked(process(_run, list(words), {**os.environ, **environment}, str(folder), how or How()), folder)


def _run(words: list[str], environment: dict[str, str], folder: str, how: How) -> None:
    from robust_xtreme.cli import main
    from robust_xtreme.files import new_files
    from robust_xtreme.models.predictors import loaded
    from robust_xtreme.report.charts import drawing

    set_environment(environment)
    if how.leads:
        os.setsid()
    os.chdir(how.folder or ".")
    for number, name in enumerate(_STREAMS, 1):
        os.dup2(os.open(Path(folder, name), os.O_WRONLY | os.O_APPEND), number)
    sys.stdin = Path(how.stdin).open(encoding="utf-8")  # noqa: SIM115 - the end of the process closes it
    if how.killed_at:
        _kill_before(new_files, "replace", how.killed_at)
    if how.killed_in:
        _kill_before(loaded, "start", how.killed_in)
    if how.killed_drawing:
        _kill_before(drawing.Drawing, "svgs", 1)
    if how.without_sockets:
        sys.addaudithook(refuse)
    sys.argv = ["robust-xtreme", *words]
    how.prepare()
    main()


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise where a process connects to anything or starts another one, but for that of charts."""
    if event == "subprocess.Popen" and DRAWING in arguments[1]:
        return
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.posix_spawn"):
        raise AssertionError(f"opened {event} {arguments}")
    if event == "socket.__new__" and arguments[1] != socket.AF_UNIX:
        raise AssertionError(f"opened a socket {arguments}")


def set_environment(environment: Mapping[str, str]) -> None:
    """Set the environment, and with it the hub's folder and address, the folder of temporary files and the encoding of
    the streams.

    The server read these when it began.
    """
    from huggingface_hub import constants

    os.environ.clear()
    os.environ.update(environment)
    if "HF_HOME" in os.environ:
        constants.HF_HUB_CACHE = str(Path(os.environ["HF_HOME"], "hub"))
    tempfile.tempdir = None
    constants.ENDPOINT = os.environ.get("HF_ENDPOINT", constants.ENDPOINT)
    for stream in (sys.stdout, sys.stderr):
        assert isinstance(stream, TextIOWrapper)
        stream.reconfigure(encoding=os.environ.get("PYTHONIOENCODING", "utf-8"))


def _kill_before(module: ModuleType | type, name: str, number: int) -> None:
    """Kill this process before so many calls of a function."""
    function, calls = getattr(module, name), itertools.count(1)

    def killing(*arguments: object) -> object:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments)

    setattr(module, name, killing)
