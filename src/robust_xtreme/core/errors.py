"""One exception tree: every failure a user can meet is one line and one exit code."""

import difflib
import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

OTHERWISE: Final = "Name another folder with --out, or start over with --force."
"""What to do where a folder has another run, or a damaged one."""

INSTALL: Final = "pip install robust-xtreme"
"""What installs the libraries that are missing."""

CURE: Final = "robust-xtreme "
"""With what a command begins that a line names as its cure."""

_LONGEST: Final = 80
_MOST: Final = 12


class RobustXtremeError(Exception):
    """Our own bug, or the environment (disk, memory, network): exit code 3."""

    exit_code = 3


class DiskError(RobustXtremeError):
    """A folder could not be written."""


class NotInstalled(RobustXtremeError):
    """A library that is not installed where robust-xtreme was installed without its dependencies."""


class FailedCells(RobustXtremeError):
    """Some cells of a run failed; the others are written."""


class UserError(RobustXtremeError):
    """A user's mistake or a mismatch of inputs: exit code 2."""

    exit_code = 2


class SpecError(UserError):
    """A specification (of a perturbation, a run, a limit) that cannot be read."""


class UnknownName(UserError):
    """A name that no registry contains; `meant`, if it is not None, is named rather than the nearest one."""

    def __init__(self, kind: str, name: str, known: Iterable[str], see: str, meant: str | None = None) -> None:
        names = list(dict.fromkeys(known))
        near = nearest(name, names) if meant is None else f" Did you mean {meant!r}?" if meant in names else ""
        some = f" There are: {', '.join(names[:_MOST])}{', ...' if len(names) > _MOST else '.'}" if names else ""
        super().__init__(f"There is no {kind} named {name!r}.{near or some} See: {see}")


def nearest(name: str, known: Iterable[str]) -> str:
    """The question ` Did you mean 'NAME'?` with the nearest known name; an empty text where none is near."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1) or difflib.get_close_matches(name.lower(), names, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def shown(value: object) -> str:
    """A wrong value in one short line of a message."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # of more digits than Python writes
        text = "a number of thousands of digits"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def is_empty(value: object) -> bool:
    """Whether a string, or one of several, contains nothing but blanks."""
    items = value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(item, str) and not item.strip() for item in items)


def counted(count: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is 1: `1 row`, `2,490 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """A time in seconds, from two minutes on in minutes, from two hours on in hours."""
    if seconds < 120:
        return counted(max(1, round(seconds)), "second")
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"


class DataError(UserError):
    """A malformed data file, with its path and line; `foreign` where it seems to have another format."""

    def __init__(self, path: Path | str, what: str, line: int | None = None, *, foreign: bool = False) -> None:
        self.location = f"{path}:{line}" if line is not None else str(path)
        self.what, self.foreign = what, foreign
        super().__init__(f"{self.location}: {what}")


class UnreadableFiles(DataError):
    """The malformed files of a run, one line each."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = tuple(lines)
        UserError.__init__(self, "\n".join(self.lines))


class MissingData(UserError):
    """A split that is not in any file under the data folder."""


class NoRows(MissingData):
    """A file of several languages that does not contain the requested one."""


class WrongVersion(MissingData):
    """A split whose file has another version than the task needs."""


class ModelError(UserError):
    """A checkpoint that cannot be loaded or does not fit the task."""


class Mismatch(UserError):
    """Two inputs that must be the same (data, model, spec, ids) and are not."""


class Locked(UserError):
    """A run folder that another run is writing, in this process or another."""


class Contamination(UserError):
    """Training data that are in an evaluated split."""


class NotFinite(RobustXtremeError):
    """A model gave a score that is not finite."""


_PERMIT: Final = "Permit reading and writing it, or name another"
_DISK: Final = {
    errno.ENOSPC: ("The disk is full", "Free some space"),
    errno.EDQUOT: ("The disk quota is used up", "Free some space"),
    errno.EFBIG: ("The file is larger than files may be", "Raise the limit on the size of files (ulimit -f)"),
    errno.EACCES: ("Permission denied", _PERMIT),
    errno.EPERM: ("Permission denied", _PERMIT),
    errno.EROFS: ("The file system is read-only", "Name a folder of another one"),
    errno.EIO: ("The disk cannot be read or written", "Copy the file from where it came from, or use another disk"),
    errno.EMFILE: ("Too many files are open", "Raise the limit: ulimit -n"),
}
"""Errors of the disk, each with what to do."""

_NO_PATH: Final = {
    errno.ENAMETOOLONG: "has a name that is too long for a file",
    errno.ELOOP: "is a link that leads to itself",
    errno.ENOTDIR: "has a file where a folder is needed",
    errno.EEXIST: "is a file where a folder is needed",
}
"""Errors of a path that cannot be one, or of what is there."""


def no_path(error: OSError) -> str:
    """Why a path cannot be one, after its subject; empty for another error."""
    return _NO_PATH.get(error.errno or 0, "")


def no_room(error: BaseException | str) -> str:
    """What to do where a file cannot be written for want of room, also by a library's message; "" for another error."""
    number = error.errno if isinstance(error, OSError) else None
    codes = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return next((_DISK[code][1] for code in codes if number == code or os.strerror(code) in str(error)), "")


def cure_of(error: OSError) -> str:
    """What to do about an error of the disk, as a sentence after a blank; "" for another error."""
    return f" {_DISK[error.errno][1]}." if error.errno in _DISK else ""


def out_of_files(error: BaseException) -> DiskError | None:
    """The line where too many files are open, also where only a library's message says so; None for another error."""
    number = error.errno if isinstance(error, OSError) else None
    if number != errno.EMFILE and os.strerror(errno.EMFILE) not in str(error):
        return None
    what, cure = _DISK[errno.EMFILE]
    return DiskError(f"{what}. {cure}.")


def of_system(error: OSError) -> RobustXtremeError | None:
    """An error of the operating system as one line that names the path; None for one that needs no such line."""
    path = error.filename or error
    if why := no_path(error):
        return UserError(f"This path {why}: {path}")
    if error.errno in _DISK:
        what, cure = _DISK[error.errno]
        return DiskError(f"{what}: {path}. {cure}.")
    return out_of_files(error)


LARGE: Final = frozenset(
    {"datasets", "faiss", "huggingface_hub", "lightning", "safetensors", "tokenizers", "torch", "transformers"}
)
"""The libraries that only evaluation, training and the hub need; locks/gate.txt is without them."""


def not_installed(error: ModuleNotFoundError) -> NotInstalled | None:
    """A large library that is not installed, as one line; None for another module."""
    name = (error.name or "").partition(".")[0]
    what = f"This needs {name}, which is not installed. Install all that is missing: {INSTALL}"
    return NotInstalled(what) if name in LARGE else None


@contextmanager
def plain() -> Iterator[None]:
    """Raise errors of the operating system as `of_system` does, and those of libraries as `not_installed` does."""
    try:
        yield
    except (ModuleNotFoundError, OSError) as error:
        ours = of_system(error) if isinstance(error, OSError) else not_installed(error)
        if ours is None:
            raise
        raise ours from error
