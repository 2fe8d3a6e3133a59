"""The cache of computed values: one sqlite database on this machine, bounded in size.

Several processes may use it at once. It only saves time: an error of the cache gives a warning and may lose entries but
does not stop a run. An entry is a value (bytes) under a kind and a key, with a checksum over all three.
"""

import errno
import fcntl
import functools
import hashlib
import os
import re
import sqlite3
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from robust_xtreme.core.errors import DiskError, SpecError, UserError
from robust_xtreme.files.new_files import appended

KEPT: Final = 0.9
"""The share of the limit that is left after entries are evicted."""

_CHUNK: Final = 500
_ROWS: Final = 100
"""Rows of one statement, which takes three quarters of the time of one for each row."""

_VALUES: Final = 3
_PATIENCE: Final = 10.0
_PAUSE: Final = 0.05
_PAGES_KIB: Final = 1 << 14
"""Memory for pages of the table: keys are in no order, and each write to a page that is not in memory reads it."""

BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
ERRORS: Final = (sqlite3.Error, OSError, UnicodeDecodeError)
BROKEN: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR)
"""No database, a damaged one, or (SQLITE_ERROR) one with other tables."""

_MOVED: Final = (
    sqlite3.SQLITE_READONLY_DBMOVED,
    sqlite3.SQLITE_IOERR_DELETE_NOENT,
    sqlite3.SQLITE_IOERR_SHORT_READ,
)
"""Another connection has set the file aside, or taken the journal or log of a new one for that of the former."""

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS entries (
    kind TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, checksum BLOB NOT NULL, made REAL NOT NULL,
    used REAL NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID
"""


class Usage(NamedTuple):
    """The entries of one kind: how many, their bytes, and when the oldest and newest were made (seconds)."""

    entries: int = 0
    size: int = 0
    oldest: float | None = None
    newest: float | None = None


def code_of(error: Exception) -> int:
    """Sqlite's own number for an error; 0 where it is not sqlite's."""
    if isinstance(error, UnicodeDecodeError):  # the text of a damaged schema, in sqlite's message about it
        return sqlite3.SQLITE_CORRUPT
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def reason_of(error: Exception) -> str:
    """The text of an error, in one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())


def connect(path: Path) -> sqlite3.Connection:
    """A connection without implicit transactions, usable from any thread; tests replace this. OSError for a link."""
    if path.is_symlink():
        raise OSError(errno.ELOOP, "its file is a link")
    return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


def ready(path: Path) -> sqlite3.Connection:
    """A connection to a database with our table. Processes that make it at once wait for each other."""
    until = time.monotonic() + _PATIENCE
    while True:
        db = connect(path)
        try:
            _set_up(db)
        except BaseException as error:
            db.close()
            is_moved = getattr(error, "sqlite_errorcode", 0) in _MOVED
            passes = isinstance(error, sqlite3.Error) and (is_moved or code_of(error) in BUSY)
            if not passes or time.monotonic() >= until:
                raise
            time.sleep(_PAUSE)
        else:
            return db


def _set_up(db: sqlite3.Connection) -> None:
    """An existing database is not written, so that its writers are not waited for.

    The order of use has no index, which each entry would be written to: entries are sorted where some are evicted.
    """
    for pragma in (f"journal_size_limit={1 << 22}", "synchronous=NORMAL", f"cache_size=-{_PAGES_KIB}"):
        db.execute(f"PRAGMA {pragma}").fetchall()
    if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _journal(db)
        with writing(db):
            db.execute(_TABLE)
    db.execute("SELECT kind, key, value, checksum, made, used FROM entries LIMIT 1").fetchone()


def _journal(db: sqlite3.Connection) -> None:
    """A write-ahead log where the file system has shared memory for it, else a journal."""
    try:
        db.execute("PRAGMA journal_mode=WAL").fetchone()
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if code_of(error) in (*BUSY, *BROKEN):
            raise
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=DELETE", "locking_mode=NORMAL"):
            db.execute(f"PRAGMA {pragma}").fetchone()


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """One transaction, during which no other process writes: all of it is done, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _checksums(kind: str, entries: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """The checksum of each entry of a kind: a key and its value."""
    head = kind.encode()
    start = hashlib.blake2b(_length(len(head)) + head, digest_size=8)
    for key, value in entries:
        state = start.copy()
        state.update(b"".join((_length(len(key)), key, _length(len(value)), value)))
        yield state.digest()


_length: Final = struct.Struct("<Q").pack


def read(db: sqlite3.Connection, kind: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
    """The values of those keys, without those whose checksum differs."""
    values: dict[bytes, bytes] = {}
    among = "SELECT 1 FROM entries WHERE kind = ? AND key BETWEEN ? AND ? LIMIT 1"
    if not keys or db.execute(among, (kind, min(keys), max(keys))).fetchone() is None:  # so in a new task run
        return values
    for some, marks in _chunks(keys):
        found = f"SELECT key, value, checksum FROM entries WHERE kind = ? AND key IN ({marks})"
        rows = [row for row in db.execute(found, [kind, *some]) if isinstance(row[1], bytes)]
        checksums = _checksums(kind, ((key, value) for key, value, _ in rows))
        values |= {key: value for (key, value, stored), right in zip(rows, checksums, strict=True) if stored == right}
    return values


def _chunks(keys: Iterable[bytes]) -> Iterator[tuple[list[bytes], str]]:
    """The keys in the order of the table, as many at once as a statement takes, and a mark for each."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), _CHUNK):
        some = ordered[start : start + _CHUNK]
        yield some, ",".join("?" * len(some))


def touch(db: sqlite3.Connection, kind: str, keys: Iterable[bytes]) -> None:
    """Count the entries as used now."""
    now = time.time()
    with writing(db):
        for some, marks in _chunks(keys):
            db.execute(f"UPDATE entries SET used = ? WHERE kind = ? AND key IN ({marks})", [now, kind, *some])


def write(db: sqlite3.Connection, kind: str, values: Mapping[bytes, bytes], most: int) -> None:
    """Store values, which replace those of the same keys, and keep to the limit."""
    now, keys = time.time(), sorted(values)
    data = [values[key] for key in keys]
    rows = list(chain.from_iterable(zip(keys, data, _checksums(kind, zip(keys, data, strict=True)), strict=True)))
    with writing(db):
        for start in range(0, len(rows), _ROWS * _VALUES):
            some = rows[start : start + _ROWS * _VALUES]
            db.execute(_insertion(len(some) // _VALUES), [kind, now, *some])
    evict(db, most)


@functools.cache
def _insertion(rows: int) -> str:
    """The statement for so many rows: it takes their kind and time once, then the key, value and checksum of each."""
    marks = ",".join(["(?,?,?)"] * rows)
    once = f"SELECT kind, now, now, each.* FROM (SELECT ? AS kind, ? AS now), (VALUES {marks}) AS each"
    return f"INSERT OR REPLACE INTO entries (kind, made, used, key, value, checksum) {once}"


def _bytes(db: sqlite3.Connection) -> int:
    """The bytes of the pages in use."""
    pages, free, size = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def evict(db: sqlite3.Connection, most: int) -> None:
    """Above the limit, evict the least recently used entries down to nine tenths of it, and shrink the file."""
    if _bytes(db) <= most:
        return
    with writing(db):
        while (size := _bytes(db)) > KEPT * most and (rows := _oldest(db, 1 - KEPT * most / size)):
            db.executemany("DELETE FROM entries WHERE kind = ? AND key = ?", rows)
    shrink(db)


def _oldest(db: sqlite3.Connection, share: float) -> list[tuple[str, bytes]]:
    """The kinds and keys of the least recently used entries, which have a share of the bytes of all values."""
    left = share * (db.execute("SELECT sum(length(value)) FROM entries").fetchone()[0] or 0)
    rows = []
    for kind, key, length in db.execute("SELECT kind, key, length(value) FROM entries ORDER BY used").fetchall():
        rows.append((kind, key))
        left -= length
        if left <= 0:
            break
    return rows


def shrink(db: sqlite3.Connection) -> None:
    """Give the free pages back to the file system."""
    db.executescript("PRAGMA incremental_vacuum")  # a step for each page: `execute` takes the first one only
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def reader(path: Path) -> sqlite3.Connection:
    """A connection that changes neither the database nor its folder. Raises sqlite3.Error."""
    idle = not path.with_name(f"{path.name}-wal").exists()
    how = "immutable=1" if idle else "mode=ro"
    return sqlite3.connect(f"{path.as_uri()}?{how}", uri=True, timeout=_PATIENCE)


def usage(path: Path) -> dict[str, Usage]:
    """The entries of a database by kind; neither it nor its folder is changed. Raises sqlite3.Error."""
    with closing(reader(path)) as db:
        rows = db.execute(
            "SELECT kind, count(*), sum(length(key) + length(value) + length(checksum) + 16), min(made), max(made) "
            "FROM entries GROUP BY kind"
        )
        return {kind: Usage(*facts) for kind, *facts in rows}


VARIABLE: Final = "ROBUST_XTREME_CACHE"
LIMIT_VARIABLE: Final = "ROBUST_XTREME_CACHE_LIMIT"
LIMIT: Final = 2 << 30
KINDS: Final = ("predictions", "units", "embeddings", "readings")
DAMAGED: Final = ".damaged"

_NAME: Final = "cache-v1.sqlite3"
_COMPUTING: Final = f"{_NAME}-computing"
"""The file whose bytes are locked while the values of keys are computed."""

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
        if self._writes and size > KEPT * self._limit:
            more = f"{size} bytes of {what} are more than the cache may take, and are not kept"
            self._say(f"{more}. To keep them, raise {LIMIT_VARIABLE} ({self._limit})")
            return False
        return self._limit > 0

    def get(self, kind: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """The values of those keys without missing and damaged ones. Entries that are read count as used now."""
        empty: dict[bytes, bytes] = {}
        values = self._tried(lambda db: read(db, kind, keys), empty) if self._reads else empty
        if values and self._writes:
            self._tried(lambda db: touch(db, kind, values), None, quiet=True)
        return values

    def put(self, kind: str, values: Mapping[bytes, bytes]) -> None:
        """Store values, which replace those of the same keys; then evict entries above the limit, oldest use first."""
        if values and self._writes:
            self._tried(lambda db: write(db, kind, values, self._limit), None)

    @contextmanager
    def computing(self, key: bytes) -> Iterator[None]:
        """Wait until no other process computes the value of this key; where no file can be locked, do not wait.

        A process that ends, however it does, lets the others continue.
        """
        with ExitStack() as stack:
            with suppress(OSError):
                if self._writes:
                    file = stack.enter_context(appended(self._path.with_name(_COMPUTING)))
                    fcntl.lockf(file, fcntl.LOCK_EX, 1, int.from_bytes(key[:7], "big"))
            yield

    def close(self) -> None:
        """Leave the cache within its limit."""
        if self._db is not None and self._writes:
            self._tried(lambda db: evict(db, self._limit), None, quiet=True)
        self._drop()

    def _tried(self, work: Callable[[sqlite3.Connection], T], otherwise: T, quiet: bool = False) -> T:
        """The result of the work; a damaged database is replaced once and the work is tried again."""
        try:
            if self._db is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._seen = _inode(self._path)
                self._db = ready(self._path)
                self._seen = _inode(self._path)
            return work(self._db)
        except ERRORS as error:
            if self._renew(error):
                return self._tried(work, otherwise, quiet)
            self._give_up(error, quiet)
            return otherwise

    def _renew(self, error: Exception) -> bool:
        """Move a damaged database aside; return whether the work can be tried again."""
        if self._renewed or code_of(error) not in BROKEN:
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
        if code_of(error) in BUSY:
            if not quiet:
                self._say(f"the cache {self._path} is busy; what was computed is not all stored")
            return
        if self._db is None:
            what = f"the cache {self._path.parent} cannot be used, and the run continues without"
            self._say(f"{what}: {reason_of(error)}. Name another folder with {VARIABLE}")
            self._reads = False
        else:
            self._say(f"nothing more is stored in the cache {self._path}: {reason_of(error)}")
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
    with suppress(*ERRORS):
        if limit() and path.is_file():
            with closing(reader(path)) as db:
                values = read(db, kind, keys)
    return tuple(key in values for key in keys)


class Info(NamedTuple):
    """The state of the cache: its folder, bytes on disk, the limit, its entries by kind, and what is wrong with it.

    `others` are the names of files of the cache besides its database: those of other versions, and damaged ones.
    """

    folder: Path
    size: int
    limit: int
    kinds: Mapping[str, Usage]
    problem: str = ""
    others: tuple[str, ...] = ()


def info() -> Info:
    """The state of the cache, without making or changing it. Raises SpecError where the limit is not a size."""
    directory, most = folder().absolute(), limit()
    path, kinds, problem = directory / _NAME, dict.fromkeys(KINDS, Usage()), ""
    size, others = 0, list[str]()
    try:
        if path.is_file():
            kinds |= usage(path)
        elif directory.exists() and not directory.is_dir():
            problem = _not_a_folder(directory)
        for file in _files(directory):
            others += [] if _is_current(file) else [file.name]
            with suppress(OSError):
                size += file.stat().st_size
    except ERRORS as error:
        problem = f"{path} cannot be read: {reason_of(error)}. {_ANOTHER}"
    return Info(directory, size, most, kinds, problem, tuple(others))


def _not_a_folder(path: Path) -> str:
    return f"{path} is not a folder. Name a folder with {VARIABLE}."


def _is_current(file: Path) -> bool:
    """Whether a file is the database or one of sqlite's beside it."""
    return file.name.startswith(_NAME) and DAMAGED not in file.name and file.name != _COMPUTING


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
    except ERRORS as error:
        raise DiskError(f"The cache {before.folder} cannot be cleared: {reason_of(error)}. {_ANOTHER}") from error
    return before


def _emptied(path: Path) -> bool:
    """Empty the database; return whether there is a sound one."""
    if not path.is_file():
        return False
    try:
        with closing(ready(path)) as db:
            with writing(db):
                db.execute("DELETE FROM entries")
            shrink(db)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if code_of(error) in BROKEN:
            return False
        raise
    return True


def opened(warn: Callable[[str], None]) -> Cache:
    """The cache of this machine; nothing is made or read yet. Raises SpecError where its limit is not a size."""
    directory, most = folder(), limit()
    if not os.environ.get(VARIABLE) and not directory.is_absolute():
        warn(f"there is no home folder for the cache, and the run continues without. Name one with {VARIABLE}")
        most = 0
    return Cache(directory.absolute(), most, warn)
