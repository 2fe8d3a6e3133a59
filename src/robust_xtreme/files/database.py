"""The table of the cache in sqlite: entries by kind and key, each with a checksum, evicted by their last use."""

from __future__ import annotations

import errno
import functools
import hashlib
import sqlite3
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

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

_MOVED: Final = (sqlite3.SQLITE_READONLY_DBMOVED, sqlite3.SQLITE_IOERR_DELETE_NOENT)
"""Another connection has set the file aside, or taken the journal of a new one for that of the former."""

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
