"""Folders read in a process of its own, whose memory, time, connections and changes of files are measured."""

from __future__ import annotations

import math
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pytest
from tests.forks import process, set_environment

from robust_xtreme.core.errors import UserError

SECONDS: Final = 10.0
MEMORY: Final = 1 << 29
"""What reading a file takes at most: seconds, and bytes above what is there before."""

PATIENCE: Final = 60.0
"""Seconds after which a process that reads is given up."""

_BEGINNING: Final = 120.0


class Refused(UserError):
    """A command ended with the exit code 2 and this line."""


@dataclass(frozen=True, slots=True)
class ReadKind:
    """A folder with files, some of which are changed, and what reads them.

    `read` is the program, `stated` an independent reader; without it what is read is that of the unchanged files.
    """

    make: Callable[[Path], None]
    changes: tuple[str, ...]
    read: Callable[[Path], Any]
    stated: Callable[[Path], Any] | None
    cases: int


class ReadResult(NamedTuple):
    """How a folder was read: `read`, `refused` or what is wrong, the line, seconds, and bytes above the imports."""

    outcome: str
    line: str
    seconds: float
    memory: int


def same(left: Any, right: Any) -> bool:
    """Whether two results are equal, numbers of floats nearly."""
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        return left.shape == right.shape and bool(np.allclose(left, right, atol=2e-4, equal_nan=False))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, (int, float)):
        return math.isclose(left, right, abs_tol=1e-6) or (left != left and right != right)
    return bool(left == right)


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """What is in a folder: sizes and times of change."""
    every = ((path, path.lstat()) for path in folder.rglob("*"))
    return {str(path): (facts.st_size, facts.st_mtime_ns if path.is_file() else 0) for path, facts in every}


def _status(name: str) -> int:
    """A number of bytes of the memory of this process."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def refused(read: Callable[[], object], folder: Path | None = None) -> str:
    """The line with which a reader refuses what it reads, "" where it does not.

    Raises AssertionError where it ends otherwise, with several lines, beyond SECONDS or MEMORY, or refuses and has
    written into the folder.
    """
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the largest memory is counted from now on
    before, base, begun = folder and tree(folder), _status("VmRSS"), time.monotonic()
    line = ""
    try:
        read()
    except UserError as error:
        line = str(error)
    except BaseException as error:  # polars raises its panics as one
        raise AssertionError(f"{type(error).__name__}: {error}"[:500]) from error
    seconds, memory = time.monotonic() - begun, _status("VmHWM") - base
    assert len(line.splitlines()) <= 1, line
    assert (seconds < SECONDS, memory < MEMORY) == (True, True), f"{seconds:.1f} s, {memory >> 20} MiB: {line}"
    assert not line or before == (folder and tree(folder)), f"it has written: {line}"
    return line


_STARTS: Final = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pickle.find_class")

_COMMIT: Final = ["git", "rev-parse", "--verify", "HEAD"]
"""What `gate` asks for the commit of its note, whatever is read."""


def _watch(root: str, seen: list[str]) -> None:
    """Note each connection, process, class of a pickle, and code that is in a file below a folder."""

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and arguments[1] == _COMMIT:
            return
        if event in ("socket.connect", "socket.getaddrinfo", *_STARTS):
            seen.append(f"{event} {arguments!r:.200}")
        elif event == "socket.__new__" and arguments[1] != socket.AF_UNIX:
            seen.append(f"a socket {arguments!r:.200}")
        elif event == "exec" and str(getattr(arguments[0], "co_filename", "")).startswith(root):
            seen.append(f"code of {arguments[0].co_filename}")

    sys.addaudithook(note)


def _serve(connection: Connection, kind: ReadKind, clean: Path, environment: Mapping[str, str]) -> None:
    """Read the unchanged folder, then each that comes, and send how."""
    set_environment(environment)
    _without_pages()
    first = Path(shutil.copytree(clean, clean.with_name(f"first-{os.getpid()}")))
    os.chdir(first)
    wanted, seen = kind.read(first), list[str]()
    stated = kind.stated or (lambda _: wanted)
    connection.send(same(wanted, stated(first)))
    _watch(str(clean.parent), seen)
    base = _status("VmRSS")
    while folder := connection.recv():
        seen.clear()
        connection.send(_read(kind, stated, folder, base, seen))


def _without_pages() -> None:
    """Pages are not read again, and need processes."""
    patch = pytest.MonkeyPatch()
    for name in ("run.finish", "exchange.importing.run"):
        patch.setattr(f"robust_xtreme.{name}.written", lambda *_, **__: b"unpaged\n")
    patch.setattr("robust_xtreme.run.finish.samples_part_of", lambda *_: ())
    patch.setattr("robust_xtreme.report.charts.drawing.Drawing.start", lambda _: None)


def _read(kind: ReadKind, stated: Callable[[Path], Any], folder: Path, base: int, seen: list[str]) -> ReadResult:
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the largest memory is counted from now on
    os.chdir(folder)
    before, begun = tree(folder), time.monotonic()
    line, outcome, value = "", "read", None
    try:
        value = kind.read(folder)
    except UserError as error:
        outcome, line = "refused", str(error)
    except BaseException as error:  # noqa: BLE001 - polars and tokenizers raise their panics as such
        outcome, line = f"{type(error).__name__}", str(error)[:500]
    seconds, memory = time.monotonic() - begun, _status("VmHWM") - base
    if outcome == "refused" and tree(folder) != before:
        outcome = f"refused, but wrote {sorted(tree(folder).keys() ^ before.keys())[:3]}"
    if outcome == "refused" and len(line.strip().splitlines()) != 1:
        outcome = "refused in several lines"
    if seen:
        outcome = f"{outcome}, {seen[0]}"
    if outcome == "read":
        outcome, line = _judged(value, stated, folder)
    return ReadResult(outcome, line, seconds, memory)


def _judged(value: Any, stated: Callable[[Path], Any], folder: Path) -> tuple[str, str]:
    try:
        other = stated(folder)
    except Exception as error:  # noqa: BLE001 - what is read and cannot be judged is looked at
        return "read, and not by another reader", f"{type(error).__name__}: {error}"[:500]
    return ("read", "") if same(value, other) else ("read otherwise", f"{value!r:.300} and not {other!r:.300}")


@dataclass(slots=True)  # the process, which is started again where it ended
class Reader:
    """A process that reads folders of a kind, of which `clean` is the unchanged one."""

    kind: ReadKind
    clean: Path
    environment: Mapping[str, str]
    running: BaseProcess | None = None
    connection: Any = None

    def start(self) -> None:
        """Start the process. Raises AssertionError where the two readers do not agree on the unchanged folder."""
        self.connection, theirs = Pipe()
        self.running = process(_serve, theirs, self.kind, self.clean, dict(self.environment))
        theirs.close()
        assert self.connection.poll(_BEGINNING), "the unchanged folder is not read"
        assert self.connection.recv(), "another reader finds something else in the unchanged folder"

    def read(self, folder: Path) -> ReadResult:
        """How it reads a folder."""
        if self.running is None:
            self.start()
        self.connection.send(folder)
        try:
            if self.connection.poll(PATIENCE):
                result: ReadResult = self.connection.recv()
                return result
            what = f"no answer within {PATIENCE:g} seconds"
        except (EOFError, OSError):
            what = ""
        assert self.running is not None
        self.running.join(5)
        what = what or f"the process ended with {self.running.exitcode}"
        self.end()
        return ReadResult(what, "", PATIENCE, 0)

    def end(self) -> None:
        """End the process."""
        if self.running is not None:
            self.running.kill()
            self.running.join()
            self.connection.close()
            self.running = None
