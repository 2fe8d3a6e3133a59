"""A journal that somebody else wrote: it leads to nothing outside of the run's folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from robust_xtreme.core.errors import DiskError, Mismatch
from robust_xtreme.files import store
from robust_xtreme.files.journal import JOURNAL, Journal, check_folder, start_over

_GIVEN = {"a.txt", "model/config.json"}


def _in_it(tmp: Path) -> None:
    """Files and a folder in the folder that a killed run left."""
    (tmp / "config.json").write_text("half")
    (tmp / "mine.txt").write_text("mine")
    (tmp / "plots").mkdir()
    (tmp / "plots" / "config.json").write_text("mine")


def _file(tmp: Path) -> None:
    tmp.rmdir()
    tmp.write_text("mine")


def _link(tmp: Path) -> None:
    tmp.rmdir()
    (tmp.parent / "target").write_text("mine")
    tmp.symlink_to(tmp.parent / "target")


def _make(kind: str, path: Path, target: Path) -> None:
    """Make a link to a target, a folder or a pipe."""
    if kind == "link":
        path.symlink_to(target)
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)


def _pipe(tmp: Path) -> None:
    tmp.rmdir()
    os.mkfifo(tmp)


@pytest.mark.parametrize(
    "name",
    ["../victim", "..", ".", "", "{outside}/victim", "mine", "link/.victim.01234567.tmp", "../.victim.01234567.tmp"],
)
def test_a_line_of_a_temporary_file_removes_nothing_else(tmp_path: Path, name: str) -> None:
    """Only temporary names of the run are swept: no path out of the folder, no link, no other name."""
    run = tmp_path / "run"
    (tmp_path / "victim").mkdir()
    for path in (tmp_path / "victim" / "a", tmp_path / ".victim.01234567.tmp", tmp_path / "notes.txt"):
        path.write_text("mine")
    run.mkdir()
    (run / "mine").write_text("mine")
    (run / "link").symlink_to(tmp_path)
    (run / JOURNAL).write_text(json.dumps([name.format(outside=tmp_path), "opened"]))
    before = sorted(tmp_path.rglob("*"))
    Journal(run).sweep()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_temporary_file_that_the_journal_names_is_swept(tmp_path: Path) -> None:
    """What a killed process left goes, a file with a name of the same form that the journal does not have stays."""
    for name in (".a.01234567.tmp", ".b.01234567.tmp"):
        (tmp_path / name).write_text("x")
    (tmp_path / JOURNAL).write_text(json.dumps([".a.01234567.tmp", "opened"]))
    Journal(tmp_path, gives={"a"}.__contains__).sweep()
    assert not (tmp_path / ".a.01234567.tmp").exists()
    assert (tmp_path / ".b.01234567.tmp").exists()


@pytest.mark.parametrize("line", ['[["a"],"b"]', "[" * 100_000, '["a\\ud800b","opened"]', "[1,2]", "{}", "null"])
def test_lines_that_no_run_writes_are_not_read(tmp_path: Path, line: str) -> None:
    """Other JSON is passed over, and the lines after it are read."""
    (tmp_path / "f").write_text("x")
    (tmp_path / JOURNAL).write_text(line + "\n" + json.dumps(["f", "0" * 64]))
    assert Journal(tmp_path).names() == ["f"]


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_a_journal_that_is_not_a_file_is_refused(tmp_path: Path, kind: str) -> None:
    """One line names the journal and the cure, before anything is removed or waited for."""
    _make(kind, tmp_path / JOURNAL, Path("/dev/zero"))
    with pytest.raises(Mismatch, match="Move it away"):
        Journal(tmp_path).names()


@pytest.mark.parametrize("killed", [True, False])
@pytest.mark.parametrize("plant", [_in_it, _file, _link, _pipe])
def test_what_a_run_does_not_write_in_a_temporary_folder_is_kept(
    tmp_path: Path, plant: Callable[[Path], None], killed: bool
) -> None:
    """Of a killed run and of one that continues: under a name that is seen, and reported; what the run gives goes."""
    notices: list[str] = []
    journal = Journal(tmp_path, notices.append, gives=_GIVEN.__contains__)
    with pytest.MonkeyPatch.context() as patch, journal.temporary(tmp_path / "model") as tmp:
        tmp.mkdir()
        plant(tmp)
        if killed:
            patch.setattr(Journal, "_discard", lambda *_: None)
    journal.sweep()
    assert notices == [f"{tmp.name} is not as the run wrote it, and is kept as model.kept"]
    assert not os.path.lexists(tmp)
    kept = tmp_path / "model.kept"
    if plant is _in_it:
        assert sorted(path.read_text() for path in kept.rglob("*.*")) == ["mine", "mine"]
    else:
        assert kept.is_symlink() or kept.is_fifo() or kept.read_text() == "mine"
    journal.sweep()
    assert len(notices) == 1


@pytest.mark.parametrize("name", ["a.txt", "model"])
def test_a_folder_in_the_place_of_a_temporary_file_is_kept(tmp_path: Path, name: str) -> None:
    """Its files do not have names that the run gives."""
    notices: list[str] = []
    tmp = tmp_path / f".{name}.01234567.tmp"
    tmp.mkdir()
    (tmp / "a.txt").write_text("mine")
    (tmp_path / JOURNAL).write_text(json.dumps([tmp.name, "opened"]))
    Journal(tmp_path, notices.append, gives=_GIVEN.__contains__).sweep()
    assert (tmp_path / f"{name}.kept" / "a.txt").read_text() == "mine"
    assert notices == [f"{tmp.name} is not as the run wrote it, and is kept as {name}.kept"]


@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_a_lock_that_is_not_a_file_is_refused(tmp_path: Path, kind: str) -> None:
    """Before a run and before its plan, with the cure; what a link leads to is not made."""
    path = tmp_path / "run" / store.LOCK
    path.parent.mkdir()
    _make(kind, path, tmp_path / "none")
    with pytest.raises(Mismatch, match="Move it away"):
        check_folder(path.parent)
    with pytest.raises(Mismatch, match="Move it away"), store.lock(path.parent):
        pass
    assert not (tmp_path / "none").exists()


def test_what_is_kept_is_named_before_it_is_renamed(tmp_path: Path) -> None:
    """A process that is killed between the two has said what it keeps, and the next says it again."""
    path = tmp_path / "a.txt"
    path.write_text("mine")
    seen: list[bool] = []
    journal = Journal(tmp_path, lambda _: seen.append(path.exists()))
    journal.write(path, b"a")
    path.write_text("edited")
    over = start_over(journal, ["a.txt"], [])
    over.carry_out(journal.tell, over.line())
    assert seen == [True, True]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [JOURNAL, "a.txt.kept", "a.txt.kept.2"]


def test_nothing_is_removed_where_the_journal_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by a start over nor by a sweep; the line names the journal."""
    journal = Journal(tmp_path, gives=_GIVEN.__contains__)
    journal.write(tmp_path / "model" / "config.json", b"a")
    (tmp_path / ".a.txt.0a.tmp").write_text("half")
    with (tmp_path / JOURNAL).open("a") as file:
        file.write("\n" + json.dumps([".a.txt.0a.tmp", "opened"]))
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != JOURNAL)
    over = start_over(journal, ["model/config.json"], [])
    with pytest.raises(DiskError, match=rf"{JOURNAL} cannot be written"):
        over.carry_out(print, over.line())
    with pytest.raises(DiskError, match=rf"{JOURNAL} cannot be written"):
        journal.sweep()
    assert sorted(tmp_path.rglob("*")) == before
