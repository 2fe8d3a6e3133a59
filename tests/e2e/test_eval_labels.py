"""Labels of a user's rows: their order, those that differ in spelling alone, lists as labels, and files of one."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from tests.checkpoints import SEQUENCE, checkpoint
from tests.program import Ended, program

from robust_xtreme import load

pytestmark = pytest.mark.usefixtures("unpaged")

CLASSIFIER = '''"""What the tests ask as models: each text ends in the number of its label in the list below."""
import json, pathlib

def labels():
    return json.loads(pathlib.Path("labels.json").read_text("utf-8"))

def scores(texts):
    return [[float(text.split()[-1] == str(at)) for at in range(len(labels()))] for text in texts]

def names(texts):
    return [labels()[int(text.split()[-1])] for text in texts]
'''


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a module of models."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("labelling.py").write_text(CLASSIFIER, "utf-8")
    return tmp_path


def write_rows(labels: Sequence[str], name: str = "rows.csv") -> None:
    """Write two rows of each label, and the list of the labels, which the models read."""
    Path("labels.json").write_text(json.dumps(labels), "utf-8")
    with Path(name).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter="\t" if name.endswith(".tsv") else ",")
        rows.writerow(("text", "label"))
        rows.writerows((f"{word} chakula {at}", label) for word in "ab" for at, label in enumerate(labels))


def evaluate(model: str, *words: str, data: str = "rows.csv") -> Ended:
    """Evaluate one of the models on a file of rows, in the folder `run`."""
    columns = ("--data", data, "--fields", "text", "--gold", "label", "--model", model)
    return program("eval", *columns, "-l", "sw", "-o", "run", "-q", *words)


def accuracy() -> float:
    """The accuracy of the run."""
    (level,) = load("run").scores.filter(metric="accuracy")["value"]
    return float(level)


@pytest.mark.parametrize(
    "labels",
    [[str(number) for number in range(12)], ["-10", "-2", "0", "0.5", "9", "10"], ["٢", "٣", "١٠"], ["1", "10", "9a"]],
)
def test_scores_of_a_function_are_in_the_order_of_the_numbers(labels: list[str]) -> None:
    """Negative ones, decimals and those in digits of other scripts; beside a text, labels are ordered as texts."""
    write_rows(labels)
    ended = evaluate("classify=python:labelling:scores")
    assert (ended.code, accuracy()) == (0, 100.0), ended.err


def test_the_order_to_paste_is_that_of_the_numbers(home: Path) -> None:
    """For a model whose classes have no names."""
    write_rows([str(number) for number in range(11)])
    checkpoint(home / "nameless", "bert", SEQUENCE, tuple(f"LABEL_{number}" for number in range(11)))
    ended = evaluate("./nameless", "--plan")
    assert (ended.code, "rows=0,1,2,3,4,5,6,7,8,9,10" in ended.err) == (2, True), ended.err


@pytest.mark.parametrize(
    ("classes", "labels", "order"),
    [
        (("LABEL_2", "LABEL_0", "LABEL_1"), ["0", "1", "2"], "rows=2,0,1"),
        (("1", "0"), ["true", "false"], "rows=1,0"),
    ],
)
def test_the_order_to_paste_is_that_of_the_classes(
    classes: tuple[str, ...], labels: list[str], order: str, home: Path
) -> None:
    """A head whose numbers are in another order keeps it, and no order of names is made up for it."""
    write_rows(labels)
    checkpoint(home / "permuted", "bert", SEQUENCE, classes)
    ended = evaluate("./permuted", "--plan")
    assert (ended.code, order in ended.err) == (2, True), ended.err


ALIKE = [
    ("very good", "very  good"),
    ("very good", "verygood"),
    ("very-good", "very_good"),
    ("non\u2011toxic", "Non toxic"),
    ("\uff36ery good", "very good"),
    ("caf\u00e9", "cafe\u0301"),
    ("don't", "don\u2019t"),
    ("1", "1.0"),
    ("07", "7"),
    ("-1", "\u22121"),
    ("\u2764", "\u2764\ufe0f"),
]


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_labels_that_differ_in_their_spelling_alone_are_refused(first: str, second: str) -> None:
    """In one line, in which the two do not look the same, with the option that names both; which lets them through."""
    data = "rows.tsv" if first.isdecimal() else "rows.csv"
    write_rows(["other", first, second], data)
    ended = evaluate("classify=python:labelling:names", "--plan", data=data)
    assert (ended.code, ended.err.count("\n"), "spelling" in ended.err) == (2, 1, True), ended.err
    assert all(repr(label) in ended.err or ascii(label) in ended.err for label in (first, second)), ended.err
    named = ("--labels", f"rows={first},other,{second}")
    ended = evaluate("classify=python:labelling:names", "--plan", *named, data=data)
    assert ended.code == 0, ended.err


def test_labels_that_are_named_although_they_look_alike_are_two() -> None:
    """The function is right about each of them."""
    write_rows(["very good", "Very-Good", "bad"])
    ended = evaluate("classify=python:labelling:names", "--labels", "rows=bad,Very-Good,very good")
    assert (ended.code, accuracy()) == (0, 100.0), ended.err


@pytest.mark.parametrize(
    "labels", [["\u00e9", "e"], ["kar\u0131n", "karin"], ["-1", "1"], ["A", "A-", "A+"], ["1-2", "12"], ["C", "C#"]]
)
def test_accents_and_signs_tell_labels_apart(labels: list[str]) -> None:
    """So does the dotless i."""
    write_rows(labels)
    assert evaluate("classify=python:labelling:names", "--plan").code == 0


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_a_number_is_one_label_in_one_form(suffix: str) -> None:
    """In JSON lines 1 and 1.0 are refused; a column of a frame has one type, and its numbers one form."""
    rows = [{"text": f"chakula {at}", "label": number} for at, number in enumerate([0, 1, 1.0, 0])]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    pl.DataFrame(rows, strict=False).write_parquet("rows.parquet")
    ended = evaluate("classify=python:labelling:names", "--plan", data=f"rows{suffix}")
    expected = (2, True) if suffix == ".jsonl" else (0, False)
    assert (ended.code, "'1' and '1.0'" in ended.err) == expected, ended.err


@pytest.mark.parametrize(
    ("label", "suffix"), [(["lamp", "cup"], ".jsonl"), ([], ".jsonl"), ({"name": "lamp"}, ".jsonl"), ([], ".parquet")]
)
def test_a_list_is_no_label(label: object, suffix: str) -> None:
    """Nor is an object: the line says what a label may be, also of an empty list, and of a column of lists."""
    rows = [{"text": f"chakula {at}", "label": label} for at in range(4)]
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    pl.DataFrame(rows).write_parquet("rows.parquet")
    ended = evaluate("classify=python:labelling:names", "--plan", data=f"rows{suffix}")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert f"rows{suffix}:1: " in ended.err
    assert "true or false" in ended.err


def test_a_file_of_one_label_is_evaluated_where_the_others_are_named() -> None:
    """So the accuracy on it is that of the model; without the other classes, and with the one alone, it is refused."""
    write_rows(["spam"])
    Path("labels.json").write_text('["spam", "ham"]', "utf-8")
    for words in ((), ("--labels", "rows=spam")):
        ended = evaluate("classify=python:labelling:names", *words)
        assert (ended.code, "in every row" in ended.err, "--labels" in ended.err) == (2, True, True), ended.err
    ended = evaluate("classify=python:labelling:names", "--labels", "rows=ham,spam")
    assert (ended.code, accuracy()) == (0, 100.0), ended.err


def test_a_language_may_have_one_label_where_the_labels_are_named() -> None:
    """Without --labels it could be one whose labels were removed, and is left out."""
    rows = [("habari 0", "ham", "sw"), ("chakula 0", "ham", "sw"), ("offer 1", "spam", "en"), ("food 0", "ham", "en")]
    text = "".join(",".join(row) + "\n" for row in (("text", "label", "lang"), *rows))
    Path("rows.csv").write_text(text, "utf-8")
    Path("labels.json").write_text('["ham", "spam"]', "utf-8")
    columns = (
        "--data",
        "rows.csv",
        "--fields",
        "text",
        "--gold",
        "label",
        "--language-field",
        "lang",
    )
    words = ("eval", *columns, "--model", "classify=python:labelling:names", "-o", "run", "-q")
    assert program(*words).code == 0
    assert load("run").scores.filter(metric="accuracy").select("language", "value").rows() == [("en", 100.0)]
    assert program(*words, "--labels", "rows=ham,spam", "--force").code == 0
    assert load("run").scores.filter(metric="accuracy")["value"].to_list() == [100.0, 100.0]


def test_a_suite_confirms_labels_that_look_alike_or_are_alone(home: Path) -> None:
    """Otherwise a model of another spelling, or rows without labels, would give a level of nothing."""
    (home / "shop" / "mood").mkdir(parents=True)
    head = 'name = "shop"\nversion = "1"\nsummary = "Rows."\nlanguages = ["sw"]\n'
    table = '[mood]\ntarget = "choice"\nlabels = ["so-so", "So so"]\ntexts = ["text"]\nsplits = ["test"]\n'
    rows = [{"id": str(at), "text": f"chakula {at} 1", "label": "So so"} for at in range(4)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    Path("shop/mood/test-sw.jsonl").write_text(lines, "utf-8")
    Path("labels.json").write_text('["so-so", "So so"]', "utf-8")
    words = (
        "eval",
        "--data",
        "shop",
        "--model",
        "classify=python:labelling:names",
        "-o",
        "run",
        "-q",
    )
    for toml, line in (
        (table, "spelling"),
        (table.replace("So so", "bad"), "'So so' is none"),
        (table.replace("so-so", "bad"), "labels_confirmed = true"),
    ):
        Path("shop/suite.toml").write_text(head + toml, "utf-8")
        ended = program(*words, "-t", "mood")
        assert (ended.code, line in ended.err) == (2, True), ended.err
    Path("shop/suite.toml").write_text(head + table + "labels_confirmed = true\n", "utf-8")
    ended = program(*words, "-t", "mood")
    assert (ended.code, accuracy()) == (0, 100.0), ended.err
