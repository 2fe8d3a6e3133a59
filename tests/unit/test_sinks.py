"""Names and texts are shown where they are written, and act nowhere: CSV, log, messages, terminal, JSON, TOML."""

from __future__ import annotations

import csv
import json
import tomllib
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robust_xtreme.commands._terminal import messages, output, print_json, print_line
from robust_xtreme.evaluation.folder import LOG, Folder
from robust_xtreme.keys import toml
from robust_xtreme.perturbing.files import Job, perturb_file
from robust_xtreme.results import store
from robust_xtreme.results.schema import MODELS, build
from robust_xtreme.sinks import csv_cell, echo, inert, one_line, terminal, text_of_cell

HOSTILE = ("=cmd|' /C calc'!A1", "+1+1", "-1", "@SUM(1)", "＝1+1", "'=1", "\t=1", "\r=1", "a\u202eb", "\x1b[2J\x9b2J")
ACTING = "\x1b\x9b\x07\x08\u202e\u2066\u200f\u2028\ufeff"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_not_a_formula_in_csv(name: str, tmp_path: Path) -> None:
    """No cell of a name begins like a formula or contains hidden characters; it reads back, and parquet has it raw."""
    frame = build([{"model": name, "identity": "-", "diversity": -0.5}], MODELS)
    for suffix in ("csv", "parquet"):
        store.write_frame(tmp_path / f"models.{suffix}", frame, MODELS)
    with (tmp_path / "models.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["model"].isprintable()
    assert not row["model"].startswith(("=", "+", "-", "@", "＝"))
    assert (row["identity"], row["diversity"]) == ("'-", "-0.5")
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
    job = Job(str(tmp_path / "in.jsonl"), "char_noise:0.1", str(tmp_path / "out"), fields=("=1\t2",), language="sw")
    perturb_file(replace(job, edit_counts=str(counts)))
    head, row = (line.split("\t") for line in counts.read_text("utf-8").splitlines())
    assert row[head.index("field")] == "'=1<U+0009>2"
