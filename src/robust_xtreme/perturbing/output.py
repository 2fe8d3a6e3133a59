"""Write output whole or not at all: to a temporary file in the same folder, which is then renamed."""

from __future__ import annotations

import errno
import fcntl
import gzip
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from robust_xtreme.errors import DataError, DiskError, UserError, no_room
from robust_xtreme.examples import digest
from robust_xtreme.formats import PACKED, STREAM
from robust_xtreme.results.store import keep_mode, sync_folder

Write = Callable[[str | bytes], None]

_TMP: Final = ".tmp"
_LEVEL: Final = 6
_CLOSED: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


class Goal(NamedTuple):
    """An output file: the option that names it, the name, and its resolved path (None: stdout)."""

    option: str
    name: str
    path: Path | None


def target(option: str, name: str, force: bool, apart: Mapping[str, str]) -> Path:
    """The path that an option names, with links resolved. Raises UserError where it may not be written.

    An existing file is overwritten only with `force`; a file in `apart`, which maps uses to files, never is.
    """
    path = Path(os.path.realpath(name))
    for use, other in apart.items():
        if other != STREAM and (Path(os.path.realpath(other)) == path or _is_same(other, path)):
            raise UserError(f"{option} {name} is the file {other} itself, which {use}. Name another file to write.")
    if path.is_symlink():
        raise UserError(f"{option} {name} is a link that leads to itself. Name another file.")
    if path.is_dir():
        raise UserError(f"{name} is a folder. Name a file in it: {name.rstrip('/')}/FILE")
    if name.endswith(("/", "/.")):
        what = f"There is no folder {name}"
        raise UserError(f"{what}. Make it and name a file in it, or name a file without / at the end.")
    if not path.parent.is_dir():
        raise UserError(f"There is no folder {path.parent} to write {path.name} in. Make it: mkdir -p {path.parent}")
    if path.is_file() and not force:
        raise UserError(f"{name} is there already. Name another file, or overwrite it: --force")
    return path


def _is_same(other: str, path: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


@contextmanager
def written(goals: Sequence[Goal]) -> Iterator[list[Write]]:
    """Functions that write text to some files: all files appear, or none if anything fails.

    A file whose name ends in `.gz` is compressed; the same content gives the same bytes.

    Raises DiskError where a file cannot be written. stdout and files that are not regular, such as pipes, are written
    directly, and keep what was written.
    """
    with ExitStack() as moves, ExitStack() as files:
        paths = [moves.enter_context(_moved(goal)) for goal in goals]
        yield [files.enter_context(_filled(goal, path)) for goal, path in zip(goals, paths, strict=True)]


@contextmanager
def _moved(goal: Goal) -> Iterator[Path | None]:
    """The temporary file that is written in the block; then it is renamed or, where the block fails, removed."""
    path = goal.path
    if path is None or not (path.is_file() or not path.exists()):
        yield path
        return
    _sweep(path)
    temporary = path.with_name(f".{digest(path.name)}.{os.getpid()}{_TMP}")
    try:
        yield temporary
        with _disk_errors(goal):
            temporary.replace(path)
            sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _sweep(path: Path) -> None:
    """Remove temporary files of killed processes for the same file."""
    for left in path.parent.glob(f".{digest(path.name)}.*{_TMP}"):
        number = left.name.split(".")[2]
        if number.isdecimal() and not _is_running(int(number)):
            with suppress(OSError), left.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails if a process on another machine writes it
                left.unlink()


def _is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextmanager
def _filled(goal: Goal, path: Path | None) -> Iterator[Write]:
    """A function that writes to a file; at the end of the block the file is synced to disk."""
    if path is None:
        if sys.stdout is None:  # closed by the parent process
            raise UserError("stdout is closed. Name a file to write: --out FILE")
        yield partial(_write, goal, sys.stdout.buffer)
        with _disk_errors(goal):
            sys.stdout.flush()
        return
    with _disk_errors(goal):
        file = path.open("wb")
    try:
        if goal.path and path != goal.path:
            keep_mode(file.fileno(), goal.path)
            with suppress(OSError):  # a mark that the file is being written, where its file system has one
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        packed = gzip.GzipFile("", "wb", _LEVEL, file, mtime=0) if goal.name.lower().endswith(PACKED) else None
        yield partial(_write, goal, packed or file)
        with _disk_errors(goal):
            if packed:
                packed.close()
            file.flush()
            if path != goal.path:
                os.fsync(file.fileno())
            file.close()
    finally:
        with suppress(OSError):  # the failure to write is reported already
            file.close()


def _write(goal: Goal, file: BinaryIO | gzip.GzipFile, text: str | bytes) -> None:
    with _disk_errors(goal):
        try:
            file.write(text if isinstance(text, bytes) else text.encode("utf-8"))
        except UnicodeEncodeError as error:
            what = f"the perturbation made {error.object[error.start]!r}, half of a character, in one of the texts."
            raise DataError(goal.name, what) from error


@contextmanager
def _disk_errors(goal: Goal) -> Iterator[None]:
    """Turn OSError into DiskError with the option and the name, except where the reader of stdout is closed."""
    try:
        yield
    except OSError as error:
        if goal.path is None:
            if isinstance(error, BrokenPipeError):
                raise
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the rest is not flushed at exit
        cure = no_room(error) or ("Make it writable" if error.errno in _CLOSED else "")
        step = f"{cure}, or name" if cure else "Name"
        what = f"{goal.name} cannot be written: {error.strerror or error}."
        raise DiskError(f"{what} {step} another file: {goal.option} FILE") from error
