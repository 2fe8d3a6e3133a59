"""`import` reads the logs of inspect: zip files of samples, which nobody has to trust."""

from __future__ import annotations

import json
import math
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zlib import crc32

import polars as pl
import pytest
from tests.harness_logs import NOISE, exported, imported, refused
from tests.imports import items
from tests.imports import written as written_lines

from robust_xtreme.exchange.importing import reading
from robust_xtreme.exchange.importing.raw import ImportedFile


def answered(number: int, right: bool, condition: str, **more: Any) -> dict[str, Any]:
    """A sample of multiple choice, as inspect logs it."""
    gold = "ABC"[number % 3]
    answer = gold if right else "ABC"[(number + 1) % 3]
    score = {"value": "C" if right else "I", "answer": answer}
    known = json.loads(exported(number, condition))
    return {
        "id": f"{number}-{condition}",
        "epoch": 1,
        "input": "?",
        "choices": ["x", "y", "z"],
        "target": gold,
        "scores": {"choice": score},
        "metadata": {"robust_xtreme": known},
    } | more


def log(path: Path, samples: Sequence[Mapping[str, Any]], **more: Any) -> Path:
    """A log of inspect: a zip file with a header and the samples."""
    evaluation = {"model": "hf/tiny", "task": "rx", "task_version": 0, "packages": {"inspect_ai": "0.3.285"}}
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, row in enumerate(samples):
            packed.writestr(f"samples/{number}_epoch_1.json", json.dumps(row))
        packed.writestr("header.json", json.dumps({"status": "success", "eval": evaluation} | more))
    return path


def rows_of(path: Path) -> pl.DataFrame:
    """The raw rows of logs."""
    return reading.read([ImportedFile(path)], "", {}, "", "").rows()


def traced(make: Callable[[], Any]) -> tuple[Any, int]:
    """What a function makes, and the most bytes that it held."""
    tracemalloc.start()
    try:
        return make(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def both(clean: int = 45, noisy: int = 30, count: int = 60) -> list[dict[str, Any]]:
    """Clean and noisy samples, of which the first are right."""
    sides = (("clean", clean), (NOISE, noisy))
    return [answered(number, number < right, name) for name, right in sides for number in range(count)]


@pytest.mark.usefixtures("no_pages")
def test_logs_of_inspect_are_recognised(tmp_path: Path) -> None:
    """Choices become numbers; the scorer's own score is beside the accuracy."""
    run = imported(tmp_path, str(log(tmp_path / "logs" / "a.eval", both())))
    drops = {row["metric"]: (row["clean"], row["drop"]) for row in run.deltas.iter_rows(named=True)}
    assert drops == {"accuracy": (75.0, 25.0), "given/choice": (75.0, 25.0)}
    assert run.deltas.item(0, "inference") == "inspect 0.3.285, task version 0"
    assert run.deltas.item(0, "word_edit_rate") == pytest.approx(0.2)


@pytest.mark.usefixtures("no_pages")
def test_answers_that_inspect_did_not_find_are_counted(tmp_path: Path) -> None:
    """A scorer without an answer, as multiple choice that was not parsed."""
    rows = both()
    rows[0]["scores"] = {"choice": {"value": "I", "answer": ""}}
    run = imported(tmp_path, str(log(tmp_path / "a.eval", rows)))
    assert (
        "xnli/sw clean: no prediction was found in 1 of 60 answers, which count as no answer." in run.manifest["notes"]
    )
    assert run.deltas.filter(metric="accuracy").item(0, "clean") == pytest.approx(100 * 44 / 60)


@pytest.mark.usefixtures("no_pages")
def test_unparsed_answers_to_texts_that_noise_left_count_as_well(tmp_path: Path) -> None:
    """A row whose text noise leaves as it is says so, and its answer counts all the same; the latest log is read."""
    rows = both()
    rows[0]["scores"] = rows[60]["scores"] = {"choice": {"value": "I", "answer": "D"}}
    rows[60]["metadata"]["robust_xtreme"]["status"] = "unchanged"
    log(tmp_path / "logs" / "a.eval", both(clean=3), eval={"model": "hf/tiny", "task": "rx", "created": "2025"})
    log(tmp_path / "logs" / "b.eval", rows, eval={"model": "hf/tiny", "task": "rx", "created": "2026"})
    run = imported(tmp_path, str(tmp_path / "logs"))
    row = run.deltas.filter(metric="accuracy").row(0, named=True)
    assert (row["clean"], row["value"]) == (pytest.approx(100 * 44 / 60), pytest.approx(100 * 29 / 60))
    assert sum("1 of 60 answers" in note for note in run.manifest["notes"]) == 2


def test_odd_logs_of_inspect_are_one_line(tmp_path: Path) -> None:
    """Not a zip file, no header, an evaluation that did not end, several models, an error, epochs, no number."""
    (tmp_path / "text.eval").write_text("no zip")
    assert "is not a readable log of inspect" in refused(str(tmp_path / "text.eval"))
    with zipfile.ZipFile(tmp_path / "none.eval", "w") as packed:
        packed.writestr("samples/1.json", "{}")
    assert "is not a whole log of inspect" in refused(str(tmp_path / "none.eval"))
    assert "did not end: its status is 'error'" in refused(str(log(tmp_path / "e.eval", both(), status="error")))
    changes: list[tuple[dict[str, Any], str]] = [
        ({"error": {"message": "x"}, "scores": {}}, "ended in an error and has no score"),
        ({"epoch": 2}, "was answered in several epochs"),
        ({"epoch": "x"}, "was answered in several epochs"),
        ({"scores": {"choice": {"value": math.nan, "answer": "A"}}}, "the score choice of samples/0_"),
        ({"metadata": {"robust_xtreme": 3}}, "are not what `export inspect` wrote"),
    ]
    for number, (change, line) in enumerate(changes):
        rows = both()
        rows[0] = {**rows[0], **change}
        assert line in refused(str(log(tmp_path / f"{number}.eval", rows)))
    rows = both()
    log(tmp_path / "way" / "a.eval", rows[:60])
    other = {"model": "hf/tiny", "task": "rx_noisy", "model_generate_config": {"temperature": 2}}
    log(tmp_path / "way" / "b.eval", rows[60:], eval=other)
    assert "is not that of a.eval. Evaluate clean and noisy" in refused(str(tmp_path / "way"))
    content = bytearray(log(tmp_path / "bad.eval", rows).read_bytes())
    content[60:90] = b"x" * 30
    (tmp_path / "bad.eval").write_bytes(content)
    assert "is not a readable log of inspect" in refused(str(tmp_path / "bad.eval"))
    log(tmp_path / "two" / "a.eval", both())
    log(tmp_path / "two" / "b.eval", both(), eval={"model": "other", "task": "rx"})
    assert "The logs are of several models" in refused(str(tmp_path / "two"))


@pytest.mark.usefixtures("no_pages")
def test_an_entry_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    """A zip file can be small and contain gigabytes: nothing above the limit is read."""
    with zipfile.ZipFile(tmp_path / "a.eval", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("header.json", b" " * (1 << 28))
    assert "header.json has 268,435,456 bytes" in refused(str(tmp_path / "a.eval"))


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Many entries below the limit of one, in less memory than they have; a directory of wrong sizes is damaged."""
    path = tmp_path / "many.eval"
    blank = b'{"id": "' + b" " * (1 << 24) + b'"}'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(8):
            packed.writestr(f"samples/{number}_epoch_1.json", blank)
        packed.writestr("header.json", json.dumps({"status": "success", "eval": {"model": "m", "task": "rx"}}))
    line, most = traced(lambda: refused(str(path)))
    assert "it unpacks to 134,217,867 bytes, and at most 67,108,864 of one of its size are read" in line
    assert most < 1 << 24
    content = path.read_bytes()
    sizes = len(blank).to_bytes(4, "little")
    assert content.count(sizes) >= 16
    path.write_bytes(content.replace(sizes, (100).to_bytes(4, "little")))
    assert "is not a readable log of inspect: " in refused(
        str(path), "--tasks", "rx", "-l", "sw", "--condition", "clean"
    )


def test_samples_are_read_one_after_the_other(tmp_path: Path) -> None:
    """Long samples take the memory of one of them, not that of all."""
    long = "x" * (1 << 21)
    path = log(tmp_path / "a.eval", [answered(number, True, "clean", input=f"{number}{long}") for number in range(30)])
    (tmp_path / "a.eval").write_bytes(path.read_bytes() + b"\0" * 100)  # zip files may have bytes at the end
    rows, most = traced(lambda: rows_of(path))
    assert rows.height == 30
    assert most < 8 * len(long)


def test_of_entries_with_one_name_the_last_counts(tmp_path: Path) -> None:
    """inspect appends a sample that is scored again, and reads the last."""
    path = log(tmp_path / "a.eval", both())
    with zipfile.ZipFile(path, "a") as packed, pytest.warns(UserWarning, match="Duplicate name"):
        packed.writestr("samples/59_epoch_1.json", json.dumps(answered(59, True, "clean")))
    assert imported(tmp_path, str(path)).deltas.filter(metric="accuracy").item(0, "clean") == pytest.approx(
        100 * 46 / 60
    )


def test_one_json_is_read_as_the_archive(tmp_path: Path) -> None:
    """A log by --log-format json has the same rows, by itself and in a folder, whatever the order of its keys."""
    plain = log(tmp_path / "plain.eval", both())
    with zipfile.ZipFile(plain) as packed:
        header = json.loads(packed.read("header.json"))
    (folder := tmp_path / "logs").mkdir()
    key = ("id", "condition")
    for written in ({"version": 2, **header, "samples": both()}, {"samples": both(), **header}):
        (folder / "a.json").write_text(json.dumps(written, indent=2), encoding="utf-8")
        for path in (folder, folder / "a.json"):
            assert rows_of(path).sort(key).equals(rows_of(plain).sort(key))
    (folder / "a.json").write_text(json.dumps({**header, "status": "error", "samples": []}), encoding="utf-8")
    assert "did not end: its status is 'error'" in refused(str(folder))
    twice = json.dumps({**header, "samples": both()}).replace('"epoch": 1', '"epoch": 1, "epoch": 1', 1)
    (folder / "a.json").write_text(twice, encoding="utf-8")
    assert "the key 'epoch' occurs twice" in refused(str(folder / "a.json"), "--format", "inspect")


def test_json_lines_by_the_name_of_json_are_lines(tmp_path: Path) -> None:
    """Rows with a status are not a log, and neither is one row by itself."""
    rows = [row | {"status": "ok", "eval": "x"} for row in items()]
    assert reading.format_of(Path(written_lines(tmp_path / "rows.json", rows))) == "jsonl"
    assert reading.format_of(Path(written_lines(tmp_path / "row.json", rows[:1]))) == "jsonl"


@pytest.mark.usefixtures("no_pages")
def test_zstandard_entries_are_read(tmp_path: Path) -> None:
    """inspect packs by zstd, which Python's reader of zip files does not know: the same run comes out."""
    import pyarrow as pa  # type: ignore[import-untyped]  # it has no types

    plain = log(tmp_path / "plain.eval", both(count=30))
    packed = repacked(plain, tmp_path / "zstd.eval", lambda content: pa.compress(content, "zstd", asbytes=True))
    first = imported(tmp_path, str(plain)).deltas
    assert imported(tmp_path, str(packed), "--force").deltas.equals(first)
    content = bytearray(packed.read_bytes())
    content[200] ^= 0xFF
    (tmp_path / "bad.eval").write_bytes(content)
    assert "is not a readable log of inspect" in refused(str(tmp_path / "bad.eval"))


def repacked(path: Path, out: Path, compress: Any) -> Path:
    """The same zip file with entries of method 93: stored ones, whose two headers are changed."""
    with zipfile.ZipFile(path) as before:
        contents = {name: before.read(name) for name in before.namelist()}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as after:
        for name, content in contents.items():
            after.writestr(name, compress(content))
        entries = after.infolist()
        for entry, content in zip(entries, contents.values(), strict=True):
            entry.CRC, entry.file_size = crc32(content), len(content)
            entry.compress_type = 93
    return out
