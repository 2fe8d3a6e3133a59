"""Output that appears whole or not at all: written beside its place, then moved there."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from robust_xtreme.errors import DataError, DiskError, UserError
from robust_xtreme.examples import digest
from robust_xtreme.files._source import STREAM
from robust_xtreme.results.store import sync_folder

Write = Callable[[str], None]

_FULL: Final = "Free some space, or name"
_STEPS: Final = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: "Make it writable, or name",
    errno.EPERM: "Make it writable, or name",
    errno.EROFS: "Make it writable, or name",
    errno.EFBIG: "Raise the limit (ulimit -f), or name",
}


def target(option: str, name: str, force: bool, apart: Mapping[str, str]) -> Path:
    """Where the name that an option takes leads, links followed. Raises UserError where it may not be written there.

    What is there stays without `force`, and the files `apart`, by what they are for, in any case.
    """
    path = Path(os.path.realpath(name))
    for use, other in apart.items():
        if other != STREAM and (Path(os.path.realpath(other)) == path or _is_same(other, path)):
            raise UserError(f"{option} {name} is the file {other} itself, which {use}. Name another file to write.")
    if path.is_symlink():
        raise UserError(f"{option} {name} is a link that leads to itself. Name another file.")
    if path.is_dir():
        raise UserError(f"{name} is a folder. Name a file in it: {name.rstrip('/')}/FILE")
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
def written(option: str, name: str, path: Path | None) -> Iterator[Write]:
    """A function that writes text there; where the block fails, nothing is left. No path: stdout, at once.

    Raises DiskError where it cannot be written. What is no regular file, such as a pipe, is written at once too.
    """
    if path is None:
        with _stdout() as write:
            yield write
        return
    whole = path.is_file() or not path.exists()
    place = path.with_name(f".{digest(path.name)}.{os.getpid()}.tmp") if whole else path
    try:
        with place.open("wb") as file:
            yield lambda text: _put(file.write, text, name)
            file.flush()
            if whole:
                os.fsync(file.fileno())
        if whole:
            place.replace(path)
            sync_folder(path.parent)
    except BaseException as error:
        if whole:
            with suppress(OSError):
                place.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _disk(option, name, error) from error
        raise


def _put(write: Callable[[bytes], object], text: str, name: str) -> None:
    try:
        write(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        what = f"the perturbation made {error.object[error.start]!r}, half of a character, of one of the texts."
        raise DataError(name, what) from error


@contextmanager
def _stdout() -> Iterator[Write]:
    """A function that writes to stdout. Raises DiskError where that fails, but for a reader that went away."""

    def guarded(write: Callable[[], object]) -> None:
        try:
            write()
        except BrokenPipeError:
            raise
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is not flushed at exit
            raise _disk("--out", "stdout", error) from error

    yield lambda text: guarded(lambda: _put(sys.stdout.buffer.write, text, "stdout"))
    guarded(sys.stdout.flush)


def _disk(option: str, name: str, error: OSError) -> DiskError:
    step = _STEPS.get(error.errno or 0, "Name")
    return DiskError(f"{name} cannot be written: {error.strerror or error}. {step} another file: {option} FILE")
