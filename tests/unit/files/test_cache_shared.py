"""The cache under concurrent use: several processes, killed ones, and the commands that list and empty it."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import threading
import time
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from tests.cached import KIND, NAME, Using, entries, key
from tests.forks import process
from tests.program import program

from robust_xtreme.files import cache
from robust_xtreme.files.cache import Cache, Usage, clear, info


@pytest.fixture
def using(tmp_path: Path) -> Using:
    """A cache that does not exist yet."""
    return Using(tmp_path / "deep" / "cäche")


@dataclass(frozen=True, slots=True)
class Writer:
    """A process that writes, and the pipe in which it reports each step that is finished."""

    process: BaseProcess
    reports: Connection


def _writer(folder: Path, first: int, stop: int, step: int) -> Writer:
    """A process that puts numbers in steps, reads each step again, and reports it."""
    ours, theirs = Pipe(duplex=False)
    begun = process(_write, theirs, folder, range(first, stop, step))
    theirs.close()
    return Writer(begun, ours)


def _write(reports: Connection, folder: Path, steps: range) -> None:
    cache = Cache(folder, 1 << 30, lambda line: sys.exit(line))
    for begin in steps:
        values = entries(begin, begin + steps.step)
        cache.put(KIND, values)
        assert cache.get(KIND, list(values)) == values
        reports.send(begin)
    cache.close()


@pytest.mark.slow  # the server of forks imports torch
def test_processes_at_once_lose_nothing(using: Using) -> None:
    """Three that make the cache, write and read at the same time, overlapping: all is there, and none complained."""
    writers = [_writer(using.folder, first, first + 2000, 50) for first in (0, 1000, 2000)]
    for writer in writers:
        writer.process.join(120)
        assert writer.process.exitcode == 0
    assert using.get(*range(4000)) == entries(0, 4000)
    assert using.warnings == []


@pytest.mark.slow  # the server of forks imports torch
def test_a_writer_that_is_killed_leaves_a_sound_cache(using: Using) -> None:
    """`kill -9` in the middle of writing, three times: every finished step is there, and nothing was damaged."""
    for turn in range(3):
        writer = _writer(using.folder, turn * 10**6, 10**8, 500)
        done = [int(writer.reports.recv()) for _ in range(3 + turn)]
        time.sleep(0.005 * turn)
        writer.process.kill()
        writer.process.join()
        assert using.get(*range(done[0], done[-1] + 500)) == entries(done[0], done[-1] + 500)
    assert using.warnings == []
    assert not (using.folder / f"{NAME}.damaged").exists()


def test_a_cache_that_another_process_locks_delays_nothing_for_long(
    using: Using, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading continues; what cannot be written is dropped with one line, and written the next time."""
    using.put(entries(0, 3))
    monkeypatch.setattr(cache, "_PATIENCE", 0.1)
    with contextlib.closing(sqlite3.connect(using.folder / NAME, isolation_level=None)) as other, using.open() as store:
        other.execute("BEGIN IMMEDIATE")
        assert store.get(KIND, [key(1)]) == entries(1, 2)
        store.put(KIND, entries(3, 4))
        store.put(KIND, entries(3, 4))
        other.execute("ROLLBACK")
        store.put(KIND, entries(4, 5))
    assert using.get(*range(5)) == entries(0, 3) | entries(4, 5)
    assert len(using.warnings) == 1
    assert "is busy" in using.warnings[0]


def test_info_changes_nothing(cache: Path) -> None:
    """Without a cache nothing is made; with one, every kind is counted, with times and bytes."""
    nothing = {KIND: Usage(), "units": Usage(), "embeddings": Usage(), "readings": Usage()}
    assert (info().size, info().kinds, cache.exists()) == (0, nothing, False)
    begun = time.time()
    Using(cache).put(entries(0, 10))
    cache_info = info()
    assert cache_info.folder == cache
    assert cache_info.size == sum(path.stat().st_size for path in cache.iterdir()) > 0
    usage = cache_info.kinds[KIND]
    assert (usage.entries, usage.size) == (10, 10 * (16 + 22 + 8 + 16))
    assert begun <= (usage.oldest or 0) <= (usage.newest or 0) <= time.time()
    assert cache_info.kinds["embeddings"] == Usage()


def test_info_says_what_is_wrong(cache: Path) -> None:
    """A damaged database is reported, and left as it is."""
    Using(cache).put(entries(0, 10))
    (cache / NAME).write_bytes(b"not a database" * 1000)
    before = (cache / NAME).read_bytes()
    assert "not a database" in info().problem
    assert (cache / NAME).read_bytes() == before


def test_clear_removes_what_is_ours_and_nothing_else(cache: Path) -> None:
    """Entries go, and what was set aside, and databases of other versions; a file of somebody else's stays."""
    Using(cache).put(entries(0, 3000))
    for name in (f"{NAME}.damaged", "cache-v0.sqlite3", "thesis.txt"):
        (cache / name).write_text("x" * 100)
    assert clear().kinds[KIND].entries == 3000
    assert {path.name for path in cache.iterdir()} == {NAME, "thesis.txt"}
    assert (cache / NAME).stat().st_size < 1 << 15
    assert Using(cache).get(*range(3000)) == {}
    assert clear().kinds[KIND].entries == 0


def test_clear_beside_a_run_lets_it_continue(cache: Path) -> None:
    """A cache in use is emptied; what the run puts afterwards is stored."""
    using = Using(cache)
    with using.open() as store:
        store.put(KIND, entries(0, 10))
        clear()
        assert store.get(KIND, [key(1)]) == {}
        store.put(KIND, entries(5, 6))
    assert using.get(*range(10)) == entries(5, 6)
    assert using.warnings == []


def test_clear_removes_a_damaged_database(cache: Path) -> None:
    """What cannot be read is removed as a file."""
    Using(cache).put(entries(0, 10))
    (cache / NAME).write_bytes(b"not a database" * 1000)
    clear()
    assert list(cache.iterdir()) == []


def test_what_was_set_aside_is_named(cache: Path) -> None:
    """Before it is removed with the cache, by `cache info`, and after it, by `cache clear`."""
    Using(cache).put(entries(0, 3))
    (cache / f"{NAME}.damaged").write_text("x")
    assert f"others       {NAME}.damaged\n" in program("cache").out
    assert program("cache", "clear", "--yes").out.endswith(f"from {cache}, with {NAME}.damaged\n")
    assert info().others == ()


def test_a_cache_that_is_a_file_is_not_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The problem is the one that `cache info` shows, and the file stays."""
    path = tmp_path / "file"
    path.write_text("mine")
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(path))
    done = program("cache", "clear", "--yes")
    assert (done.code, done.err) == (2, f"robust-xtreme: {info().problem}\n")
    assert "ROBUST_XTREME_CACHE" in info().problem
    assert path.read_text() == "mine"


def test_connections_of_threads_set_a_damaged_database_aside_once(tmp_path: Path) -> None:
    """None of them moves the database that another has begun, or gives up because it was moved."""
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        (folder / NAME).write_bytes(b"nothing of use" * 5000)
        warnings: list[str] = []
        start = threading.Barrier(4)

        def used(folder: Path, warnings: list[str], start: threading.Barrier) -> None:
            opened = Cache(folder, 1 << 20, warnings.append)
            start.wait()
            opened.get(KIND, [b"key"])
            opened.close()

        threads = [threading.Thread(target=used, args=(folder, warnings, start)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert warnings
        assert all("set aside" in line for line in warnings)


@pytest.mark.parametrize("code", ["READONLY_DBMOVED", "IOERR_DELETE_NOENT", "IOERR_SHORT_READ"])
def test_a_file_that_moves_while_it_is_opened_is_opened_again(
    using: Using, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Another connection sets a damaged database aside in the middle of the first statements."""
    set_up, failures = cache._set_up, [sqlite3.OperationalError("disk I/O error") for _ in range(2)]

    def moved(db: sqlite3.Connection) -> None:
        if not failures:
            return set_up(db)
        error = failures.pop()
        error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{code}")
        raise error

    monkeypatch.setattr(cache, "_set_up", moved)
    using.put(entries(0, 10))
    assert using.get(*range(10)) == entries(0, 10)
    assert using.warnings == []
