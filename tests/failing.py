"""A disk that fails in this process: the n-th write below a folder, or each one from it on, ends with an error.

Writes are what changes a disk, in the order in which they begin: a file is opened for writing, bytes are written or
synced, a name is given, a folder made, a statement of SQLite carried out, or a library writes a file itself. Of bytes
the first half is written. Nothing waits for the disk.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import resource
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import safetensors.torch
import torch

import robust_xtreme.exchange.importing.run as importing
from robust_xtreme.report.charts import drawing
from robust_xtreme.run import finish

NEVER: Final = 0
FULL, BROKEN, READ_ONLY = errno.ENOSPC, errno.EIO, errno.EROFS
STAY: Final = (FULL, READ_ONLY)
"""The errors that each later write has, too."""

_OF_SQLITE: Final = {FULL: sqlite3.SQLITE_FULL, BROKEN: sqlite3.SQLITE_IOERR, READ_ONLY: sqlite3.SQLITE_READONLY}
_SQLITE_SAYS: Final = {
    FULL: "database or disk is full",
    BROKEN: "disk I/O error",
    READ_ONLY: "attempt to write a readonly database",
}
_READS: Final = ("SELECT", "ROLLBACK")
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_FIRST: Final = 64
"""The bytes that a library writes of a file before it fails."""

_real_open, _os_open = io.open, os.open


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of a folder. The write `at` fails with `error`; `log` gets a line for each write that begins."""

    root: str
    at: int
    error: int
    log: int
    begun: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def has(self, path: Any) -> str:
        """The path of what is on the disk, as a file name or as an open file; empty where it is elsewhere."""
        name = str(Path(f"/proc/self/fd/{path}").readlink() if isinstance(path, int) else Path(path).absolute())
        return name if name.startswith(f"{self.root}/") else ""

    def fails(self, what: str, path: Any) -> bool:
        """Whether a write that begins now fails; one that is elsewhere does not count."""
        if not (name := self.has(path)):
            return False
        with self.lock:
            self.begun.append(what)
            number = len(self.begun)
            os.write(self.log, f"{what} {name}\n".encode())
        return number == self.at or (self.error in STAY and 0 < self.at < number)

    def raised(self, path: Any = None) -> OSError:
        """The error of a write."""
        return OSError(self.error, os.strerror(self.error), *([] if path is None else [os.fspath(path)]))


def fail(root: str, at: int, error: int, log: str) -> None:
    """From now on the disk of a folder fails in this process; each write has a line in the file `log`."""
    handle = _os_open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    disk = Disk(os.path.realpath(root), at, error, handle)
    for patch in (_patch_open, _patch_system, _patch_sqlite, _patch_libraries):
        patch(disk)


def _patch_open(disk: Disk) -> None:
    real_write = os.write

    class File(io.FileIO):
        """A file whose writes may fail."""

        def write(self, data: Any) -> int:
            if not disk.fails("write", self.fileno()):
                return super().write(data)
            if disk.error != READ_ONLY:
                real_write(self.fileno(), bytes(data)[: memoryview(data).nbytes // 2])
            raise disk.raised()

    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if not set(mode) & set("wax+") or not disk.has(file):
            return _real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if opener is None and not isinstance(file, int) and disk.fails("open", file):
            raise disk.raised(file)
        raw = File(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        whole: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return whole if "b" in mode else io.TextIOWrapper(whole, encoding, errors, newline, buffering == 1)

    builtins.open = io.open = opened


def _patch_system(disk: Disk) -> None:
    def patch(name: str, which: int = 0, counts: Callable[..., object] = lambda *_: True) -> None:
        real = getattr(os, name)

        def failing(*given: Any, **named: Any) -> Any:
            if counts(*given) and disk.fails(name, given[which]):
                raise disk.raised(given[which] if isinstance(given[which], (str, os.PathLike)) else None)
            return real(*given, **named)

        setattr(os, name, failing)

    for name in ("fsync", "fdatasync"):  # the patches below count them
        setattr(os, name, lambda _: None)
    patch("open", 0, lambda _, flags, *__: flags & _WRITES)
    patch("mkdir", 0, lambda path, *_: not os.path.lexists(path))
    for name in ("fsync", "fdatasync", "ftruncate", "write", "pwrite"):
        patch(name)
    for name in ("rename", "replace", "link", "symlink"):
        patch(name, 1)


def _patch_sqlite(disk: Disk) -> None:
    real: Any = sqlite3.connect

    def refuse(path: object, statement: str) -> None:
        if not statement.lstrip().upper().startswith(_READS) and disk.fails(f"sqlite {statement.split()[0]}", path):
            error = sqlite3.OperationalError(_SQLITE_SAYS[disk.error])
            error.sqlite_errorcode = _OF_SQLITE[disk.error]
            raise error

    def connect(path: Any, **given: Any) -> Any:
        class Connection(sqlite3.Connection):
            """A connection whose statements may fail."""

            def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
                refuse(path, statement)
                return super().execute(statement, *values)

            def executemany(self, statement: str, *values: Any) -> sqlite3.Cursor:
                refuse(path, statement)
                return super().executemany(statement, *values)

            def executescript(self, script: str) -> sqlite3.Cursor:
                refuse(path, script)
                return super().executescript(script)

        if given.get("uri"):
            return real(path, **given)
        if disk.fails("open", path) and not Path(path).exists():
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return real(path, factory=Connection, **given)

    sqlite3.connect = connect  # type: ignore[assignment]  # with the arguments that the program gives


def _patch_libraries(disk: Disk) -> None:
    """Libraries that open and write files themselves have the errors of a file that may not be so large."""

    def patch(module: Any, name: str, which: int) -> None:
        real = getattr(module, name)

        def failing(*given: Any, **named: Any) -> Any:
            path = given[which] if len(given) > which else None
            if not isinstance(path, (str, os.PathLike)) or not disk.fails(name, path):
                return real(*given, **named)
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (_FIRST, limits[1]))
            try:
                return real(*given, **named)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)

        setattr(module, name, failing)

    patch(safetensors.torch, "serialize_file", 1)
    patch(torch, "save", 1)


def prepare(disk: tuple[str, int, int, str] | None, limits: Mapping[int, int] = MappingProxyType({})) -> None:
    """Let the disk fail as `fail` says, and set limits; that of addresses is so much above what this process has.

    Pages of runs have a word, as in `unpaged`, and others no charts.
    """
    for module in (finish, importing):
        module.written = lambda *_, **__: b"unpaged\n"  # type: ignore[attr-defined]  # imported there
    finish.samples_part_of = lambda *_: ()  # type: ignore[assignment,attr-defined]  # imported there
    drawing._started = _undrawn
    if disk:
        fail(*disk)
    for which, value in limits.items():
        now = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
        soft = value + (now if which == resource.RLIMIT_AS else 0)
        resource.setrlimit(which, (soft, resource.getrlimit(which)[1]))


def _undrawn() -> Any:
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
