"""Rows of one's own as other programs write them: headers, quotes, types, compressed files and JSON arrays."""

from __future__ import annotations

import bz2
import csv
import datetime as dt
import io
import json
import lzma
import sys
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # likewise
import pytest
from tests.program import Ended, program

from robust_xtreme import load, perturb

pytestmark = pytest.mark.usefixtures("unpaged")

SPEC = "char_noise:0.3"
ROWS = [(f"film {number} is {'good' if number % 2 else 'bad'}", "pos" if number % 2 else "neg") for number in range(8)]
ROWS[0] = ("film 0 is good", "neg")
"""The model is wrong about the first row alone: 87.5 of 8."""

SEEN: list[str] = []


def answer(texts: Sequence[str]) -> list[str]:
    """The labels of texts, which are noted."""
    SEEN.extend(texts)
    return ["pos" if "good" in text else "neg" for text in texts]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder, and the model as `python:films:answer`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "films", sys.modules[__name__])
    SEEN.clear()


def evaluated(file: str, *options: str, fields: str = "text", gold: str = "label") -> Ended:
    """`eval` on a file of rows in English."""
    columns = ("--data", file, "--fields", fields, "--gold", gold, *options)
    languages = () if "--language-field" in options else ("-l", "en")
    model = (
        "--model",
        "films=python:films:answer",
        "-t",
        "films",
        "--no-cache",
        "-o",
        "run",
        "--force",
    )
    return program("eval", *columns, *languages, *model, "-q")


def level() -> tuple[int, float]:
    """The rows and the level of the run."""
    (cell,) = load("run").scores.to_dicts()
    return cell["n"], cell["value"]


def noised(file: str, *options: str, fields: str = "text") -> Ended:
    """`perturb` on a file, to `out` with its suffix."""
    return program(
        "perturb", file, "--fields", fields, "-l", "en", "-p", SPEC, "-o", f"out{Path(file).suffix}", *options
    )


def written(name: str, rows: Sequence[Sequence[str]], **options: Any) -> str:
    """A file of rows as Python's csv writes it, or with `raw` without quotes."""
    separator = "\t" if name.endswith("tsv") else ","
    with Path(name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, **{"delimiter": separator, "lineterminator": "\n", **options}).writerows(rows)
    return name


# ------------------------------------------------------------------------------------------------- columns by number


@pytest.mark.parametrize("name", ["d.csv", "d.tsv"])
@pytest.mark.parametrize("header", [(), ("text", "label"), ("Sentence", " y ")])
def test_columns_by_number_lose_no_row_and_count_no_header(name: str, header: tuple[str, ...]) -> None:
    """In CSV and TSV a usual name makes a header, and a label of other rows a row; the terminal says which."""
    ended = evaluated(written(name, [header, *ROWS] if header else ROWS), fields="1", gold="2")
    said = "the first line names the columns" if header else "the first line is a row"
    assert (ended.code, said in ended.err, level()) == (0, True, (8, 87.5)), ended.err


@pytest.mark.parametrize("name", ["d.csv", "d.tsv"])
@pytest.mark.parametrize(
    "first", [("film 9", "mixed"), ("0", "1"), ("text", "pos")], ids=["rare", "numbers", "name and label"]
)
def test_a_first_line_that_may_be_either_is_asked_about(name: str, first: tuple[str, str]) -> None:
    """A label that no other row has, the numbers that pandas writes as names, a name beside a label."""
    labels = {"pos": "1", "neg": "0"} if first == ("0", "1") else {}
    rows = [(text, labels.get(label, label)) for text, label in ROWS]
    written(name, [first, *rows])
    ended = evaluated(name, fields="1", gold="2")
    assert (ended.code, ended.err.count("\n"), "--header or --no-header" in ended.err) == (2, 1, True), ended.err
    for option, count in (("--header", 8), ("--no-header", 9)):
        if first != ("0", "1"):  # whose second column is called as the first is numbered
            assert evaluated(name, option, fields="1", gold="2").code == 0
            assert level()[0] == count
            assert option in (load("run").manifest["commands"] or [""])[0]


def test_perturb_asks_about_the_first_line_too() -> None:
    """No header is noised and no row left as it is, unless somebody says so."""
    for name in ("d.csv", "d.tsv"):
        written(name, ROWS)
        ended = noised(name, fields="1")
        assert (ended.code, "--header or --no-header" in ended.err, Path(f"out{name[1:]}").exists()) == (2, True, False)
        separator = "\t" if name == "d.tsv" else ","
        for option, kept in (("--header", 1), ("--no-header", 0)):
            assert noised(name, option, "--force", fields="1").code == 0
            lines = Path(f"out{name[1:]}").read_text("utf-8").splitlines()
            texts = [line.split(separator)[0] for line in lines]
            clean = [text for text, _ in ROWS]
            assert texts == clean[:kept] + perturb(clean[kept:], SPEC, language="en")


def test_a_header_in_the_middle_is_no_row() -> None:
    """Two files of which one was appended to the other."""
    for name in ("d.csv", "d.tsv"):
        ended = evaluated(written(name, [("text", "label"), *ROWS, ("text", "label"), *ROWS]))
        assert (ended.code, f"{name}:10: " in ended.err) == (2, True), ended.err


def test_a_name_that_is_the_number_of_another_column_is_refused() -> None:
    """`--gold 2` is the second column, unless the first is called so."""
    ended = evaluated(written("d.csv", [("2", "text"), *((label, text) for text, label in ROWS)]), gold="2")
    assert (ended.code, "column 1" in ended.err) == (2, True)


# ------------------------------------------------------------------------------------------------------- quoted TSV

QUOTED = [('He said "good"', "pos"), ('"bad"', "neg"), ("good\tor\nnot", "pos"), ("bad, not", "neg"), ("good", "pos")]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
def test_quoted_tsv_is_read_as_it_was_meant(quoting: int) -> None:
    """The model reads the texts, not the quotation marks of the program that wrote the file; a note says so."""
    ended = evaluated(written("d.tsv", [("text", "label"), *QUOTED], quoting=quoting))
    assert ended.code == 0, ended.err
    assert sorted(SEEN) == sorted(text for text, _ in QUOTED)
    assert ended.err.count("left out") == 1


def test_tsv_of_excel_is_unquoted_at_commas() -> None:
    """Excel quotes a cell for a comma, too; its line ends are CRLF, and its first line may name the separator."""
    Path("d.tsv").write_bytes(b'sep=\t\r\ntext\tlabel\r\n"bad, not"\tneg\r\ngood\tpos\r\n')
    assert evaluated("d.tsv").code == 0
    assert sorted(SEEN) == ["bad, not", "good"]


def test_quotation_marks_of_a_text_stay() -> None:
    """Without quoting they are the text's, also around all of it, of which the terminal speaks."""
    texts = ['"good" he said', 'a 6" bad one', 'he said "good"', '"good"', '"']
    Path("d.tsv").write_text(
        "text\tlabel\n" + "".join(f"{text}\t{'pos' if 'good' in text else 'neg'}\n" for text in texts)
    )
    assert evaluated("d.tsv").code == 0
    assert sorted(SEEN) == sorted(texts)
    Path("d.tsv").write_text('text\tlabel\n"good"\tpos\nbad\tneg\n')
    assert "are kept" in evaluated("d.tsv").err


def test_two_kinds_of_quotation_marks_are_refused() -> None:
    """A file in which some are the text's and others a program's cannot be read right."""
    Path("d.tsv").write_text('text\tlabel\n"a ""good"" one"\tpos\na "bad" one\tneg\n')
    ended = evaluated("d.tsv")
    assert (ended.code, "d.tsv:3:" in ended.err, "CSV" in ended.err) == (2, True, True)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_perturb_keeps_the_quotes_of_tsv(quoting: int) -> None:
    """What is not noised keeps its bytes, the texts get their noise, and both are read again as they are."""
    rows = [(text, label, 'so "it" is') for text, label in QUOTED]
    old = Path(written("d.tsv", [("text", "label", "note"), *rows], quoting=quoting)).read_text("utf-8")
    assert noised("d.tsv").code == 0
    new = Path("out.tsv").read_text("utf-8")
    made = [*csv.reader(io.StringIO(new, newline=""), delimiter="\t")]
    assert [row[0] for row in made[1:]] == perturb([text for text, _ in QUOTED], SPEC, language="en")
    assert [tuple(row[1:]) for row in made[1:]] == [row[1:] for row in rows]
    assert new.count('so ""it"" is') == old.count('so ""it"" is') == 5
    assert (new.count('"pos"') > 0) == (quoting == csv.QUOTE_ALL)
    assert program("perturb", "d.tsv", "--fields", "text", "-l", "en", "-p", "char_noise:0", "-o", "same.tsv").code == 0
    assert Path("same.tsv").read_text("utf-8") == old


# ------------------------------------------------------------------------------------------------ headers with blanks


@pytest.mark.parametrize("name", ["d.csv", "d.tsv"])
def test_blanks_around_names_are_no_part_of_them(name: str) -> None:
    """Nor are blanks around labels; two columns that differ in blanks alone are named by numbers."""
    assert (
        evaluated(written(name, [("id ", " text", " label "), *((f"{n}", *row) for n, row in enumerate(ROWS))])).code
        == 0
    )
    assert level() == (8, 87.5)
    written(name, [("text ", " text", "label"), *((text, text, label) for text, label in ROWS)])
    ended = evaluated(name)
    assert (ended.code, "--fields 1 --header" in ended.err) == (2, True)
    assert evaluated(name, "--header", fields="2", gold="3").code == 0


def test_what_cannot_be_seen_in_a_name_is_shown() -> None:
    """Of CSV, JSON lines and Parquet, with quotation marks."""
    written("d.csv", [("te xt ", "label"), *ROWS])
    Path("d.jsonl").write_text(json.dumps({"text ": "a", "label": "b"}))
    pl.DataFrame({"text ": ["a"], "label": ["b"]}).write_parquet("d.parquet")
    for name, shown in (("d.csv", "'te xt '"), ("d.jsonl", "'text '"), ("d.parquet", "'text '")):
        ended = evaluated(name)
        assert (ended.code, f"{shown}, label" in ended.err) == (2, True), ended.err


def test_the_line_of_excel_before_the_header_is_honoured() -> None:
    """`sep=,` is no row and stays; another separator is named; so are blanks between a comma and a quotation mark."""
    text = "sep=,\n" + Path(written("d.csv", [("text", "label"), *ROWS])).read_text("utf-8")
    Path("d.csv").write_text(text, "utf-8")
    assert evaluated("d.csv").code == 0
    assert level() == (8, 87.5)
    assert noised("d.csv").code == 0
    assert Path("out.csv").read_text("utf-8").startswith("sep=,\ntext,label\n")
    for wrong, line in (
        (text.replace("sep=,", "sep=;"), "separated by ';'"),
        ('text, label\n"a", "b, c"\n', "cell 2"),
    ):
        Path("d.csv").write_text(wrong)
        assert line in evaluated("d.csv").err


# ------------------------------------------------------------------------------------------------------------ Parquet

LABELS: list[tuple[Any, list[Any], str]] = [
    (pa.dictionary(pa.int8(), pa.string()), ["neg", "pos"], "pos"),
    (pa.dictionary(pa.int32(), pa.large_string()), ["neg", "pos"], "pos"),
    (pa.string_view(), ["neg", "pos"], "pos"),
    (pa.decimal128(4, 2), [Decimal("0.50"), Decimal("1.50")], "1.50"),
    (pa.date32(), [dt.date(2026, 1, 1), dt.date(2026, 1, 2)], "2026-01-02"),
    (pa.bool_(), [False, True], "true"),
    (pa.uint64(), [0, 2**64 - 1], str(2**64 - 1)),
]


@pytest.mark.parametrize(("kind", "values", "name"), LABELS, ids=[str(kind) for kind, _, _ in LABELS])
def test_labels_of_parquet_are_read_in_their_form(kind: Any, values: list[Any], name: str) -> None:
    """Categories as their names, numbers and dates as they are written, in any column that an option names."""
    codes = pa.array(["en"] * 8).dictionary_encode()
    texts = pa.array([text for text, _ in ROWS]).dictionary_encode()
    gold = pa.array([values[label == "pos"] for _, label in ROWS], kind)
    pq.write_table(pa.table({"text": texts, "label": gold, "lang": codes}), "d.parquet")
    ended = evaluated("d.parquet", "--language-field", "lang", "--plan")
    assert ended.code == 0, ended.err
    (folder,) = Path("runs/data").iterdir()
    rows = [json.loads(line) for line in (folder / "films" / "test-en.jsonl").read_text("utf-8").splitlines()]
    assert [(row["text"], row["label"] == name) for row in rows] == [(text, label == "pos") for text, label in ROWS]


def test_an_enum_of_polars_is_a_label() -> None:
    """Its names are read, and a level is made of them."""
    labels = pl.Series([label for _, label in ROWS], dtype=pl.Enum(["pos", "neg"]))
    pl.DataFrame({"text": [text for text, _ in ROWS], "label": labels}).write_parquet("d.parquet")
    assert evaluated("d.parquet").code == 0
    assert level() == (8, 87.5)


@pytest.mark.parametrize("option", ["label", "text", "lang"])
@pytest.mark.parametrize("values", [[b"a", b"b"], [dt.timedelta(1), dt.timedelta(2)]], ids=["binary", "duration"])
def test_a_column_that_cannot_be_read_is_named_with_its_type(option: str, values: list[Any]) -> None:
    """It is not said to be missing."""
    columns: dict[str, Any] = {"text": ["good", "bad"], "label": ["pos", "neg"], "lang": ["en", "en"], option: values}
    pl.DataFrame(columns).write_parquet("d.parquet")
    kind = "Binary" if isinstance(values[0], bytes) else "Duration"
    ended = evaluated("d.parquet", "--language-field", "lang")
    assert (ended.code, f"the column '{option}' contains {kind}" in ended.err) == (2, True), ended.err


def odd_table() -> pa.Table:
    """A table with types that polars does not have, a column without nulls and metadata of table and column."""
    text = "The quick brown fox jumps over the lazy dog"
    kinds = {
        "context": pa.array([text, text + " now"], pa.string_view()),
        "named": pa.array([text + " then", text]).dictionary_encode(),
        "time": pa.array([dt.time(1, 2, 3)] * 2),
        "fixed": pa.array([b"ab", b"cd"], pa.binary(2)),
        "small": pa.array([1, 2], pa.int16()),
        "answers": pa.array([[[4, 9]], []], pa.list_(pa.list_(pa.int16(), 2))),
        "many": pa.array([["a"], []], pa.large_list(pa.string())),
    }
    fields = [pa.field(name, column.type, name != "small", {"about": name}) for name, column in kinds.items()]
    metadata = {"huggingface": '{"info": {}}', "pandas": "{}"}
    return pa.Table.from_arrays([*kinds.values()], schema=pa.schema(fields, metadata))


def test_perturb_keeps_the_schema_of_parquet() -> None:
    """Types, nullability and metadata of all columns stay, also of those that change, and so do other values."""
    table = odd_table()
    pq.write_table(table, "d.parquet")
    ended = noised("d.parquet", fields="context,named")
    assert ended.code == 0, ended.err
    new = pq.read_table("out.parquet")
    assert new.schema.equals(pq.read_schema("d.parquet"), check_metadata=True)
    for name in ("context", "named"):
        assert new[name].to_pylist() == perturb(table[name].to_pylist(), SPEC, language="en")
    changed = ["context", "named", "answers"]
    assert new.drop_columns(changed).equals(pq.read_table("d.parquet").drop_columns(changed))


def test_without_pyarrow_perturb_says_that_types_are_those_of_polars(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes on with the values, as it did; the closing line says what would keep the types."""
    pq.write_table(odd_table(), "d.parquet")
    monkeypatch.setattr("robust_xtreme.tasks.formats.parquet.find_spec", lambda _: None)
    ended = noised("d.parquet", fields="named")
    assert (ended.code, "pip install pyarrow" in ended.err) == (0, True), ended.err
    assert pl.read_parquet("out.parquet").drop("named").equals(pl.read_parquet("d.parquet").drop("named"))


def test_a_type_that_noise_does_not_fit_into_is_named() -> None:
    """An enum has no other values."""
    pl.DataFrame({"text": pl.Series(["good", "bad"], dtype=pl.Enum(["good", "bad"]))}).write_parquet("d.parquet")
    ended = noised("d.parquet")
    assert (ended.code, "'text' contains Enum" in ended.err) == (2, True), ended.err


# ---------------------------------------------------------------------------------------------------- first bytes


def zipped(data: bytes) -> bytes:
    """A ZIP archive of one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("rows.jsonl", data)
    return file.getvalue()


LINES = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS).encode()
KINDS = {
    "bzip2": (bz2.compress(LINES), "bunzip2"),
    "xz": (lzma.compress(LINES), "unxz"),
    "zstd": (b"\x28\xb5\x2f\xfd" + LINES, "zstd -d"),
    "ZIP": (zipped(LINES), "unzip"),
    "UTF-16": (LINES.decode().encode("utf-16"), "iconv"),
    "Parquet": (b"PAR1\x15\x04", "--format parquet"),
    "JSON array": (json.dumps([{"text": text} for text, _ in ROWS]).encode(), "jq"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["d.jsonl", "d.json", "d.dat", "stdin"])
def test_a_file_of_another_kind_is_named_as_what_it_is(kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its first bytes, whatever its name is and --format says, with what makes a file of it that is read."""
    data, cure = KINDS[kind]
    Path(name).write_bytes(data)
    runs = [noised(name, "--format", "jsonl")]
    if name == "stdin":
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        runs = [program("perturb", "-", "--format", "jsonl", "--fields", "text", "-l", "en", "-p", SPEC, "-o", "out")]
    else:
        runs += [noised(name), evaluated(name), evaluated(name, "--format", "jsonl")]
    for ended in runs:
        assert (ended.code, ended.err.count("\n"), kind in ended.err, cure in ended.err) == (2, 1, True, True), (
            ended.err
        )


@pytest.mark.parametrize("kind", ["bzip2", "zstd", "ZIP", "UTF-16"])
def test_so_is_a_file_of_a_suite_and_of_a_release(kind: str) -> None:
    """Not as a byte that is not valid UTF-8."""
    Path("xnli").mkdir()
    Path("xnli/test-sw.tsv").write_bytes(KINDS[kind][0])
    ended = program("eval", "--data", ".", "--tasks", "xnli", "-l", "sw", "--plan")
    assert (ended.code, KINDS[kind][1] in ended.err) == (2, True), ended.err


@pytest.mark.parametrize("kind", ["bzip2", "zstd", "ZIP", "UTF-16", "JSON array"])
def test_so_are_rows_that_are_imported(kind: str) -> None:
    """Predictions of another program, in a file of another kind."""
    Path("d.jsonl").write_bytes(KINDS[kind][0])
    ended = program("import", "d.jsonl", "--task", "films", "--language", "en", "-o", "run")
    assert (ended.code, KINDS[kind][1] in ended.err) == (2, True), ended.err
