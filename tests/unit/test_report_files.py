"""What `report -o` may write: no file of a run, no device, no format that does not exist."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import pytest
from tests.program import program

MINI: Final = Path(__file__).parents[2] / "reports" / "mini"


@pytest.mark.parametrize("name", ["manifest.json", "deltas.csv", "scores.csv"])
def test_a_file_of_the_run_is_never_replaced(tmp_path: Path, name: str) -> None:
    """Not with --force either, nor through a link."""
    run = Path(shutil.copytree(MINI, tmp_path / "run"))
    before = (run / name).read_bytes()
    (tmp_path / "link.csv").symlink_to(run / name)
    for path in (run / name, tmp_path / "link.csv"):
        ended = program("report", str(run), "-o", str(path), "--force")
        assert ended.code == 2
        assert f"is a file of the run in {run}. Name another file to write." in ended.err
    assert (run / name).read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "-"], "There is no format without a suffix. There are: .html, .md, .tex, .csv, .json."),
        (["-o", "a.xlsx"], "There is no format .xlsx."),
        (["-o", "a.csv", "--open"], "--open opens a page, and a.csv is none."),
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
    assert "is not a regular file" in ended.err


def test_a_link_to_another_suffix_is_written_as_it_is_named(tmp_path: Path) -> None:
    """The format is that of the name that was given."""
    (tmp_path / "page.html").symlink_to(tmp_path / "text.md")
    assert program("report", str(MINI), "-o", str(tmp_path / "page.html"), "--no-texts").code in (0, None)
    assert (tmp_path / "text.md").read_text("utf-8").startswith("<!doctype html>")
