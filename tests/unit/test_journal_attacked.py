"""A journal that somebody else wrote: it leads to nothing outside of the run's folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from robust_xtreme.errors import Mismatch
from robust_xtreme.results.journal import JOURNAL, Journal


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
    Journal(tmp_path).sweep()
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
    path = tmp_path / JOURNAL
    if kind == "link":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(Mismatch, match="Move it away"):
        Journal(tmp_path).names()
