"""What `-o` may write: no file of a run or of a baseline, no pipe, no format that does not exist."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Final

import pytest
from tests.finished_runs import finished_run
from tests.program import program
from tests.some import some

from robust_xtreme.files import new_files
from robust_xtreme.gating.baselines import save

MINI: Final = Path(__file__).parents[3] / "reports" / "mini"


@pytest.mark.parametrize("name", ["manifest.json", "deltas.csv", "scores.csv"])
def test_a_file_of_the_run_is_never_replaced(tmp_path: Path, name: str) -> None:
    """Not with --force either, nor through a link."""
    run = Path(shutil.copytree(MINI, tmp_path / "run"))
    before = (run / name).read_bytes()
    (tmp_path / "link.csv").symlink_to(run / name)
    for path in (run / name, tmp_path / "link.csv"):
        ended = program("report", str(run), "-o", str(path), "--force")
        assert ended.code == 2
        assert "file of the run" in ended.err
    assert (run / name).read_bytes() == before


WRITING: Final = {
    "report": ("report", "{run}"),
    "gate": ("gate", "{run}", "--baseline", "main"),
    "compare": ("compare", "main", "{run}"),
    "export": ("export", "{run}", "--model-card"),
}
"""The commands that write results into the file of `-o`."""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A run in the folder `run`, which is saved as the baseline main of the working folder and of another."""
    folder = tmp_path
    run = finished_run(folder / "run")
    (run / "log.txt").touch()
    os.mkfifo(folder / "pipe.csv")
    for root in (folder / ".robust-xtreme" / "baselines", folder / "other"):
        save([run], "main", root)
    return folder


@pytest.mark.parametrize("command", WRITING)
def test_no_command_replaces_what_is_not_its_own(saved: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither files of the run nor those of a baseline, in whichever folder, nor a pipe: nothing has changed."""
    monkeypatch.chdir(saved)
    names = ["run/manifest.json", "run/deltas.csv", ".robust-xtreme/baselines/main.csv", "other/main.json", "pipe.csv"]
    names += [".robust-xtreme/baselines/new.json", *(["run/log.txt", "other/main.parquet"] * (command == "export"))]
    before = contents(saved)
    words = [word.format(run="run") for word in WRITING[command]]
    for name in names:
        ended = program(*words, "-o", name, "--force")
        assert (ended.code, ended.err.count("\n")) == (2, 1)
        assert re.search(f"-o {name} is (a file of the (run|baselines) in|not a regular file)", ended.err)
    assert contents(saved) == before
    assert stat.S_ISFIFO((saved / "pipe.csv").stat().st_mode)


@pytest.mark.parametrize("command", some(WRITING, 1))
def test_a_full_disk_names_the_option(saved: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that the command has: `-o`."""
    monkeypatch.chdir(saved)
    monkeypatch.setattr(new_files, "replace", full)
    ended = program(*(word.format(run="run") for word in WRITING[command]), "-o", "new.md")
    assert ended.code == 3
    assert ended.err.endswith("-o FILE\n")


@pytest.mark.parametrize("command", some(WRITING, 2))
def test_a_run_that_was_changed_is_restored(saved: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names nothing that the command does not take."""
    monkeypatch.chdir(saved)
    manifest = saved / "run" / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace("0.1.0", "0.1.1"), encoding="utf-8")
    ended = program(*(word.format(run="run") for word in WRITING[command]))
    assert ended.code == 2
    assert "Restore the file" in ended.err


def full(tmp: Path, path: Path) -> None:
    """A disk without room for a file."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def contents(folder: Path) -> dict[Path, bytes]:
    """The content of each file in a folder and in those below it."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "-"], "without a suffix"),
        (["-o", "a.xlsx"], ".xlsx"),
        (["-o", "a.csv", "--open"], "--open"),
        (
            ["--open", "-l", "sw"],
            "add -o",
        ),
        (["--views", ","], "--views names none."),
    ],
)
def test_what_cannot_be_written_is_one_line(words: list[str], message: str) -> None:
    """With what there is instead."""
    ended = program("report", str(MINI), *words)
    assert ended.code == 2
    assert message in ended.err


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    """A file would replace it."""
    os.mkfifo(tmp_path / "page.html")
    ended = program("report", str(MINI), "-o", str(tmp_path / "page.html"), "--force")
    assert ended.code == 2
    assert "regular file" in ended.err


def test_a_link_to_another_suffix_is_written_as_it_is_named(tmp_path: Path) -> None:
    """The format is that of the name that was given."""
    (tmp_path / "page.html").symlink_to(tmp_path / "text.md")
    assert program("report", str(MINI), "-o", str(tmp_path / "page.html"), "--no-texts").code in (0, None)
    assert (tmp_path / "text.md").read_text("utf-8").startswith("<!doctype html>")
