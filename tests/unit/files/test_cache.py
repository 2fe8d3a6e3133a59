"""The cache: what it gives back, what it drops, and that nothing that is wrong with it ends a run."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any, Final

import pytest
from tests.cached import KIND, NAME, ROOM, Using, entries, key

from robust_xtreme.core.errors import SpecError
from robust_xtreme.files import cache
from robust_xtreme.files.cache import limit, parse_size

SMALL: Final = 200_000


@pytest.fixture
def using(tmp_path: Path) -> Using:
    """A cache that does not exist yet."""
    return Using(tmp_path / "deep" / "cäche")


def test_what_was_put_is_found_later(using: Using) -> None:
    """Values come back under their keys, others are missing, and a value that is put again replaces the old one."""
    using.put(entries(0, 2000))
    assert using.get(*range(1990, 2010)) == entries(1990, 2000)
    using.put({key(3): b"new"})
    assert using.get(3) == {key(3): b"new"}
    assert using.warnings == []


def test_kinds_do_not_meet(using: Using) -> None:
    """The same key of another kind is another entry."""
    using.put({key(1): b"mine"})
    with using.open() as store:
        store.put("embeddings", {key(1): b"other"})
        assert store.get("embeddings", [key(1)]) == {key(1): b"other"}
        assert store.get(KIND, [key(1)]) == {key(1): b"mine"}


def _edit(path: Path, statement: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        assert db.execute(statement, values).rowcount


@pytest.mark.parametrize(
    ("column", "value"),
    [("value", b'"1"'), ("value", b"\xff\xfe"), ("value", "text"), ("value", 7), ("checksum", b"12345678")],
)
def test_a_damaged_entry_is_missing_and_is_replaced(using: Using, column: str, value: object) -> None:
    """An entry that is not what was written is as if it were not there; the others stay."""
    using.put(entries(0, 3))
    _edit(using.folder / NAME, f"UPDATE entries SET {column} = ? WHERE key = ?", value, key(1))
    assert using.get(0, 1, 2) == {entry_key: text for entry_key, text in entries(0, 3).items() if entry_key != key(1)}
    using.put(entries(1, 2))
    assert using.get(0, 1, 2) == entries(0, 3)
    assert using.warnings == []


def test_an_entry_under_another_s_key_is_missing(using: Using) -> None:
    """The checksum covers the key."""
    using.put(entries(0, 1))
    _edit(using.folder / NAME, "UPDATE entries SET key = ?", key(5))
    assert using.get(5) == {}


def _overwritten(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def _torn(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xa5" * (len(data) - 4096))


def _foreign(path: Path) -> None:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript("CREATE TABLE entries (other TEXT); CREATE INDEX by_use ON entries (other)")


def _misnamed(path: Path) -> None:
    """Names in the schema that are not UTF-8, which the module cannot put into its error."""
    path.write_bytes(path.read_bytes().replace(b"entries", b"entri\x99s"))


@pytest.mark.parametrize("damage", [_overwritten, _torn, _foreign, _misnamed])
def test_a_damaged_database_is_set_aside_with_one_line(using: Using, damage: object) -> None:
    """It is kept beside, a new one is begun, and what is put into that is found again without a message."""
    using.put(entries(0, 3000))
    damage(using.folder / NAME)  # type: ignore[operator]  # one of three functions
    with using.open() as store:
        for _ in range(2):
            store.get(KIND, [key(number) for number in range(3000)])
            store.put(KIND, entries(0, 10))
        assert store.get(KIND, [key(1)]) == entries(1, 2)
    assert len(using.warnings) == 1
    assert "set aside" in using.warnings[0]
    assert (using.folder / f"{NAME}.damaged").is_file()
    assert using.get(*range(10)) == entries(0, 10)
    assert len(using.warnings) == 1


def test_a_database_that_is_damaged_while_it_is_open_is_set_aside(using: Using) -> None:
    """Also in the middle of a run nothing is lost but what was kept."""
    using.put(entries(0, 3000))
    with using.open() as store:
        assert store.get(KIND, [key(1)]) == entries(1, 2)
        _torn(using.folder / NAME)
        store.get(KIND, [key(number) for number in range(3000)])
        store.put(KIND, entries(0, 5))
        assert store.get(KIND, [key(1)]) == entries(1, 2)
    assert len(using.warnings) == 1


def test_an_empty_file_is_a_new_database(using: Using) -> None:
    """A file that was cut to nothing is begun again."""
    using.folder.mkdir(parents=True)
    (using.folder / NAME).touch()
    using.put(entries(0, 2))
    assert using.get(0, 1) == entries(0, 2)
    assert using.warnings == []


@pytest.mark.parametrize("folder", ["/proc", "/proc/self/cache", "/dev/null", "/dev/full/below", "x" * 300])
def test_a_place_that_cannot_contain_it_costs_one_line(folder: str) -> None:
    """A file, a folder that nothing can be written into, a name that is too long: nothing is stored, nothing raises."""
    using = Using(Path(folder))
    with using.open() as store:
        for _ in range(3):
            store.put(KIND, entries(0, 3))
            assert store.get(KIND, [key(1)]) == {}
    assert len(using.warnings) == 1
    assert "continues without" in using.warnings[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_read_only_folder_costs_one_line(using: Using) -> None:
    """Without the right to write nothing raises."""
    using.put(entries(0, 3))
    using.folder.chmod(0o500)
    using.put(entries(3, 6))
    using.folder.chmod(0o700)
    assert len(using.warnings) == 1


def test_a_full_disk_costs_one_line_and_what_is_held_is_still_read(
    using: Using, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no page can be added nothing more is stored; what was stored before stays."""
    using.put(entries(0, 100))
    connect = cache.connect

    def full(path: Path) -> sqlite3.Connection:
        db = connect(path)
        db.execute("PRAGMA max_page_count = 1")
        return db

    monkeypatch.setattr(cache, "connect", full)
    with using.open() as store:
        for _ in range(2):
            store.put(KIND, entries(1000, 9000))
        assert store.get(KIND, [key(7), key(2000)]) == entries(7, 8)
    assert len(using.warnings) == 1
    assert "nothing more" in using.warnings[0]
    assert "full" in using.warnings[0]


def test_without_shared_memory_there_is_a_plain_journal(using: Using, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system has no write-ahead log the cache works the same."""

    def connect(path: Path) -> sqlite3.Connection:
        return sqlite3.connect(f"{path.as_uri()}?vfs=unix-dotfile", uri=True, isolation_level=None)

    monkeypatch.setattr(cache, "connect", connect)
    using.put(entries(0, 100))
    assert using.get(*range(100)) == entries(0, 100)
    assert using.warnings == []
    with contextlib.closing(sqlite3.connect(using.folder / NAME)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)


class _NoLog:
    """A connection to a file system that refuses the write-ahead log."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """The statement, but for the one that asks for the log."""
        if statement == "PRAGMA journal_mode=WAL":
            raise sqlite3.OperationalError("disk I/O error")
        return self._db.execute(statement, *values)

    def __getattr__(self, name: str) -> object:
        return getattr(self._db, name)


def test_a_log_that_is_refused_is_a_plain_journal_too(using: Using, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error instead of a refusal makes no difference."""
    connect = cache.connect
    monkeypatch.setattr(cache, "connect", lambda path: _NoLog(connect(path)))
    using.put(entries(0, 10))
    assert using.get(*range(10)) == entries(0, 10)
    assert using.warnings == []


def test_it_stays_within_its_limit_and_drops_what_was_not_used_for_longest(using: Using) -> None:
    """Old entries go first, one that was read meanwhile stays, and the file shrinks."""
    using.put(entries(0, 300, width=400))
    before = (using.folder / NAME).stat().st_size
    using.put(entries(300, 330, width=400))
    assert len(using.get(*range(20), most=ROOM)) == 20
    using.put(entries(400, 500, width=400), most=SMALL)
    assert len(using.get(*range(400, 500))) == 100
    assert len(using.get(*range(20))) == 20
    assert 0 < len(using.get(*range(20, 300))) < 280
    assert before > SMALL * 0.75
    assert sum(path.stat().st_size for path in using.folder.iterdir()) <= SMALL


def test_a_database_with_an_index_of_an_earlier_version_is_used(using: Using) -> None:
    """Its entries are found, others are added, and those that were not used for longest go first."""
    using.put(entries(0, 300, width=400))
    with contextlib.closing(sqlite3.connect(using.folder / NAME)) as db:
        db.execute("CREATE INDEX by_use ON entries (used)")
    assert using.get(*range(20)) == entries(0, 20, width=400)
    using.put(entries(400, 500, width=400), most=SMALL)
    assert (len(using.get(*range(20))), len(using.get(*range(400, 500)))) == (20, 100)
    assert len(using.get(*range(20, 300))) < 280
    assert using.warnings == []


def test_a_limit_that_was_lowered_applies_without_new_entries(using: Using) -> None:
    """A run that only reads leaves the cache within the limit too."""
    using.put(entries(0, 3000, width=400))
    assert (using.folder / NAME).stat().st_size > 5 * SMALL
    using.get(1, most=SMALL)
    assert (using.folder / NAME).stat().st_size <= SMALL


def test_more_than_the_limit_at_once_is_cut_to_it(using: Using) -> None:
    """One large batch never leaves more than the limit; with a limit of 0 nothing is stored and no file is made."""
    using.put(entries(0, 5000, width=400), most=SMALL)
    assert (using.folder / NAME).stat().st_size <= SMALL
    nothing = Using(using.folder / "nothing")
    nothing.put(entries(0, 3), most=0)
    assert nothing.get(1, most=0) == {}
    assert not nothing.folder.exists()
    assert using.warnings == nothing.warnings == []


@pytest.mark.parametrize(
    ("text", "size"),
    [("500MB", 500_000_000), ("2GiB", 2 << 30), ("1.5 k", 1500), ("12", 12), ("0", 0), ("7 b", 7), ("1tib", 1 << 40)],
)
def test_sizes_are_read(text: str, size: int) -> None:
    """Decimal and binary units, in any case, with or without a space."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["-1", "MB", "1e9", "nan", "5 parsecs", "9" * 400, "1\n2", "٣MB", "inf"])
def test_what_is_not_a_size_is_one_line(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named, and a size that is right."""
    monkeypatch.setenv("ROBUST_XTREME_CACHE_LIMIT", text)
    with pytest.raises(SpecError, match="ROBUST_XTREME_CACHE_LIMIT"):
        limit()


def test_the_platform_s_folder_serves_where_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """XDG_CACHE_HOME on Linux; an empty variable is as none; without a home there is no cache and one line."""
    monkeypatch.setenv("ROBUST_XTREME_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "robust-xtreme"
    messages: list[str] = []
    monkeypatch.setattr(cache, "folder", lambda: Path("~/.cache/robust-xtreme"))
    monkeypatch.chdir(tmp_path)
    store = cache.opened(messages.append)
    store.put(KIND, entries(0, 2))
    assert len(messages) == 1
    assert "ROBUST_XTREME_CACHE" in messages[0]
    assert list(tmp_path.iterdir()) == []


def test_a_relative_folder_counts_from_where_the_run_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is resolved once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROBUST_XTREME_CACHE", "here")
    store = cache.opened(lambda line: pytest.fail(line))
    monkeypatch.chdir("/")
    store.put(KIND, entries(0, 2))
    store.close()
    assert (tmp_path / "here" / NAME).is_file()
