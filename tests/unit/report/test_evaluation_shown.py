"""What Python shows of an evaluation."""

from __future__ import annotations

import csv
import json
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl

from robust_xtreme.files.schema import CELL
from robust_xtreme.report.evaluation import Evaluation

MINI = Path(__file__).parents[3] / "reports" / "mini"


def test_an_evaluation_is_shown_by_its_folder_and_its_cells() -> None:
    """A short line, whatever the manifest contains."""
    with (MINI / "scores.csv").open(encoding="utf-8", newline="") as file:
        cells = {tuple(row[name] for name in CELL) for row in csv.DictReader(file)}
    evaluation = Evaluation(MINI, json.loads((MINI / "manifest.json").read_text("utf-8")))
    assert repr(evaluation) == f"Evaluation({str(MINI)!r}, {len(cells)} cells)"


def test_an_evaluation_whose_folder_was_removed_is_shown(tmp_path: Path) -> None:
    """Showing it never fails."""
    assert repr(Evaluation(tmp_path / "gone", {})) == f"Evaluation({str(tmp_path / 'gone')!r}, not there)"


def written(folder: Path) -> dict[str, Any]:
    """The manifest of a run whose files a test writes: without their digests."""
    return {**json.loads((folder / "manifest.json").read_text("utf-8")), "files": {}}


def cells(html: str) -> list[str]:
    """The texts of an HTML page; fails where tags are not closed in order."""
    texts: list[str] = []
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, _: object) -> None:
            tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert tags.pop() == tag

        def handle_data(self, data: str) -> None:
            texts.append(data)

    Reader().feed(html)
    assert tags == []
    return texts


def of_task(folder: Path, task: str) -> Evaluation:
    """A copy of the run with the rows of one task."""
    shutil.copytree(MINI, folder)
    for name in ("scores.csv", "deltas.csv"):
        header, *rows = (folder / name).read_text("utf-8").splitlines()
        (folder / name).write_text("\n".join([header, *(row for row in rows if f",{task}," in row)]) + "\n", "utf-8")
    return Evaluation(folder, written(folder))


def test_a_notebook_shows_the_numbers_of_the_frames(tmp_path: Path) -> None:
    """The clean and the perturbed value of every cell are in the table, to one decimal, and so are the drops."""
    evaluation = of_task(tmp_path / "run", "xnli")
    rows = evaluation.deltas.filter(pl.col("scope") == "all")
    assert rows.height
    shown = set(cells(evaluation._repr_html_()))
    for name in ("clean", "value"):
        assert {f"{value:.1f}" for value in rows.get_column(name)} <= shown
    claimed = rows.filter(pl.col("drop").abs() >= 0.05)
    assert {f"{-drop:+.1f}" for drop in claimed.get_column("drop")} <= shown


def test_many_cells_are_averaged_by_task() -> None:
    """A run of many cells shows one row for each task and condition, and its page stays short."""
    evaluation = Evaluation(MINI, json.loads((MINI / "manifest.json").read_text("utf-8")))
    html = evaluation._repr_html_()
    assert "<caption>By task</caption>" in html
    assert html.count("<tr>") < 150
    assert repr(evaluation) in html.replace("&#x27;", "'")


def test_a_run_without_noise_shows_its_scores(tmp_path: Path) -> None:
    """Without perturbed cells the table has the clean level of each language."""
    folder = Path(shutil.copytree(MINI, tmp_path / "clean"))
    header, *_ = (folder / "deltas.csv").read_text("utf-8").splitlines()
    (folder / "deltas.csv").write_text(f"{header}\n")
    evaluation = Evaluation(folder, written(folder))
    clean = evaluation.scores.filter(pl.col("condition") == "clean", pl.col("scope") == "all")
    shown = cells(evaluation._repr_html_())
    assert {f"{value:.1f}" for value in clean.get_column("value")} & set(shown)
    assert any(text.startswith("Clean") for text in shown)


def test_names_in_the_data_are_not_markup(tmp_path: Path) -> None:
    """A task or folder whose name is markup, or turns the direction of text, is shown as its characters."""
    folder = Path(shutil.copytree(MINI, tmp_path / "<script>alert(1)</script>"))
    for name in ("scores.csv", "deltas.csv", "averages.csv"):
        text = (folder / name).read_text("utf-8")
        (folder / name).write_text(text.replace("xnli,", "<b>\u202e&amp;,"), encoding="utf-8")
    evaluation = Evaluation(folder, written(folder))
    html = evaluation._repr_html_()
    assert not [mark for mark in ("<script", "<b>", "\u202e") if mark in html]
    assert "&lt;b&gt;&lt;U+202E&gt;&amp;amp;" in html


def test_a_removed_folder_is_shown_in_a_notebook(tmp_path: Path) -> None:
    """Showing it never fails there either."""
    assert "not there" in Evaluation(tmp_path / "gone", {})._repr_html_()
