"""`robust-xtreme cache` and `eval --no-cache`: what they print, remove and refuse."""

from __future__ import annotations

import errno
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from tests.program import program
from tests.release import release
from tests.tiny import tiny_run
from typer.testing import CliRunner

from robust_xtreme.cli._app import build
from robust_xtreme.files import cache as files_cache
from robust_xtreme.files.cache import Cache, info

pytestmark = pytest.mark.usefixtures("unpaged")

NAME: Final = "cache-v1.sqlite3"
ENTRIES: Final = 30


@pytest.fixture
def entries(cache: Path) -> int:
    """A cache with some entries; how many."""
    opened = Cache(cache, 1 << 20, lambda line: pytest.fail(line))
    opened.put("predictions", {str(number).encode(): b'{"Choice": 1}' for number in range(ENTRIES)})
    opened.close()
    return ENTRIES


def call(*words: str, **options: Any) -> Any:
    """The program on the words given, as it ends."""
    return CliRunner().invoke(build(), list(words), **options)


def test_no_cache_is_a_word_of_eval(cache: Path, tmp_path: Path) -> None:
    """`--no-cache` leaves no file, and without it there is one."""
    model, data = tiny_run(tmp_path / "tiny", ("panx",)), release(tmp_path / "data")
    words = ["eval", "--model", str(model), "--data", str(data), "--tasks", "panx", "--limit", "4", "--device", "cpu"]
    assert call(*words, "--no-cache", "--out", str(tmp_path / "one")).exit_code == 0
    assert not cache.exists()
    result = call(*words, "--out", str(tmp_path / "two"))
    assert "8 distinct inputs, 0 from" in result.stderr
    assert cache.exists()


def test_the_command_shows_and_empties_it(cache: Path, entries: int) -> None:
    """`cache info` counts by kind, `cache clear` asks for --yes where nobody can answer, and then empties."""
    shown = json.loads(call("cache", "info", "--json").stdout)
    assert (shown["folder"], shown["entries"]["predictions"]["entries"]) == (str(cache), entries)
    assert set(shown["entries"]) == {"predictions", "units", "embeddings", "readings"}
    assert shown["entries"]["predictions"]["oldest"] <= shown["entries"]["predictions"]["newest"]
    assert (shown["limit"], shown["problem"]) == (2 << 30, None)
    assert f"{entries} entries" in call("cache").stdout
    refused = call("cache", "clear")
    assert (refused.exit_code, "cache clear --yes" in refused.stderr) == (2, True)
    assert info().kinds["predictions"].entries == entries
    done = call("cache", "clear", "--yes")
    assert (done.exit_code, done.stdout.startswith(f"Removed {entries} entries (")) == (0, True)
    assert info().kinds["predictions"].entries == 0
    assert json.loads(call("cache", "clear", "--yes", "--json").stdout)["removed"]["predictions"]["entries"] == 0


def test_the_hub_s_own_cache_is_named_and_never_emptied(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HF_HUB_CACHE, HF_HOME or the platform's folder; nothing in it is touched."""
    for name in ("HF_HUB_CACHE", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert str(tmp_path / "xdg" / "huggingface" / "hub") in call("cache", "info").stdout
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    kept = tmp_path / "home" / "hub" / "models--one"
    kept.mkdir(parents=True)
    assert json.loads(call("cache", "info", "--json").stdout)["hub"] == str(tmp_path / "home" / "hub")
    monkeypatch.setenv("ROBUST_XTREME_CACHE", str(tmp_path / "home"))
    assert call("cache", "clear", "--yes").exit_code == 0
    assert kept.is_dir()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "own"))
    assert json.loads(call("cache", "info", "--json").stdout)["hub"] == str(tmp_path / "own")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("cler",), "'clear'"),
        (("info", "more"), "extra argument"),
    ],
)
def test_a_mistyped_command_is_one_line(words: tuple[str, ...], line: str) -> None:
    """The line says what was wrong and what was probably meant."""
    done = program("cache", *words)
    assert (done.code, line in done.err) == (2, True)


def test_a_cache_that_cannot_be_emptied_is_one_line(cache: Path, entries: int) -> None:
    """A database that another process has locked is one line, with the exit code of the environment."""
    with closing(sqlite3.connect(cache / NAME, isolation_level=None)) as other, pytest.MonkeyPatch.context() as patch:
        patch.setattr(files_cache, "_PATIENCE", 0.1)
        other.execute("BEGIN IMMEDIATE")
        result = call("cache", "clear", "--yes")
    assert (result.exit_code, "locked" in result.stderr) == (3, True)


def test_a_cache_that_may_not_be_read_is_shown_with_what_to_do(
    cache: Path, entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder belongs to another user: the problem has the next step."""

    def denied(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", denied)
    assert "ROBUST_XTREME_CACHE" in info().problem
    result = call("cache", "clear", "--yes")
    assert (result.exit_code, "ROBUST_XTREME_CACHE" in result.stderr) == (3, True)
