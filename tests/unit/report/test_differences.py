"""The page of two runs has their differences, from `report` and from `compare`; where there are none it says why."""

from __future__ import annotations

import gzip
import re
from base64 import b64decode
from pathlib import Path

import polars as pl
import pytest
from tests.finished_runs import finished_run
from tests.program import program

from robust_xtreme import compare
from robust_xtreme.gating.comparing import Comparison, differences_part
from robust_xtreme.gating.document import _told, differences_sentence
from robust_xtreme.report.blocks import Chart, Paragraph, Table, TableColumn, text_of


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run, and a worse one on the same data."""
    folder = tmp_path_factory.mktemp("differences")
    return finished_run(folder / "old", draw=1), finished_run(folder / "new", 0.5, draw=2)


def page(*words: object) -> str:
    """The page that a command writes, which has to end well."""
    folder = Path(str(words[-1]))
    ended = program(*map(str, words))
    assert ended.code in (0, None), ended.err
    return folder.read_text("utf-8")


def test_two_runs_have_their_differences(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """First on the page: the verdict, a heat table for clean text and for the noise, tables with joint intervals."""
    text = page("report", *runs, "-o", tmp_path / "page.html")
    (part,) = re.findall(r'<section id="differences">.*?</section>', text, re.DOTALL)
    assert re.search(r"<h1>\w+ is worse than \w+ in 4 of 4 tested levels, and in 2 of 2 means of tasks</h1>", text)
    assert text.index('<section id="differences">') < text.index('<section id="verdict">')
    assert "Of 4 tested levels, clean and perturbed, 4 fell, 0 rose and 0 are not shown to differ." in part
    assert re.findall('data-noise="([^"]*)"', part)[:2] == ["clean", "char_noise:0.1"]
    assert re.search(r'<td class="l5" data-told="[^"]+: \d\d\.\d to \d\d?\.\d, [^"]+">-\d\d\.\d', part)
    assert "joint interval" in part
    assert part.count("<figure") == 2


def test_small_rises_rose_and_an_interval_alone_says_so(runs: tuple[Path, Path]) -> None:
    """A rise of less than a point is none of the falls; where there is no joint interval the cell's own is told."""
    frame = compare(*map(str, runs)).frame.filter(pl.col("scale") != "change", pl.col("kind") == "cell")
    rose = frame.with_columns(difference=pl.lit(0.5), joint_low=pl.lit(0.2), joint_high=pl.lit(0.8))
    assert "0 fell, 4 rose and 0 are not shown" in text_of(differences_sentence(rose))
    own = frame.with_columns(joint_low=pl.lit(None, pl.Float64), joint_high=pl.lit(None, pl.Float64))
    tables = [block for block in differences_part(Comparison("old", "new", own, "")).blocks if isinstance(block, Table)]
    assert sum(str(table.rows).count("] alone") for table in tables) == frame.height


def test_a_chart_of_falls_has_falls_alone(runs: tuple[Path, Path]) -> None:
    """Cells that rose, are equal but for the last bits, or tie are not in it; words before it say what is drawn."""
    bounds = {"joint_low": [-9.0, 4.0, -1e-14, -5.0], "joint_high": [-6.0, 6.0, -1e-14, 1.0]}
    differences = [pl.Series(name, each) for name, each in bounds.items()]
    differences.append(pl.Series("difference", [-7.0, 5.0, -1e-14, -2.0]))
    frame = compare(*map(str, runs)).frame.filter(pl.col("scale") != "change").sort("kind", "language", "condition")
    cells = frame.filter(kind="cell").head(4).with_columns(differences)
    blocks = differences_part(Comparison("old", "new", cells, "")).blocks
    (chart,) = [block for block in blocks if isinstance(block, Chart)]
    drawn = [row["change"] for rows in chart.spec["datasets"].values() for row in rows if "change" in row]
    assert (chart.title, drawn) == ("Largest falls", [-7.0])
    words = blocks[blocks.index(chart) - 1]
    assert isinstance(words, Paragraph)
    assert "The tick is minus the MDE" in text_of(words.text)
    rose = differences_part(Comparison("old", "new", cells.filter(pl.col("difference") > 0), "")).blocks
    assert not [block for block in rose if isinstance(block, Chart)]


def test_languages_without_a_part_are_not_links(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """Of runs without noise the page has no part for a language."""
    frame = compare(*map(str, runs)).frame
    clean = Comparison("old", "new", frame.filter(scale="clean"), "")
    (table,) = [block for block in differences_part(clean).blocks if isinstance(block, Table) and block.role == "heat"]
    assert [row[1] for row in table.rows] == ["mean", "n", "German (de)", "Swahili (sw)"]


def test_compare_writes_the_same_page(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """Byte by byte, with the rows to download."""
    text = page("report", *runs, "-o", tmp_path / "page.html")
    assert page("compare", *runs, "-o", tmp_path / "compared.html") == text
    (address,) = re.findall(r'download="differences\.csv\.gz" href="data:application/gzip;base64,([^"]*)"', text)
    rows = gzip.decompress(b64decode(address)).decode().splitlines()
    assert (rows[0].startswith("schema_version,kind,"), len(rows)) == (True, 10)


def test_ties_have_a_pattern_and_no_rank(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """Of a run and itself every cell is a tie."""
    text = page("report", runs[0], runs[0], "-o", tmp_path / "page.html")
    (part,) = re.findall(r'<section id="differences">.*?</section>', text, re.DOTALL)
    assert "0 fell, 0 rose and 4 are not shown to differ" in part
    assert len(re.findall(r'<td class="undecided"[^>]*>0\.0°', part)) == 4


def test_runs_that_cannot_be_compared_say_why(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """In a line of the page; `compare` refuses them."""
    other = finished_run(tmp_path / "other", spec={"limit": "60"})
    text = page("report", runs[0], other, "-o", tmp_path / "page.html")
    (part,) = re.findall(r'<section id="differences">.*?</section>', text, re.DOTALL)
    assert re.search(r"<p>The differences of the two runs are not shown: .*--limit is .*</p>", part)
    assert program("compare", str(runs[0]), str(other), "-o", str(tmp_path / "compared.html")).code == 2


def test_one_run_or_three_have_none(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """Nor has a choice of views, or a page of a run that is compared with a saved baseline the baseline's page."""
    third = finished_run(tmp_path / "third", 0.7, draw=3)
    assert "Differences" not in page("report", runs[0], "-o", tmp_path / "one.html")
    assert "Differences" not in page("report", *runs, third, "-o", tmp_path / "three.html")
    assert "Differences" not in page("report", *runs, "--views", "clean_scores", "-o", tmp_path / "views.html")


def test_a_saved_baseline_is_compared_on_the_page_of_the_run(
    runs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which has the differences, and the verdict of the run alone; two baselines have no page."""
    monkeypatch.chdir(tmp_path)
    assert program("baseline", "save", str(runs[0])).code in (0, None)
    text = page("compare", "main", runs[1], "-o", tmp_path / "page.html")
    assert " with the baseline main" in text
    alone = program("compare", "main", "main", "-o", str(tmp_path / "alone.html"))
    assert (alone.code, "both are saved" in alone.err) == (2, True), alone.err


def test_a_terminal_has_80_lines_at_most(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """Also with 12 languages; the largest falls are in it, and how many rows are not."""
    languages = ("ar", "de", "en", "es", "hi", "ja", "ko", "ru", "sw", "th", "tr", "zh")
    folders = [finished_run(tmp_path / str(draw), 0.8 - draw / 10, draw, languages=languages) for draw in (0, 1)]
    ended = program("compare", *map(str, folders), COLUMNS="80")
    assert ended.out.count("\n") <= 80
    assert "more rows: -o FILE.csv or .json writes all" in ended.out


def test_a_column_that_one_row_fills_is_shown() -> None:
    """One that none fills is not."""
    table = Table(tuple(map(TableColumn, "abc")), (("x", "", "-"), ("", "y", "-")))
    assert [*_told(table)] == [0, 1]
