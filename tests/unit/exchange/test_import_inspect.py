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
from tests.program import program

import robust_xtreme
from robust_xtreme.exchange.importing import reading
from robust_xtreme.exchange.importing.items import ImportedFile
from robust_xtreme.report.document import finished


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
            several = any(each["epoch"] == 2 for each in samples)
            name = f"{row['id']}_epoch_{row['epoch']}" if several else f"{number}_epoch_1"
            packed.writestr(f"samples/{name}.json", json.dumps(row))
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
    assert any("1 of 60" in note for note in run.manifest["notes"])
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
    """Not a zip file, no header, an evaluation that did not end, several models, an error, odd epochs, no number."""
    (tmp_path / "text.eval").write_text("no zip")
    assert "readable log" in refused(str(tmp_path / "text.eval"))
    with zipfile.ZipFile(tmp_path / "none.eval", "w") as packed:
        packed.writestr("samples/1.json", "{}")
    assert "whole log" in refused(str(tmp_path / "none.eval"))
    assert "'error'" in refused(str(log(tmp_path / "e.eval", both(), status="error")))
    changes: list[tuple[dict[str, Any], str]] = [
        ({"error": {"message": "x"}, "scores": {}}, "ended in an error"),
        ({"epoch": "x"}, "'x'"),
        ({"epoch": True}, "True"),
        ({"id": "1-clean"}, "is 1"),
        ({"scores": {"choice": {"value": math.inf, "answer": "A"}}}, "score choice"),
        ({"metadata": {"robust_xtreme": 3}}, "export inspect"),
    ]
    for number, (change, line) in enumerate(changes):
        rows = both()
        rows[0] = {**rows[0], **change}
        assert line in refused(str(log(tmp_path / f"{number}.eval", rows)))
    rows = both()
    log(tmp_path / "way" / "a.eval", rows[:60])
    other = {"model": "hf/tiny", "task": "rx_noisy", "model_generate_config": {"temperature": 2}}
    log(tmp_path / "way" / "b.eval", rows[60:], eval=other)
    assert "a.eval" in refused(str(tmp_path / "way"))
    content = bytearray(log(tmp_path / "bad.eval", rows).read_bytes())
    content[60:90] = b"x" * 30
    (tmp_path / "bad.eval").write_bytes(content)
    assert "readable log" in refused(str(tmp_path / "bad.eval"))
    log(tmp_path / "two" / "a.eval", both())
    log(tmp_path / "two" / "b.eval", both(), eval={"model": "other", "task": "rx"})
    assert "several models" in refused(str(tmp_path / "two"))


@pytest.mark.usefixtures("no_pages")
def test_an_entry_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    """A zip file can be small and contain gigabytes: nothing above the limit is read."""
    with zipfile.ZipFile(tmp_path / "a.eval", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("header.json", b" " * (1 << 28))
    assert "268,435,456" in refused(str(tmp_path / "a.eval"))


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Many entries below the limit of one, in less memory than they have; a directory of wrong sizes is damaged."""
    path = tmp_path / "many.eval"
    blank = b'{"id": "' + b" " * (1 << 24) + b'"}'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(8):
            packed.writestr(f"samples/{number}_epoch_1.json", blank)
        packed.writestr("header.json", json.dumps({"status": "success", "eval": {"model": "m", "task": "rx"}}))
    line, most = traced(lambda: refused(str(path)))
    assert "67,108,864" in line
    assert most < 1 << 24
    content = path.read_bytes()
    sizes = len(blank).to_bytes(4, "little")
    assert content.count(sizes) >= 16
    path.write_bytes(content.replace(sizes, (100).to_bytes(4, "little")))
    assert "readable log" in refused(str(path), "--tasks", "rx", "-l", "sw", "--condition", "clean")


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
    assert "'error'" in refused(str(folder))
    twice = json.dumps({**header, "samples": both()}).replace('"epoch": 1', '"epoch": 1, "epoch": 1', 1)
    (folder / "a.json").write_text(twice, encoding="utf-8")
    assert "occurs twice" in refused(str(folder / "a.json"), "--format", "inspect")


def test_json_lines_by_the_name_of_json_are_lines(tmp_path: Path) -> None:
    """Rows with a status are not a log, and neither is one row by itself."""
    rows = [row | {"status": "ok", "eval": "x"} for row in items()]
    assert reading.format_of(Path(written_lines(tmp_path / "rows.json", rows))) == "jsonl"
    assert reading.format_of(Path(written_lines(tmp_path / "row.json", rows[:1]))) == "jsonl"


def test_a_log_that_is_no_json_is_named(tmp_path: Path) -> None:
    """Cut, or nested too deep, beside a log that is whole, named or in its folder; nothing is left out unsaid."""
    good = log(tmp_path / "logs" / "a.eval", both())
    for text in ('{"samples": [{"id": 1}', "[" * 9999):
        (bad := tmp_path / "logs" / "b.json").write_text(text, encoding="utf-8")
        for paths in ((good, bad), (bad, good), (bad.parent,)):
            assert "b.json" in refused(*map(str, paths))


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
    assert "readable log" in refused(str(tmp_path / "bad.eval"))


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


# --------------------------------------------------------------------------------------- epochs, dictionaries, unscored


DATA = [{"model": "hf/tiny", "task": "rx", "task_args": {"data": name}} for name in ("clean", "noisy")]


def epochs(right: Sequence[int], condition: str, count: int = 40) -> list[dict[str, Any]]:
    """Samples that were answered as often as there are numbers, and so many of an epoch are right, the first ones."""
    rows = [(number, each, most) for each, most in enumerate(right, 1) for number in range(count)]
    return [answered(number, number < most, condition, epoch=each) for number, each, most in rows]


def stated(level: float, name: str = "choice", **more: Any) -> dict[str, Any]:
    """Results with one level."""
    return {"scores": [{"name": name, "scorer": name, "metrics": {"accuracy": {"value": level}}, **more}]}


@pytest.mark.usefixtures("no_pages")
def test_the_mean_of_epochs_is_read_or_one_of_them(tmp_path: Path) -> None:
    """In an archive and in JSON, whatever the order; the mean has no predictions, and an epoch has its own."""
    clean, noisy = epochs((30, 20, 10), "clean"), epochs((20, 10, 0), NOISE)
    log(tmp_path / "logs" / "a.eval", clean, eval=DATA[0], results={"completed_samples": 120, **stated(0.5)})
    log(tmp_path / "logs" / "b.eval", noisy, eval=DATA[1], results=stated(0.25, reducer="mean"))
    run = imported(tmp_path, str(tmp_path / "logs"))
    row = run.deltas.filter(metric="accuracy").row(0, named=True)
    assert [row[name] for name in ("clean", "value", "drop", "n")] == pytest.approx([50, 25, 25, 40])
    assert any("mean score" in note for note in run.manifest["notes"])
    assert robust_xtreme.load(tmp_path / "run").predictions["prediction"].null_count() == 80
    for epoch, levels in ((1, (75.0, 50.0)), (3, (25.0, 0.0))):
        one = imported(tmp_path, str(tmp_path / "logs"), "--epoch", str(epoch), "--force")
        assert one.deltas.filter(metric="accuracy").select("clean", "value").row(0) == levels
        assert any(f"number {epoch}" in note for note in one.manifest["notes"])
        assert robust_xtreme.load(tmp_path / "run").predictions["prediction"].null_count() == 0
    assert "no epoch 4" in refused(str(tmp_path / "logs"), "--epoch", "4")
    header = {"status": "success", "eval": {"model": "hf/tiny", "task": "rx"}}
    (tmp_path / "a.json").write_text(json.dumps({**header, "samples": [*clean, *noisy]}), encoding="utf-8")
    again = imported(tmp_path, str(tmp_path / "a.json"), "--force")
    same = ("metric", "clean", "value", "low", "high")
    assert again.deltas.select(same).equals(run.deltas.select(same))


@pytest.mark.usefixtures("no_pages")
def test_unequal_numbers_of_epochs_are_said(tmp_path: Path) -> None:
    """Of conditions, and of samples of one; of one epoch that is chosen nothing is to be said."""
    rows = [judged(number, 0.5) | {"epoch": epoch} for epoch in (1, 2, 3) for number in range(20)]
    paths = [log(tmp_path / "a.eval", rows[:-1]), log(tmp_path / "b.eval", rows[:20])]
    words = [f"{paths[0]}=clean", f"{paths[1]}=asr", "--tasks", "mine", "-l", "sw", "--score", "f1"]
    line = "unequal"
    for more, said in (((), 1), (("--epoch", "1"), 0)):
        notes = imported(tmp_path, *words, *more, "--force").manifest["notes"]
        assert sum(line in note for note in notes) == said == sum("unequal" in note for note in notes)


@pytest.mark.usefixtures("no_pages")
def test_levels_of_epochs_are_compared_where_they_are_means(tmp_path: Path) -> None:
    """Another level is refused with both; of the best of two epochs nothing is computed here."""
    words = ("--condition", "clean", "-l", "sw")
    for more, line in (({}, "75.00"), ({"reducer": "max"}, "")):
        path = log(tmp_path / "a.eval", epochs((30, 10), "clean"), results=stated(0.75, **more))
        if line:
            assert line in refused(str(path), *words)
            assert line in refused(str(path), *words, "--epoch", "1")
        else:
            assert imported(tmp_path, str(path)).scores.filter(metric="accuracy")["value"].to_list() == [50.0]


def judged(number: int, f1: float | None) -> dict[str, Any]:
    """A sample with a score that is a dictionary, of which one is no share; None: the scorer gave none."""
    value = math.nan if f1 is None else {"f1": f1, "length": 57}
    return answered(number, True, "clean", scores={"judge": {"value": value}}, choices=None, metadata={})


def pair(tmp_path: Path, clean: Sequence[float | None], noisy: Sequence[float | None], *stated: float) -> list[str]:
    """Logs of such samples, clean and noisy, whose results state their means, and the words that import them."""
    for name, values, level in zip(("clean", "noisy"), (clean, noisy), stated, strict=True):
        results = {"scores": [{"name": "f1", "scorer": "judge", "metrics": {"mean": {"value": level}}}]}
        rows = [judged(*each) for each in enumerate(values)]
        log(tmp_path / f"{name}.eval", rows, results={"completed_samples": len(rows), **results})
    return [f"{tmp_path}/clean.eval=clean", f"{tmp_path}/noisy.eval=asr", "--tasks", "mine", "-l", "sw"]


@pytest.mark.usefixtures("no_pages")
def test_a_score_of_a_dictionary_is_named(tmp_path: Path) -> None:
    """Without a name, or with another, the names are said; its level is compared."""
    words = pair(tmp_path, [0.75] * 30, [0.5] * 30, 0.75, 0.5)
    assert "--score f1" in refused(*words)
    assert "'f2'" in refused(*words, "--score", "f2")
    assert "57" in refused(*words, "--score", "f1,length")
    for name in ("f1", "judge.f1"):
        run = imported(tmp_path, *words, "--score", name, "--force")
        assert run.deltas.select("metric", "clean", "drop").rows() == [(f"given/{name}", 75.0, 25.0)]
    words = pair(tmp_path, [0.75] * 30, [0.5] * 30, 0.75, 0.7)
    for name in ("f1", "judge.f1"):
        assert "70.00" in refused(*words, "--score", name)


@pytest.mark.usefixtures("no_pages")
def test_unscored_samples_are_left_out_under_every_condition(tmp_path: Path) -> None:
    """NaN in a dictionary or instead of one: counted and said, and the level is that of the others."""
    words = pair(tmp_path, [1.0] * 24 + [0.0] * 6, [None] * 6 + [math.nan] + [0.5] * 23, 0.8, 0.5)
    run = imported(tmp_path, *words, "--score", "f1")
    assert run.deltas.select("n", "clean", "value").row(0) == (23, pytest.approx(100 * 17 / 23), 50.0)
    assert any("14 rows" in note for note in run.manifest["notes"])
    for values in (([None] * 3, [0.5] * 3), ([None] * 3, [math.nan] * 3)):
        words = pair(tmp_path, *values, math.nan, math.nan)
        assert "NaN" in refused(*words, "--score", "f1")


@pytest.mark.usefixtures("no_pages")
def test_data_that_lost_examples_have_an_identity_of_their_own(tmp_path: Path) -> None:
    """Those of exported samples are named by the export; other data keep their names."""
    rows = both()
    rows[5]["scores"]["choice"]["value"] = math.nan
    run = imported(tmp_path, str(log(tmp_path / "a.eval", rows)))
    assert run.deltas.select("n", "clean", "value").row(0) == (
        59,
        pytest.approx(100 * 44 / 59),
        pytest.approx(2900 / 59),
    )
    assert (
        run.deltas.item(0, "data")
        != "abc"
        == imported(tmp_path, str(log(tmp_path / "a.eval", both())), "--force").deltas.item(0, "data")
    )


@pytest.mark.usefixtures("no_pages")
def test_epochs_that_are_not_scored_do_not_count(tmp_path: Path) -> None:
    """As inspect reduces them: the mean of those that are."""
    rows = epochs((40, 40), "clean")
    for row in rows[:40]:
        row["scores"]["choice"]["value"] = math.nan
    run = imported(tmp_path, str(log(tmp_path / "a.eval", rows, results=stated(1.0))))
    assert run.scores.filter(metric="accuracy").select("value", "n").row(0) == (100.0, 40)


def test_options_of_a_harness_are_for_its_logs(tmp_path: Path) -> None:
    """Epochs and scores are those of inspect."""
    path = written_lines(tmp_path / "rows.jsonl", items())
    for words in (("--epoch", "2"), ("--score", "f1")):
        assert "jsonl" in refused(path, *words)


@pytest.mark.usefixtures("no_pages")
def test_each_model_of_logs_becomes_a_run(tmp_path: Path) -> None:
    """Of inspect, with ways of answering of their own, and of JSON lines."""
    for model, right, way in (("hf/a", 45, {}), ("hf/b", 15, {"temperature": 1})):
        evaluation = {"model": model, "task": "rx", "model_generate_config": way}
        log(tmp_path / "logs" / f"{model[-1]}.eval", both(right), eval=evaluation)
    assert "--each-model" in refused(str(tmp_path / "logs"))
    lines = [row | {"model": model} for model, right in (("a", 45), ("b", 15)) for row in items(right={"clean": right})]
    for path in (tmp_path / "logs", Path(written_lines(tmp_path / "rows.jsonl", lines))):
        out = tmp_path / "runs" / path.stem
        ended = program("import", str(path), "--each-model", "-o", str(out))
        assert (ended.code or 0) == 0, ended.err
        levels = [
            finished(folder).scores.filter(condition="clean", metric="accuracy")["value"].item()
            for folder in sorted(out.iterdir())
        ]
        assert levels == [75.0, 25.0]
