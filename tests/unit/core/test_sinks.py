"""Names and texts are shown where they are written, and act nowhere: CSV, log, messages, terminal, JSON, TOML."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from robust_xtreme.cli._terminal import Terminal, bar, messages, output, print_json, print_line, print_stacked
from robust_xtreme.core.keys import toml
from robust_xtreme.core.sinks import csv_cell, echo, inert, one_line, printed, terminal, text_of_cell
from robust_xtreme.exchange.perturbing.files import PerturbJob, perturb_file
from robust_xtreme.files import store
from robust_xtreme.files.schema import MODELS, build
from robust_xtreme.report.blocks import Table, TableColumn
from robust_xtreme.report.renderers.terminal import print_table
from robust_xtreme.run.folder import LOG, Folder

HOSTILE = ("=cmd|' /C calc'!A1", "+1+1", "-1", "@SUM(1)", "＝1+1", "'=1", "\t=1", "\r=1", "a\u202eb", "\x1b[2J\x9b2J")
ACTING = "\x1b\x9b\x07\x08\u202e\u2066\u200f\u2028\ufeff"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_not_a_formula_in_csv(name: str, tmp_path: Path) -> None:
    """No cell of a name begins like a formula or contains hidden characters; it reads back, and parquet has it raw."""
    frame = build([{"model": name, "identity": "-", "diversity": 0.5}], MODELS)
    for suffix in ("csv", "parquet"):
        store.write_frame(tmp_path / f"models.{suffix}", frame, MODELS)
    with (tmp_path / "models.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["model"].isprintable()
    assert not row["model"].startswith(("=", "+", "-", "@", "＝"))
    assert (row["identity"], row["diversity"]) == ("'-", "0.5")
    assert store.read_frame(tmp_path / "models.csv", MODELS).equals(frame)
    assert pl.read_parquet(tmp_path / "models.parquet").item(0, "model") == name


@given(st.text(st.sampled_from("'=+-@<U>03C\u202e\n\x1b \U000e0001")) | st.text())
def test_a_cell_reads_back(text: str) -> None:
    """Whatever a text contains, also what looks like a code, its cell gives it again."""
    assert text_of_cell(csv_cell(text)) == text
    assert csv_cell(text).isprintable() or not text.isprintable()


def test_a_line_of_the_log_stays_one(tmp_path: Path) -> None:
    """Line breaks in names begin no line of log.txt, those of a traceback have a mark, and a long line is cut."""
    folder = Folder(tmp_path)
    folder.log("a\n2026-01-01T00:00:00Z finished\x1b[1A")
    folder.log("x" * 2_000_000)
    folder.log_error(ValueError("b\nfinished"))
    first, long, *rest = (tmp_path / LOG).read_text("utf-8").splitlines()
    assert first.endswith(r"Z a\n2026-01-01T00:00:00Z finished\x1b[1A")
    assert len(long) < 3000
    assert [line[21:23] for line in rest] == ["| "] * len(rest)


def test_a_terminal_gets_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """Consoles, lines and JSON show what would move the cursor, turn the direction or hide text."""
    output().print(f"a{ACTING}b")
    messages().print(f"a{ACTING}b")
    echo(f"a{ACTING}b")
    print_line(messages(), f"a{ACTING}\nb")
    print_json([ACTING])
    out, errors = capsys.readouterr()
    assert not set(out + errors) & set(ACTING)
    assert errors.splitlines()[-1].endswith(r"\nb")
    assert json.loads(out.splitlines()[-2]) == ACTING


COMMANDS = (
    *("::stop-commands::x", "::error file=a::b", "  ::add-mask::a", "\t::debug::", "\u00a0\u3000::warning::x", "::"),
    *("##[error]x", "a ##[group]b", "###[command]c", "first\n::set-env name=A::b", "a\r\n::save-state name=a::b"),
)
"""Texts in which a runner of GitHub reads a command, wherever they are printed in a line of their own."""


def commands_in(text: str) -> list[str]:
    """The lines that are commands: as ActionCommand.cs of actions/runner reads them, whatever commands there are."""
    return [line for line in re.split("[\r\n]", text) if line.strip().startswith("::") or "##[" in line]


@pytest.mark.parametrize("text", COMMANDS)
def test_nothing_that_is_printed_is_a_command_of_the_runner(
    text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines, errors, tables, bars and JSON, also where a table wraps a name; elsewhere they are as they were."""
    name = text.replace("\n", " ").replace("\r", " ")
    wrapped = Table((TableColumn("task", folds=True), TableColumn("n", right=True)), ((f"{'a' * 30} {name}", "1"),))
    monkeypatch.setenv("COLUMNS", "40")
    for actions in ("true", ""):
        monkeypatch.setenv("GITHUB_ACTIONS", actions)
        echo(text)
        echo(text, error=True)
        output(40).print(text, style="bold")
        print_table(output(40), wrapped)
        print_stacked(output(), ("a", "b"), ((text, text),))
        print_line(messages(), text)
        messages().print(Text(text))
        print_json({text: [text]})
        with bar(messages(), transient=False) as progress:
            progress.add_task(text, total=1)
        out, errors = capsys.readouterr()
        assert bool(commands_in(out + errors)) == (not actions)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    print_json({text: [text]})
    assert json.loads(capsys.readouterr().out) == {text: [text]}
    echo("::error title=a::b", command=True)
    assert capsys.readouterr().out == "::error title=a::b\n"


def test_a_command_is_shown_as_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sign of it is a code; names that only contain colons stay."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert printed("::x::\n ::y") == "<U+003A>:x::\n <U+003A>:y"
    assert printed("a ::b:: ##c [d]") == "a ::b:: ##c [d]"
    assert printed("###[e]") == "#<U+0023>#[e]"
    assert printed("\x1b[1;31m::error::") == "\x1b[1;31m<U+003A>:error::"


def test_a_name_is_neither_a_style_nor_a_picture(capsys: pytest.CaptureFixture[str]) -> None:
    """What rich takes for styles and pictures is a name, in messages, tables and beside bars."""
    name = "[red]a[/] [/b] :smile:"
    print_line(messages(), name)
    output().print(name)
    print_stacked(output(), ("a", "b"), ((name, name),))
    with bar(Terminal(stderr=True, force_terminal=True, width=80), transient=False) as progress:
        progress.add_task(name, total=1)
    out, errors = capsys.readouterr()
    assert (out.count(name), errors.count(name) >= 2) == (3, True)


def test_joiners_and_lines_stay_on_a_terminal() -> None:
    """Persian, Indic scripts and emoji keep their joiners; a text of several lines keeps its lines and tabs."""
    assert inert("می\u200cخواهم\n") == "می\u200cخواهم<U+000A>"
    assert terminal("a\n\tb\r") == "a\n\tb<U+000D>"


def test_a_message_is_bounded() -> None:
    """A message of megabytes is cut, and its length is stated."""
    assert one_line("x" * 5000) == "x" * 2000 + "... (5000 characters)"


def test_run_files_and_manifests_contain_escapes(tmp_path: Path) -> None:
    """TOML and JSON contain no hidden characters, and give the value itself."""
    store.write_json(tmp_path / "m.json", {"a": ACTING})
    written = (tmp_path / "m.json").read_text("utf-8")
    assert not set(written + toml(ACTING)) & set(ACTING)
    assert json.loads(written) == {"a": ACTING}
    assert tomllib.loads(f"a = {toml(ACTING)}") == {"a": ACTING}


def test_edit_counts_have_no_formulas(tmp_path: Path) -> None:
    """The names in the file of edit counts are cells, too."""
    (tmp_path / "in.jsonl").write_text(json.dumps({"=1\t2": "Habari ya asubuhi"}))
    counts = tmp_path / "counts.tsv"
    job = PerturbJob(
        str(tmp_path / "in.jsonl"), "char_noise:0.1", str(tmp_path / "out"), fields=("=1\t2",), language="sw"
    )
    perturb_file(replace(job, edit_counts=str(counts)))
    head, row = (line.split("\t") for line in counts.read_text("utf-8").splitlines())
    assert row[head.index("field")] == "'=1<U+0009>2"
