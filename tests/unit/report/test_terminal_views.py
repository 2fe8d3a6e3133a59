"""What a terminal shows of a run: numbers are whole, rows differ, and a long run takes a screen or two."""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from rich.console import Console
from tests.program import program
from tests.some import some
from tests.synthetic_run import averages, conditions, long_run, run

from robust_xtreme.core import registry
from robust_xtreme.files.schema import DELTAS, build
from robust_xtreme.report.blocks import Heading, Table, TableColumn, text_of
from robust_xtreme.report.columns import only, titled
from robust_xtreme.report.document import show, slim
from robust_xtreme.report.renderers._fitting import fitted, folded, naming, tried
from robust_xtreme.report.renderers.terminal import print_blocks, print_table
from robust_xtreme.report.view import Results

ROOT: Final = Path(__file__).parents[3]
WIDTHS: Final = (80, 60)
NUMBER: Final = re.compile(r"[+-]?\d+(?:[.,]\d+)*")


@cache
def _long() -> Results:
    return Results(*long_run(), averages(*long_run()), conditions())


@cache
def _small() -> Results:
    return Results(*run(), averages(*run()), conditions())


def _printed(results: Results, width: int, *names: str) -> list[str]:
    text = io.StringIO()
    show(Console(file=text, width=width, color_system=None), results, names)
    return text.getvalue().splitlines()


def _printed_table(table: Table, width: int) -> list[str]:
    text = io.StringIO()
    print_table(Console(file=text, width=width, color_system=None), table)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def _numbers(text: str) -> set[str]:
    return set(NUMBER.findall(text))


@pytest.mark.parametrize("width", some(WIDTHS, 1))
@pytest.mark.parametrize("name", registry.names("view"))
def test_no_view_cuts_a_number(name: str, width: int) -> None:
    """Every number of every shown cell is printed whole, no other number is, and nothing is wider than the terminal."""
    for table in (table for results in (_long(), _small()) for table in slim(registry.load("view", name), results)):
        lines = _printed_table(table, width)
        assert max(map(len, lines)) <= width
        texts = [text_of(cell) for row in table.rows for cell in row]
        texts += [table.title, *(column.title for column in table.columns), *map(" ".join, table.notes)]
        assert _numbers("\n".join(lines)) <= set().union(*map(_numbers, texts))
        whole = titled(table)
        shown = only(whole, [*tried(whole, width)])
        fitting = fitted(shown, width)
        heavy = [at for at, column in enumerate(shown.columns) if at in naming(shown) or column.weight > 1]
        kept = fitting.table if fitting else only(shown, heavy)
        words = set(re.split(r"\s{2,}|\n|: ", "\n".join(lines)))
        right = [index for index, column in enumerate(kept.columns) if column.right]
        assert {text_of(row[index]) for row in kept.rows for index in right} <= words


@pytest.mark.parametrize("width", some(WIDTHS, 1))
@pytest.mark.parametrize("name", registry.names("view"))
def test_rows_stay_different(name: str, width: int) -> None:
    """What is left of a table for a terminal tells its rows apart by their names, as the whole table does."""
    for table in (table for results in (_long(), _small()) for table in slim(registry.load("view", name), results)):
        whole = {tuple(text_of(cell) for cell in row) for row in table.rows}
        fitting = fitted(only(titled(table), [*tried(titled(table), width)]), width)
        if fitting:
            names = naming(fitting.table)
            assert len({tuple(text_of(row[index]) for index in names) for row in fitting.table.rows}) == len(whole)


@pytest.mark.parametrize("width", [*WIDTHS, 40, 160])
def test_a_long_run_is_summarised(width: int) -> None:
    """Verdict, worst cells, averages with their curves and what was not computed take 80 lines at most."""
    lines = _printed(_long(), width)
    assert len(lines) <= 80
    assert any(line.startswith("Worst cells") for line in lines)
    assert any(line.startswith("By task") for line in lines)
    assert any(line.startswith("Not computed") for line in lines)
    assert "report.md" in lines[-1]


@pytest.mark.parametrize("width", [*WIDTHS, 160])
def test_a_small_run_has_every_cell(width: int) -> None:
    """Where all cells have room, gains and cells that no noise reaches are there, too."""
    lines = _printed(_small(), width)
    assert any(line.startswith("By language: panx") for line in lines)
    assert sum(" inert" in line for line in lines if "Not tested" not in line and "clusters, inert" not in line) == 2


def test_each_average_has_its_curve() -> None:
    """At 80 columns every task, group of fields and perturbation has a row, with a sparkline where strengths differ."""
    lines = "\n".join(_printed(_long(), 80)).partition("\nBy task")[2].splitlines()
    curves = [line for line in lines if re.search(r"char_noise:0\.2 .*█[▁-█]{3}", line)]
    assert len(curves) == 12
    assert sum("keyboard_typo:0.2" in line and "context" in line for line in lines) == 3


def test_the_verdict_and_the_worst_cell_have_one_interval() -> None:
    """The verdict says that its interval is joint, and the first of the worst cells has the same one."""
    lines = " ".join(_printed(_long(), 160)).split()
    text = " ".join(lines)
    verdict = re.search(r"a change of (\S+) \(joint interval (\[.*?\]), valid for all tests at once\)", text)
    assert verdict
    table = text.partition("Worst cells")[2].partition("By task")[0]
    assert "joint interval" in table
    assert f"{verdict[1]} {verdict[2]}" in table


def test_a_verdict_without_a_joint_interval_says_so() -> None:
    """It has the interval of the cell alone, and why."""
    scores, deltas, manifest = long_run()
    few = build([row | {"joint_low": None, "joint_high": None} for row in deltas.iter_rows(named=True)], DELTAS)
    text = " ".join(" ".join(_printed(Results(scores, few, manifest), 160)).split())
    assert re.search(r"\(interval of this cell alone \[.*?\]; too few clusters for a joint interval\)", text)


def test_a_run_without_noise_has_its_clean_levels_in_a_few_lines() -> None:
    """Where languages are many, each task has its lowest and its highest level."""
    scores, deltas, manifest = long_run()
    alike = _printed(Results(scores.with_columns(value=pl.lit(62.45)), deltas.clear(), manifest), 80)
    assert set(re.findall(r"62\.\d", "\n".join(alike))) == {"62.5"}  # rounded as in the view of clean levels
    lines = _printed(Results(scores, deltas.clear(), manifest), 80)
    assert len(lines) <= 80
    assert "show a drop" not in " ".join(lines)
    assert any(re.fullmatch(r"xnli, validation, accuracy +12 +zh \S+ +ar \S+ *", line) for line in lines)


def test_a_narrow_terminal_has_entries() -> None:
    """Where not even the names of rows fit, each row is an entry; its numbers are whole."""
    columns = (
        TableColumn("language"),
        TableColumn("perturbation"),
        TableColumn("change", right=True),
        TableColumn("n", right=True),
    )
    table = Table(columns, (("sw", "transliterate", "-12.34 [-15.1, -9.2]", "123456"),) * 2, "panx")
    assert _printed_table(table, 26) == [
        "",
        "panx",
        *["sw, transliterate", "  change: -12.34 [-15.1,", "-9.2]", "  n: 123456"] * 2,
    ]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("keyboard_typo:0.1 on question, context", 17, ["keyboard_typo:0.1", "on question,", "context"]),
        ("premise,choice1,choice2", 10, ["premise,", "choice1,", "choice2"]),
        ("swap:0.1+drop:0.1", 10, ["swap:0.1+", "drop:0.1"]),
        ("12,345 swap", 7, ["12,345", "swap"]),
        ("delete 8.4 %, swap", 10, ["delete", "8.4 %,", "swap"]),
        ("", 4, [""]),
    ],
)
def test_a_text_folds_between_its_parts(text: str, width: int, lines: list[str]) -> None:
    """A text continues after a blank or between names, and never within a name or a number."""
    assert folded(text, width) == lines


def test_one_line_is_free_below_a_heading() -> None:
    """A table without a title has no line for it."""
    table = Table((TableColumn("language"), TableColumn("n", right=True)), (("sw", "1"), ("de", "2")))
    text = io.StringIO()
    print_blocks(Console(file=text, width=80, color_system=None), (Heading("By language"), table))
    assert [line.rstrip() for line in text.getvalue().splitlines()][:3] == ["", "By language", ""]
    assert text.getvalue().splitlines()[3].startswith("language")


def test_columns_under_a_heading_follow() -> None:
    """Languages that have no room beside each other are in a further table, with the same rows."""
    lines = _printed(_long(), 80, "languages_in_columns")
    heads = [line.split()[2:] for line in lines if line.startswith("task")]
    assert [code for head in heads for code in head][1::2] == [
        "ar",
        "ru",
        "hi",
        "zh",
        "ja",
        "ko",
        "de",
        "en",
        "es",
        "sw",
        "tr",
        "th",
    ]


def test_a_view_that_does_not_exist_is_named_first() -> None:
    """The line leads to the help with the views, and nothing of the run is printed before it."""
    ended = program("report", str(ROOT / "reports" / "mini"), "--views", "by_tasks")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("'by_task'? See: robust-xtreme report --help\n")
