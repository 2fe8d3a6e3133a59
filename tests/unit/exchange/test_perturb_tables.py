"""CSV, Parquet and gzip: what is kept, what is noised, and files that are damaged or hostile."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import os
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.perturbed import FIELDS, SAMPLES, SPEC, TEXT, TEXTUAL, done
from typer.testing import CliRunner, Result

from robust_xtreme import perturb
from robust_xtreme.cli._app import build
from robust_xtreme.core.errors import DataError, UserError
from robust_xtreme.exchange.perturbing.files import PerturbJob, perturb_file
from robust_xtreme.tasks.formats import _file, parquet

pytestmark = pytest.mark.usefixtures("unpaged")

TABLE = pl.DataFrame(
    {
        "id": [3, 1, 2],
        "text": [TEXT, "Habari ya asubuhi", ""],
        "context": ["Nyerere alizaliwa Butiama", "Butiama", "x"],
        "answers": [[[18, 25]], [[0, 7]], []],
        "tokens": [["Rais", "Nyerere"], ["a"], []],
        "when": [dt.date(2026, 1, 2), None, dt.date(1999, 1, 1)],
        "score": [0.1, None, float("nan")],
        "kind": pl.Series(["a", "b", "a"], dtype=pl.Categorical()),
        "raw": [b"\xff", b"", None],
    }
)


def packed(frame: pl.DataFrame, **options: Any) -> bytes:
    """A frame as a Parquet file."""
    file = io.BytesIO()
    frame.write_parquet(file, **options)
    return file.getvalue()


def frame_of(data: bytes) -> pl.DataFrame:
    """A Parquet file as a frame."""
    return pl.read_parquet(io.BytesIO(data))


def rows_of(data: bytes) -> list[list[str]]:
    """A CSV file as Python reads it."""
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_the_cells_of_a_csv_are_those_that_python_reads(tmp_path: Path) -> None:
    """Quotes, commas and line ends in a cell are its text; other cells and the names keep their bytes."""
    old = rows_of(SAMPLES["csv"].encode())
    texts = [row[1] for row in old if row][1:]
    wanted = perturb(texts, SPEC, language="sw")
    new = done(tmp_path, SAMPLES["csv"], "csv")
    assert [row[1] for row in rows_of(new) if row][1:] == wanted != texts
    assert [(row[0], row[2]) for row in rows_of(new) if row] == [(row[0], row[2]) for row in old if row]
    assert new.startswith(b'id,text,"n ""1"""\r\n1,"')
    assert new.endswith(b',"1,5"')


def test_a_cell_is_quoted_where_its_new_text_needs_it(tmp_path: Path) -> None:
    """A cell that gets a comma or a quotation mark is quoted, and read again as the new text."""
    table = "a,text\n1,Habari; ya asubuhi\n2,x.y\n"
    for spec in ("punctuation:1", "keyboard_typo:1", "char_noise:1@ops=double"):
        texts = perturb(["Habari; ya asubuhi", "x.y"], spec, language="sw")
        assert [row[1] for row in rows_of(done(tmp_path, table, "csv", spec))[1:]] == texts


def test_columns_of_a_csv_have_names_or_numbers(tmp_path: Path) -> None:
    """The first line names the columns where one has a usual name or is given by name; else an option says it."""
    table = f"id,my text,second\n1,{TEXT},Habari ya asubuhi\n"
    named = done(tmp_path, table, "csv", fields=("my text", "second"))
    assert named == done(tmp_path, table, "csv", fields=("2", "3"), header=True)
    assert rows_of(named)[1] == ["1", *perturb([TEXT, "Habari ya asubuhi"], SPEC, language="sw")]
    bare = done(tmp_path, f"1,{TEXT}\n2,{TEXT}\n", "csv", fields=("2",), header=False)
    assert [row[1] for row in rows_of(bare)] == perturb([TEXT, TEXT], SPEC, language="sw")
    by_row = done(tmp_path, "code,text\nru,Москва столица\n", "csv", language="", language_field="code")
    assert rows_of(by_row)[1][1] == perturb(["Москва столица"], SPEC, language="ru")[0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,text\n1,x,y\n", "3 cells"),
        ("a,text\n1\n", "1 cell"),
        ('a,text\n1,x\n2,"y\nz\n', "does not end"),
        ('a,text\n1,"x"y\n', "closing quotation mark"),
        ("a,text,text\n1,x,y\n", "2 columns"),
        ("a,b\n1,x\n", "a, b"),
        ("a;text\n1;x\n", "a;text"),
        ('"a\nb",c\n1,2\n', "'a\\nb'"),
        ("", "contains no texts."),
        ("a,text\n", "contains no texts."),
        (b"a,text\n1,\xff\n", "0xff"),
        (b"a,text\n1,\xed\xa0\x80\n", "0xed"),
        ("a,text\r1,x\r", "contains a CR"),
        ("a,text\n1,x\ry\n", "contains a CR"),
        ("answer_start,text\n4,Habari ya asubuhi\n", "answer_start"),
        ('text,answers\nHabari,"[[0, 6]]"\n', "'answers'"),
        ("text,answer\nHabari ya,Habari\n", "'answer'"),
    ],
)
def test_a_broken_csv_is_one_line(text: str | bytes, line: str, tmp_path: Path) -> None:
    """The error has the line, and nothing is written."""
    with pytest.raises(UserError) as caught:
        done(tmp_path, text, "csv")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_columns_that_look_like_places_stay_with_keep(tmp_path: Path) -> None:
    """As in JSON lines, --keep leaves them."""
    table = 'start,text,answers\n4,Habari ya asubuhi,"[[0, 6]]"\n'
    new = rows_of(done(tmp_path, table, "csv", keep=("start", "answers")))
    assert new[1] == ["4", *perturb(["Habari ya asubuhi"], SPEC, language="sw"), "[[0, 6]]"]


def test_a_row_that_does_not_end_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quotation mark that is not closed does not read a file of any size into memory."""
    monkeypatch.setattr(_file, "LONGEST", 1 << 20)
    with pytest.raises(DataError, match="1 MiB"):
        done(tmp_path, 'a,text\n1,"' + ("Habari" * 10 + "\n") * 20_000, "csv")
    with pytest.raises(DataError, match="100,000 lines"):
        done(tmp_path, 'a,text\n1,"' + "\n" * 200_000, "csv")


def test_a_parquet_file_keeps_its_other_columns(tmp_path: Path) -> None:
    """Values, types, names, order and metadata stay; texts and words draw as elsewhere, and answers move."""
    data = packed(TABLE, metadata={"pandas": "index", "huggingface": "{}"})
    fields = ("text", "context", "tokens")
    new = done(tmp_path, data, "parquet", fields=fields)
    frame, metadata = frame_of(new), pl.read_parquet_metadata(io.BytesIO(new))
    assert frame.schema == TABLE.schema
    others = pl.exclude(*fields, "answers")
    assert frame.select(others).equals(TABLE.select(others))
    assert frame["text"].to_list() == perturb(TABLE["text"].to_list(), SPEC, language="sw")
    assert (metadata["pandas"], metadata["huggingface"]) == ("index", "{}")
    for context, ranges, old in zip(
        frame["context"], frame["answers"].to_list(), TABLE["answers"].to_list(), strict=True
    ):
        assert len(ranges) == len(old)
        assert all(context[start:stop].strip() == context[start:stop] != "" for start, stop in ranges)
    assert frame["tokens"].list.len().to_list() == [2, 1, 0]
    assert done(tmp_path, data, "parquet", fields=fields) == new
    assert done(tmp_path, data, "parquet", "char_noise:0", fields=fields) == data


def test_parquet_has_the_noise_of_json_lines(tmp_path: Path) -> None:
    """The same rows give the same texts and places in both formats; two columns of a row have noise of their own."""
    rows = TABLE.select("text", "context", "answers", "tokens")
    lines = "".join(json.dumps(row) + "\n" for row in rows.iter_rows(named=True))
    fields = ("text", "context", "tokens")
    by_line = [json.loads(line) for line in done(tmp_path, lines, "jsonl", fields=fields).splitlines()]
    assert frame_of(done(tmp_path, packed(rows), "parquet", fields=fields)).to_dicts() == by_line


def test_answers_of_squad_in_parquet_move(tmp_path: Path) -> None:
    """Structs of texts and offsets, as datasets on the hub have them, stay at their words."""
    answers = {"text": ["Butiama"], "answer_start": [18]}
    frame = pl.DataFrame({"context": ["Nyerere alizaliwa Butiama"], "answers": [answers]})
    new = done(tmp_path, packed(frame), "parquet", "char_noise:1@ops=double", fields=("context",))
    row = frame_of(new).to_dicts()[0]
    assert row["answers"] == {"text": ["BBuuttiiaammaa"], "answer_start": [34]}
    assert row["context"][34:] == "BBuuttiiaammaa"


def test_nulls_stay_with_skip_null(tmp_path: Path) -> None:
    """A null is an error with its row; --skip-null leaves it, in JSON lines too, and the summary counts it."""
    rows = [{"text": TEXT, "n": 1}, {"text": None, "n": None}]
    files = {"parquet": packed(pl.DataFrame(rows)), "jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode()}
    for format, data in files.items():
        what = "--skip-null"
        with pytest.raises(DataError, match=what):
            done(tmp_path, data, format, fields=("text",))
        new = done(tmp_path, data, format, fields=("text",), skip_null=True)
        made = frame_of(new).to_dicts() if format == "parquet" else [json.loads(line) for line in new.splitlines()]
        assert made == [{"text": perturb([TEXT], SPEC, language="sw")[0], "n": 1}, rows[1]]
    job = PerturbJob(str(tmp_path / "in"), SPEC, str(tmp_path / "o"), language="sw", format="jsonl", fields=("text",))
    (tmp_path / "in").write_bytes(b'{"text": null}\n')
    with pytest.raises(DataError, match="All 1 are null"):
        perturb_file(
            PerturbJob(job.file, SPEC, job.out, language="sw", format="jsonl", fields=("text",), skip_null=True)
        )
    (tmp_path / "in").write_bytes(files["jsonl"])
    totals = perturb_file(
        PerturbJob(job.file, SPEC, job.out, language="sw", format="jsonl", fields=("text",), skip_null=True)
    )
    assert "1 null" in totals.summary()


def test_a_row_without_texts_needs_no_language(tmp_path: Path) -> None:
    """Where all texts of a row are null its language is not read."""
    frame = pl.DataFrame({"text": ["Москва столица", None], "code": ["ru", None]})
    options: dict[str, Any] = {"fields": ("text",), "language": "", "language_field": "code", "skip_null": True}
    new = frame_of(done(tmp_path, packed(frame), "parquet", **options))
    assert new["text"].to_list() == [perturb(["Москва столица"], SPEC, language="ru")[0], None]


@pytest.mark.parametrize(
    ("frame", "line"),
    [
        ({"text": [1]}, "Int64"),
        ({"other": ["a"]}, "'text'"),
        ({"text": ["abc"], "start": [1]}, "'start'"),
        (
            {"text": ["abc"], "spans": [dt.date(2026, 1, 1)]},
            "Date",
        ),
        ({"text": []}, "contains no texts."),
        ({"text": pl.Series([], dtype=pl.String)}, "contains no texts."),
        ({"text": ["abc"], "spans": [[[2, 9]]]}, "'spans'"),
    ],
)
def test_a_parquet_file_that_cannot_be_noised_is_one_line(frame: dict[str, Any], line: str, tmp_path: Path) -> None:
    """The column is named with its type."""
    with pytest.raises(UserError) as caught:
        done(tmp_path, packed(pl.DataFrame(frame)), "parquet", fields=("text",))
    assert line in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + b"x" * 100 + b"PAR1", b"text\nabc\n"])
def test_what_is_not_parquet_is_one_line(data: bytes, tmp_path: Path) -> None:
    """Nothing is written."""
    with pytest.raises(DataError, match="Parquet") as caught:
        done(tmp_path, data, "parquet", fields=("text",))
    assert len(str(caught.value).splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_what_polars_writes_to_stderr_itself_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A damaged file may make it panic: the error is one line, and stderr is there again after it."""

    def panic(*_: object) -> None:
        os.write(2, b"thread panicked")
        raise pl.exceptions.PanicException("left\nright")

    monkeypatch.setattr(pl, "scan_parquet", panic)
    with pytest.raises(DataError, match=r"left$"):
        done(tmp_path, packed(TABLE), "parquet", fields=("text",))
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_parquet_has_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of values, the size of the file and the texts, which repeat in a small file, are bounded."""
    many = packed(pl.DataFrame({"text": ["Habari " * 1_000] * 2_000}))
    assert len(many) < 20_000
    for name, limit, what in (
        ("_CELLS", 1_999, "2,000 rows"),
        ("_LARGEST", 1 << 20, "1 MiB"),
        ("_LARGEST", 1 << 10, "0 MiB"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(parquet, name, limit)
            with pytest.raises(DataError) as caught:
                done(tmp_path, many, "parquet", "char_noise:0", fields=("text",))
        assert what in str(caught.value)


@pytest.mark.parametrize("format", [*TEXTUAL, "parquet"])
def test_gzip_of_any_format_is_read(format: str, tmp_path: Path) -> None:
    """What is compressed is noised as what is not; an output that is named so is compressed, the same bytes twice."""
    data = packed(TABLE) if format == "parquet" else SAMPLES[format].encode()
    fields = FIELDS.get(format, ("text",) if format == "parquet" else ())
    wanted = done(tmp_path, data, format, fields=fields)
    halves = gzip.compress(data[:20]) + gzip.compress(data[20:])
    assert done(tmp_path, halves, format, fields=fields) == wanted
    made = []
    for name in ("a.gz", "b.GZ"):
        job = PerturbJob(str(tmp_path / "in"), SPEC, str(tmp_path / name), language="sw", format=format, fields=fields)
        job = replace(job, header=False if format == "tsv" else None)
        perturb_file(job)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    assert gzip.decompress(made[0]) == wanted


def test_the_name_before_gz_says_the_format(tmp_path: Path) -> None:
    """rows.jsonl.gz is read as JSON lines, and its edit counts are written beside it."""
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(json.dumps({"text": TEXT}).encode()))
    out, counts = str(tmp_path / "out.jsonl.gz"), str(tmp_path / "counts.tsv.gz")
    job = PerturbJob(str(tmp_path / "rows.jsonl.gz"), SPEC, out, language="sw", fields=("text",), edit_counts=counts)
    perturb_file(job)
    assert json.loads(gzip.decompress(Path(out).read_bytes()))["text"] == perturb([TEXT], SPEC, language="sw")[0]
    assert gzip.decompress(Path(counts).read_bytes()).startswith(b"place\tfield\tid")


def test_damaged_gzip_is_one_line(tmp_path: Path) -> None:
    """A file that is cut off, changed, or followed by something else is refused, and nothing is written."""
    data = gzip.compress("".join(f"{TEXT} {n}\n" for n in range(500)).encode())
    changed = bytearray(data)
    changed[len(data) // 2] ^= 255
    cases = {
        "cut off": [data[:-5], data[: len(data) // 2], data[:11], data[:3]],
        "cannot be decompressed: ": [bytes(changed), data + b"more", data[:-8] + b"\0" * 8, b"\x1f\x8b" + b"x" * 20],
    }
    for what, files in cases.items():
        for file in files:
            with pytest.raises(DataError) as caught:
                done(tmp_path, file, "lines")
            assert what in str(caught.value)
            assert len(str(caught.value).splitlines()) == 1
            assert [path.name for path in tmp_path.iterdir()] == ["in"]


BOMB = 6 << 20


@pytest.mark.parametrize(
    ("format", "piece", "what"),
    [
        ("lines", "a", "1 MiB"),
        ("jsonl", " ", "1 MiB"),
        ("csv", '""' * 500 + "\n", "begins here"),
        ("iob2", "a" * 1000 + "\tO\n", "sentence"),
        ("conllu", "# " * 500 + "\n", "sentence"),
        ("squad", " ", "white space"),
        ("squad", "[", "JSON array"),
        ("parquet", "PAR1", "1 MiB"),
    ],
)
def test_a_small_file_that_becomes_large_takes_little_memory(
    format: str, piece: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bomb is read as a stream, or stops at a limit: memory is a small multiple of it, not that of the content."""
    for module in (_file, parquet):
        monkeypatch.setattr(module, "_LARGEST" if module is parquet else "LONGEST", 1 << 20)
    start = 'a,text\n1,"' if format == "csv" else ""
    bomb = gzip.compress((start + piece * (BOMB // len(piece))).encode())
    tracemalloc.start()
    with pytest.raises(DataError) as caught:
        done(tmp_path, bomb, format, fields=FIELDS.get(format, ("text",) if format == "parquet" else ()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert what in str(caught.value)
    assert peak < BOMB


def test_a_value_of_json_has_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text, a list or a number without end is refused at a limit."""
    monkeypatch.setattr(_file, "LONGEST", 1 << 20)
    for value, what in (('"' + "a" * BOMB, "1 MiB"), ("1" * BOMB, "a number has more than")):
        with pytest.raises(DataError, match=what):
            done(tmp_path, gzip.compress(f'{{"a": {value}'.encode()), "squad")


def call(*words: str) -> Result:
    """The command on the words given, as it ends."""
    return CliRunner().invoke(build(), ["perturb", *words])


def test_tables_and_compressed_files_are_read_by_their_names(tmp_path: Path) -> None:
    """--fields is repeatable, names contain blanks, --skip-null leaves nulls, and .gz is compressed both ways."""
    words = ("-l", "sw", "--perturb", SPEC)
    table = "id,my text,title\n1,Habari ya asubuhi,Nyerere alizaliwa\n"
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(table.encode()))
    out = tmp_path / "out.csv.gz"
    result = call(str(tmp_path / "in.csv.gz"), *words, "--fields", "my text", "--fields", "title", "-o", str(out))
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    texts = perturb(["Habari ya asubuhi", "Nyerere alizaliwa"], SPEC, language="sw")
    assert gzip.decompress(out.read_bytes()).decode() == f"id,my text,title\n1,{','.join(texts)}\n"
    pl.DataFrame({"text": ["Habari ya asubuhi", None]}).write_parquet(tmp_path / "in.parquet")
    command = (str(tmp_path / "in.parquet"), *words, "--fields", "text", "-o", str(tmp_path / "out.parquet"))
    assert "null" in call(*command).stderr
    result = call(*command, "--skip-null")
    assert "1 null" in result.stderr
    assert pl.read_parquet(tmp_path / "out.parquet")["text"].to_list() == [texts[0], None]
    (tmp_path / "in.xlsx").touch()
    result = call(str(tmp_path / "in.xlsx"), *words, "-o", str(tmp_path / "new"))
    assert "--format: conll" in result.stderr


def test_an_output_named_as_another_format_is_refused(tmp_path: Path) -> None:
    """perturb keeps the format; a CSV file is not written under the name of a parquet file."""
    (tmp_path / "rows.csv").write_text("text\nHabari\n", encoding="utf-8")
    files = str(tmp_path / "rows.csv"), "char_noise:0.1", str(tmp_path / "o.parquet")
    job = PerturbJob(*files, language="sw", fields=("text",))
    with pytest.raises(UserError, match="not parquet"):
        perturb_file(job)
    with pytest.raises(DataError, match="No such file"):
        perturb_file(replace(job, file="rows.xlsx"))
