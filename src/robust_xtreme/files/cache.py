"""The cache of computed values: one sqlite database on this machine, bounded in size.

Several processes may use it at once. It only saves time: an error of the cache gives a warning and may lose entries but
does not stop a run. An entry is a value (bytes) under a kind and a key, with a checksum over all three.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeVar, final

from robust_xtreme.core.errors import DiskError, SpecError, UserError
from robust_xtreme.files import database

VARIABLE: Final = "ROBUST_XTREME_CACHE"
LIMIT_VARIABLE: Final = "ROBUST_XTREME_CACHE_LIMIT"
LIMIT: Final = 2 << 30
KINDS: Final = ("predictions", "units", "embeddings", "readings")
DAMAGED: Final = ".damaged"

_NAME: Final = "cache-v1.sqlite3"
_ANOTHER: Final = f"Permit reading and writing it, or name another folder with {VARIABLE}."
_EVERY_VERSION: Final = "cache-v*.sqlite3*"
_UNITS: Final = {
    unit: base**power
    for power, letter in enumerate("kmgt", start=1)
    for unit, base in ((letter, 1000), (f"{letter}b", 1000), (f"{letter}ib", 1024))
}

T = TypeVar("T")


def folder() -> Path:
    """The folder of the cache: ROBUST_XTREME_CACHE, else the platform's folder for caches."""
    named = os.environ.get(VARIABLE, "")
    if named:
        return Path(named)
    import platformdirs

    return platformdirs.user_cache_path("robust-xtreme")


def limit() -> int:
    """How many bytes the cache may take: ROBUST_XTREME_CACHE_LIMIT, else 2 GiB. Raises SpecError."""
    named = os.environ.get(LIMIT_VARIABLE, "").strip()
    return parse_size(named) if named else LIMIT


def parse_size(text: str) -> int:
    """`500MB`, `2GiB`, `1.5 g` or a number of bytes. Raises SpecError."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)", text.strip().lower(), re.ASCII)
    unit = match[2] if match else ""
    if not match or unit not in ("", "b", *_UNITS):
        raise SpecError(f"{LIMIT_VARIABLE} is {text[:80]!r}, which is not a size. Write one such as 500MB or 2GiB.")
    return int(float(match[1]) * _UNITS.get(unit, 1))


def opened(warn: Callable[[str], None]) -> Cache:
    """The cache of this machine; nothing is made or read yet. Raises SpecError where its limit is not a size."""
    directory, most = folder(), limit()
    if not os.environ.get(VARIABLE) and not directory.is_absolute():
        warn(f"there is no home folder for the cache, and the run continues without. Name one with {VARIABLE}")
        most = 0
    return Cache(directory.absolute(), most, warn)


@final
class Cache:
    """An open cache. `warn` receives one line about each error; nothing raises."""

    def __init__(self, directory: Path, most: int, warn: Callable[[str], None]) -> None:
        self._path = directory / _NAME
        self._limit, self._warn = most, warn
        self._db: sqlite3.Connection | None = None
        self._seen: tuple[int, int] | None = None
        self._reads = self._writes = most > 0
        self._renewed = False
        self._warned: set[str] = set()

    def scratch(self) -> Path | None:
        """A folder for large temporary files: the cache's where it can be written, else the system's (None)."""
        with suppress(OSError):
            if self._writes:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                return self._path.parent if os.access(self._path.parent, os.W_OK) else None
        return None

    def fits(self, size: int, what: str) -> bool:
        """Whether so many bytes can be stored; warns if they exceed the limit."""
        if self._writes and size > database.KEPT * self._limit:
            self._say(
                f"{size} bytes of {what} are more than the cache may take, and are not kept. "
                f"To keep them, raise {LIMIT_VARIABLE} ({self._limit})"
            )
            return False
        return self._limit > 0

    def get(self, kind: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values of those keys without missing and damaged ones. Entries that are read count as used now."""
        empty: dict[bytes, bytes] = {}
        values = self._tried(lambda db: database.read(db, kind, keys), empty) if self._reads else empty
        if values and self._writes:
            self._tried(lambda db: database.touch(db, kind, values), None, quiet=True)
        return values

    def put(self, kind: str, values: Mapping[bytes, bytes]) -> None:
        """Store values, which replace those of the same keys; then evict entries above the limit, oldest use first."""
        if values and self._writes:
            self._tried(lambda db: database.write(db, kind, values, self._limit), None)

    def close(self) -> None:
        """Leave the cache within its limit."""
        if self._db is not None and self._writes:
            self._tried(lambda db: database.evict(db, self._limit), None, quiet=True)
        self._drop()

    def _tried(self, work: Callable[[sqlite3.Connection], T], otherwise: T, quiet: bool = False) -> T:
        """The result of the work; a damaged database is replaced once and the work is tried again."""
        try:
            if self._db is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._seen = _inode(self._path)
                self._db = database.ready(self._path)
                self._seen = _inode(self._path)
            return work(self._db)
        except database.ERRORS as error:
            if self._renew(error):
                return self._tried(work, otherwise, quiet)
            self._give_up(error, quiet)
            return otherwise

    def _renew(self, error: Exception) -> bool:
        """Move a damaged database aside; return whether the work can be tried again."""
        if self._renewed or database.code_of(error) not in database.BROKEN:
            return False
        self._renewed = True
        self._drop()
        try:
            with _alone(self._path.parent):
                if _inode(self._path) == self._seen:  # otherwise another connection has replaced it meanwhile
                    for end in ("-wal", "-shm", "-journal"):  # first: a new database at once has its own
                        self._path.with_name(_NAME + end).unlink(missing_ok=True)
                    self._path.replace(self._path.with_name(_NAME + DAMAGED))
        except OSError:
            return False
        self._say(f"the cache {self._path} was damaged; it is set aside as {self._path.name}{DAMAGED} and begun again")
        return True

    def _give_up(self, error: Exception, quiet: bool) -> None:
        """Stop writing after an error, and reading where the database cannot be opened."""
        if database.code_of(error) in database.BUSY:
            if not quiet:
                self._say(f"the cache {self._path} is busy; what was computed is not all stored")
            return
        if self._db is None:
            what = f"the cache {self._path.parent} cannot be used, and the run continues without"
            self._say(f"{what}: {database.reason_of(error)}. Name another folder with {VARIABLE}")
            self._reads = False
        else:
            self._say(f"nothing more is stored in the cache {self._path}: {database.reason_of(error)}")
        self._writes = False

    def _say(self, line: str) -> None:
        if line not in self._warned:
            self._warned.add(line)
            self._warn(line)

    def _drop(self) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Keep out other threads and processes, where the file system locks folders. Raises OSError."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def contains(kind: str, keys: Sequence[bytes]) -> tuple[bool, ...]:
    """Whether the cache has a value of each key; it is neither made nor changed. False where it cannot be read."""
    path, values = folder().absolute() / _NAME, dict[bytes, bytes]()
    with suppress(*database.ERRORS):
        if limit() and path.is_file():
            with closing(database.reader(path)) as db:
                values = database.read(db, kind, keys)
    return tuple(key in values for key in keys)


class Info(NamedTuple):
    """The state of the cache: its folder, bytes on disk, the limit, its entries by kind, and what is wrong with it.

    `others` are the names of files of the cache besides its database: those of other versions, and damaged ones.
    """

    folder: Path
    size: int
    limit: int
    kinds: Mapping[str, database.Usage]
    problem: str = ""
    others: tuple[str, ...] = ()


def info() -> Info:
    """The state of the cache, without making or changing it. Raises SpecError where the limit is not a size."""
    directory, most = folder().absolute(), limit()
    path, kinds, problem = directory / _NAME, dict.fromkeys(KINDS, database.Usage()), ""
    size, others = 0, list[str]()
    try:
        if path.is_file():
            kinds |= database.usage(path)
        elif directory.exists() and not directory.is_dir():
            problem = _not_a_folder(directory)
        for file in _files(directory):
            others += [] if _is_current(file) else [file.name]
            with suppress(OSError):
                size += file.stat().st_size
    except database.ERRORS as error:
        problem = f"{path} cannot be read: {database.reason_of(error)}. {_ANOTHER}"
    return Info(directory, size, most, kinds, problem, tuple(others))


def _not_a_folder(path: Path) -> str:
    return f"{path} is not a folder. Name a folder with {VARIABLE}."


def _is_current(file: Path) -> bool:
    """Whether a file is the database or one of sqlite's beside it."""
    return file.name.startswith(_NAME) and DAMAGED not in file.name


def _files(directory: Path) -> list[Path]:
    """Every file of the cache in the folder, those of other versions too."""
    return sorted(path for path in directory.glob(_EVERY_VERSION) if path.is_file()) if directory.is_dir() else []


def clear() -> Info:
    """Remove the files of the cache, and nothing else; return its state before. Raises UserError, DiskError.

    A database that is in use is emptied, not removed, so that a run in another process continues.
    """
    before = info()
    if before.folder.exists() and not before.folder.is_dir():
        raise UserError(_not_a_folder(before.folder))
    try:
        emptied = _emptied(before.folder / _NAME)
        for path in _files(before.folder):
            if not (emptied and _is_current(path)):
                path.unlink(missing_ok=True)
    except database.ERRORS as error:
        raise DiskError(
            f"The cache {before.folder} cannot be cleared: {database.reason_of(error)}. {_ANOTHER}"
        ) from error
    return before


def _emptied(path: Path) -> bool:
    """Empty the database; return whether there is a sound one."""
    if not path.is_file():
        return False
    try:
        with closing(database.ready(path)) as db:
            with database.writing(db):
                db.execute("DELETE FROM entries")
            database.shrink(db)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if database.code_of(error) in database.BROKEN:
            return False
        raise
    return True
