"""A CSV goes into `eval`, and its run into `report` and `examples`: three commands with an own model."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path

import pytest
from tests.checkpoints import SEQUENCE, checkpoint
from tests.mini_suite import mini_lines
from tests.program import program


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with pairs of texts in two languages, and reviews."""
    monkeypatch.chdir(tmp_path)
    with Path("pairs.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("first", "second", "gold", "lang"))
        for code in ("sw", "en"):
            lines = mini_lines(f"xnli/test-{code}.jsonl")[:24]
            every = map(json.loads, lines)
            rows.writerows((row["premise"], row["hypothesis"], row["label"], code) for row in every)
    texts = "".join(f"Chakula cha siku ya {n},{'positive' if n % 2 else 'negative'}\n" for n in range(12))
    Path("reviews.csv").write_text(f"review,label\n{texts}", "utf-8")
    return tmp_path


def test_a_csv_is_evaluated_reported_and_shown(home: Path) -> None:
    """With the embedded model, which has a head for the labels; of one language, without averages."""
    columns = ("--fields", "first,second", "--gold", "gold", "--language-field", "lang")
    done = program("eval", "--data", "pairs.csv", *columns, "-p", "char_noise:0.2", "-o", "run", "-q")
    assert done.code == 0, done.err
    assert "48 rows of pairs.csv" in Path("run/report.html").read_text("utf-8")
    (line, _) = json.loads(Path("run/manifest.json").read_text("utf-8"))["commands"]
    assert "eval --data=pairs.csv --fields=first,second --gold=gold --language-field=lang --tasks pairs" in line
    again = program(*shlex.split(line)[1:], "-o", "again", "-q")
    assert (again.code, Path("again/deltas.csv").read_bytes()) == (0, Path("run/deltas.csv").read_bytes())
    shown = program("report", "run", "-l", "sw", "-o", "sw.html", "-o", "sw.csv")
    assert (shown.code, "Only sw" in shown.err) == (
        0,
        True,
    )
    assert "averages over languages" in Path("sw.html").read_text("utf-8")
    cells = list(csv.DictReader(Path("sw.csv").read_text("utf-8").splitlines()))
    assert {row["language"] for row in cells} == {"sw"}
    assert "Swahili" in program("report", "run", "-l", "sw").out
    assert "English" not in program("report", "run", "-l", "sw").out
    assert "There are: " in program("report", "run", "-l", "fr").err
    assert "pairs, Swahili" in program("examples", "run", "-l", "sw", "-t", "pairs", "--limit", "1").out


def test_classes_in_another_spelling_are_mapped_and_said(home: Path) -> None:
    """On the terminal, on the page and in the manifest; classes of other names are refused with the line to paste."""
    checkpoint(home / "ours", "bert", SEQUENCE, ("NEG", "POS"))
    checkpoint(home / "odd", "bert", SEQUENCE, ("bad", "good"))
    words = (
        "eval",
        "--data",
        "reviews.csv",
        "--fields",
        "review",
        "--gold",
        "label",
        "-l",
        "sw",
        "-p",
        "char_noise:0.3",
    )
    done = program(*words, "--model", "ours", "-o", "run", "-q")
    line = "NEG as negative"
    assert (done.code, done.err.count(line)) == (0, 1)
    assert line in Path("run/report.html").read_text("utf-8")
    assert line in Path("run/manifest.json").read_text("utf-8")
    refused = program(*words, "--model", "odd")
    assert (refused.code, "--labels reviews=bad,good" in refused.err) == (2, True)
    assert program(*words, "--model", "odd", "--labels", "reviews=bad,good", "--plan").code == 2
    assert program(*words, "--model", "odd", "--labels", "reviews=negative,positive", "--plan").code == 0


def test_a_file_without_its_columns_is_one_line(home: Path) -> None:
    """With the options to add; columns without a file, a folder in which nothing is read."""
    odd = home / "folder"
    odd.mkdir()
    (odd / "notes.xyz").write_text("")
    for words, line in (
        (("--data", "reviews.csv"), "--gold label"),
        (("--fields", "review"), "--data FILE"),
        (("--data", "reviews.csv", "--fields", "review", "--tasks", "a,b"), "one task"),
        (("--fields", "review", "--data", "nothere.csv"), "nothere.csv"),
        (("--data", str(odd)), "file of rows"),
    ):
        ended = program("eval", *words)
        assert (ended.code, ended.err.count("\n"), line in ended.err) == (2, 1, True), ended.err
