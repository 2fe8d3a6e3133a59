"""New files: under names that nobody can foretell, never through a link, and in their places when they are whole."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Final, Literal

from robust_xtreme.core.examples import digest

_TMP: Final = ".tmp"
_UNSYNCABLE: Final = (errno.EINVAL, errno.ENOTSUP)


def created(path: Path) -> BinaryIO:
    """A new file, open for writing. Raises FileExistsError where anything has its name, also a link."""
    return _opened(path, "xb")


def appended(path: Path) -> BinaryIO:
    """A file, open for appending, made where there is none. Raises OSError for a link or a pipe that nothing reads."""
    return _opened(path, "ab")


def _opened(path: Path, mode: Literal["xb", "ab", "rb"]) -> BinaryIO:
    """What is at a path itself, open; the other end of a pipe is not waited for."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666))


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write some files: first all of them beside, then each is renamed, in the order given.

    Raises OSError, whose `filename` cannot be written; then none is new, and none has changed unless renaming fails.
    """
    path, files = Path(), dict[Path, BinaryIO]()
    try:
        with ExitStack() as undo, ExitStack() as stack:
            for path, content in contents.items():
                files[path] = stack.enter_context(temporary(path))
                files[path].write(content)
                sync(files[path])
            for path, file in files.items():
                put(file, path, undo)
            undo.pop_all()
    except OSError as error:
        error.filename = str(path)
        raise


@contextmanager
def temporary(path: Path) -> Iterator[BinaryIO]:
    """A new file beside a path, with the permissions of what is there; at the end of the block it is gone, or `put`.

    What killed processes left of the same file is removed.
    """
    _sweep(path)
    tmp = path.with_name(f".{digest(path.name)}.{os.getpid()}.{token_hex(8)}{_TMP}")
    is_ours = True  # from before the file is there: a signal may come as soon as it is
    try:
        try:
            file = created(tmp)
        except OSError:
            is_ours = False
            raise
        with suppress(OSError):  # no such file, or a file system without permissions
            os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
        with suppress(OSError):  # a mark that the file is being written, where its file system has one
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield file
        finally:
            with suppress(OSError):  # the failure to write is reported already
                file.close()
    finally:
        if is_ours:
            with suppress(OSError):
                tmp.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove temporary files of killed processes for the same file."""
    for each in left(path):
        with suppress(OSError):
            each.unlink()


def left(path: Path) -> Iterator[Path]:
    """The temporary files of killed processes for a file, each while nobody else can sweep it."""
    for each in path.parent.glob(f".{digest(path.name)}.*{_TMP}"):
        number = each.name.split(".")[2]
        if number.isdecimal() and not Path("/proc", number).exists():  # without /proc the lock alone says so
            with suppress(OSError), _opened(each, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails if a process on another machine writes it
                yield each


def sync(file: BinaryIO) -> None:
    """Wait until the disk has what was written to a file."""
    file.flush()
    os.fsync(file.fileno())


def put(file: BinaryIO, path: Path, undo: ExitStack) -> None:
    """Give a temporary file its name; to undo that removes it, but nothing that was put before a replaced file."""
    undo.pop_all() if os.path.lexists(path) else undo.callback(path.unlink, missing_ok=True)
    replace(Path(file.name), path)
    sync_folder(path.parent)


def replace(tmp: Path, path: Path) -> None:
    """The step that makes a file appear; fault tests replace it."""
    tmp.replace(path)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where its file system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNSYNCABLE:
            raise
    finally:
        os.close(handle)
