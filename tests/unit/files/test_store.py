"""Files appear whole or not at all, and contain the same bytes for the same rows."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robust_xtreme.core.errors import DataError, DiskError, Locked, Mismatch, RobustXtremeError
from robust_xtreme.files import new_files, store
from robust_xtreme.files.schema import CELL, MODELS, SCHEMA_VERSION, STATS, build
from robust_xtreme.files.store import coded
from robust_xtreme.stats.merging import merged


def _stats(count: int) -> pl.DataFrame:
    cell = {**dict.fromkeys(CELL, "x"), "setting": "zero_shot", "cluster": "0", "fingerprint": "f"}
    measure = {"metric": "accuracy", "scope": "all"}
    return build(
        [{**cell, **measure, "noise_seed": i % 3, "example": f"مثال {i}", "stats": [i / 7, 1.0]} for i in range(count)],
        STATS,
    )


def _models() -> pl.DataFrame:
    rows = [
        {"model": "b", "identity": "1", "diversity": 0.1 + 0.2, "params": 5, "stages": '[{"kind": "target, one"}]'},
        {"model": 'a "quoted"\nname', "identity": "2", "diversity": -0.0},
    ]
    return build(rows, MODELS)


def test_parquet_bytes_depend_on_the_rows_alone(tmp_path: Path) -> None:
    """The same rows in another order and in other chunks give the same bytes."""
    data = _stats(500)
    shuffled = pl.concat([data[300:], data[:20], data[20:300]], rechunk=False)
    store.write_frame(tmp_path / "a.parquet", data, STATS)
    store.write_frame(tmp_path / "b.parquet", shuffled, STATS)
    assert store.sha256(tmp_path / "a.parquet") == store.sha256(tmp_path / "b.parquet")
    assert store.read_frame(tmp_path / "b.parquet", STATS).equals(store.canonical(data, STATS))


def test_strings_of_an_enum_are_read_as_strings(tmp_path: Path) -> None:
    """Odd names of values, and an empty one: a file is in the order of the strings, and is read as strings."""
    ids = ["", " ", "a,b;c", 'a"\n', "é", "\ue000", "𝔸", "Z" * 300]
    rows = pl.concat([_stats(1)] * len(ids)).with_columns(example=pl.Series(ids), cluster=pl.Series(ids[::-1]))
    enums = rows.with_columns(
        coded(rows[name].to_list()).alias(name) for name in (*CELL, "example", "cluster", "metric")
    )
    path, expected = tmp_path / "part.parquet", store.canonical(rows, STATS)
    store.write_frame(path, enums[::-1], STATS)
    assert isinstance(store.scan_coded(path).collect_schema()["example"], pl.Enum)
    for read in (store.read_frame(path, STATS), store.scan(path).collect(), *merged([path], STATS)):
        assert read.equals(expected)
    assert expected.get_column("example").to_list() == sorted(ids)


def test_rows_are_sorted_by_the_whole_key() -> None:
    """The order is that of the key's columns one after another, strings by code points, for any number of rows."""
    data = pl.concat([_stats(40).with_columns(metric=pl.lit(name)) for name in ("b", "Z", "é")])
    for part in (data, data[:1], data[:0]):
        assert store.canonical(part, STATS).equals(part.sort(STATS.key))


def test_csv_reads_back_as_it_was_and_writes_the_same_bytes_again(tmp_path: Path) -> None:
    """Floats, nulls, quotes and line breaks survive CSV, and the bytes are stable."""
    store.write_frame(tmp_path / "a.csv", _models(), MODELS)
    back = store.read_frame(tmp_path / "a.csv", MODELS)
    assert back.equals(store.canonical(_models(), MODELS))
    store.write_frame(tmp_path / "b.csv", back, MODELS)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert b"-0.0" not in (tmp_path / "a.csv").read_bytes()


@given(
    st.lists(
        st.tuples(st.text(), st.floats(min_value=0, allow_infinity=False), st.text(min_size=1) | st.none()),
        unique_by=lambda row: row[0],
    )
)
def test_any_text_and_any_number_survive_csv(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    """Whatever names and notes contain (quotes, commas, control characters) reads back, and floats to the last bit."""
    path = tmp_path_factory.mktemp("csv") / "m.csv"
    named = [{"model": name, "identity": "i", "diversity": value, "recipe": note} for name, value, note in rows]
    data = build(named, MODELS)
    store.write_frame(path, data, MODELS)
    assert store.read_frame(path, MODELS).equals(store.canonical(data, MODELS))


def test_json_is_canonical(tmp_path: Path) -> None:
    """JSON has sorted keys whatever the order given, and refuses NaN."""
    store.write_json(tmp_path / "m.json", {"b": 1, "a": ["ü"]})
    assert (tmp_path / "m.json").read_text() == '{\n "a": [\n  "ü"\n ],\n "b": 1\n}\n'
    assert store.read_json(tmp_path / "m.json") == {"a": ["ü"], "b": 1}
    with pytest.raises(ValueError, match="JSON compliant"):
        store.write_json(tmp_path / "m.json", float("nan"))


def test_a_frame_of_another_kind_is_not_written(tmp_path: Path) -> None:
    """Writing validates first: nothing appears where the data are wrong."""
    with pytest.raises(RobustXtremeError):
        store.write_frame(tmp_path / "a.parquet", _models(), STATS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EFBIG])
@pytest.mark.parametrize("point", ["created", "sync", "replace", "sync_folder"])
def test_a_full_or_closed_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, point: str
) -> None:
    """A write that the disk refuses raises DiskError naming the file; no half-written file stays after."""

    def fail(*_: object) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(new_files, point, fail)
    with pytest.raises(DiskError, match=r"m\.json") as raised:
        store.write_json(tmp_path / "m.json", {})
    assert "\n" not in str(raised.value)
    assert ("ulimit -f" in str(raised.value)) == (code == errno.EFBIG)
    assert not list(tmp_path.glob(".*"))


def test_an_interrupt_inside_a_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C at the last step leaves the old content, and no temporary file."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    store.write_text(tmp_path / "page.md", "old")
    monkeypatch.setattr(new_files, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.write_text(tmp_path / "page.md", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["page.md"]
    assert (tmp_path / "page.md").read_text() == "old"


def test_an_interrupt_as_soon_as_a_file_is_there_removes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything of the block that writes it has run."""

    def interrupted(path: Path) -> None:
        path.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(new_files, "created", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.write_text(tmp_path / "page.md", "new")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_a_disk_error(tmp_path: Path) -> None:
    """Writing into a folder that is not there, or below a file, is one line."""
    with pytest.raises(DiskError, match="cannot be written"):
        store.write_text(tmp_path / "none" / "a.txt", "")
    store.write_text(tmp_path / "file", "")
    with pytest.raises(DiskError, match="cannot be written"):
        store.make_folder(tmp_path / "file" / "below")


@pytest.mark.parametrize("names", [("../..", "etc"), ("/", "x"), ("",), ("a" * 999,), (".", "..")])
def test_a_part_file_is_in_its_folder(tmp_path: Path, names: tuple[str, ...]) -> None:
    """No name of a model, task or language leads out of the folder or makes a name too long."""
    path = store.part_path(tmp_path, *names)
    assert path.parent == tmp_path
    path.write_bytes(b"")
    assert path.resolve().parent == tmp_path.resolve()


def test_different_blocks_have_different_part_files(tmp_path: Path) -> None:
    """Names that read alike once made safe still differ."""
    assert store.part_path(tmp_path, "a", "b") != store.part_path(tmp_path, "a-b")
    assert store.part_path(tmp_path, "a/b") != store.part_path(tmp_path, "a?b")


@pytest.mark.process
def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    """While one process holds the lock of a folder, another is refused with one line; afterwards it gets the lock."""
    code = "import sys; from pathlib import Path; from robust_xtreme.files import store\n"
    code += "with store.lock(Path(sys.argv[1])): pass"
    with store.lock(tmp_path):
        with pytest.raises(Locked, match="Another run"), store.lock(tmp_path):
            pass
        refused = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert "Another run" in refused.stderr
    with store.lock(tmp_path):
        pass


def test_another_schema_version_is_a_mismatch(tmp_path: Path) -> None:
    """A file of another version, or of none, is refused with what to do."""
    _models().write_parquet(tmp_path / "m.parquet")
    with pytest.raises(Mismatch, match="no schema version"):
        store.read_frame(tmp_path / "m.parquet", MODELS)
    store.write_frame(tmp_path / "m.csv", _models(), MODELS)
    text = (tmp_path / "m.csv").read_text().replace(f"\n{SCHEMA_VERSION},", "\n99,")
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(Mismatch, match="schema version 99"):
        store.read_frame(tmp_path / "m.csv", MODELS)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "is empty"),
        (b"a,b\n", "other columns"),
        (b"\xff\xfe", "UTF-8"),
        (b"HEADER\nVERSION,m\n", "2 values"),
        (b"HEADER\nVERSION,m,i,,,,,many,,,,,,,,,,,,\n", "many"),
    ],
)
def test_a_malformed_csv_is_named_with_its_line(tmp_path: Path, content: bytes, named: str) -> None:
    """What cannot be read is a DataError that names the file and the line."""
    header = ",".join(["schema_version", *MODELS.columns]).encode()
    (tmp_path / "m.csv").write_bytes(content.replace(b"HEADER", header).replace(b"VERSION", b"%d" % SCHEMA_VERSION))
    with pytest.raises(DataError, match=named):
        store.read_frame(tmp_path / "m.csv", MODELS)


def test_signs_of_patterns_in_a_path_are_only_signs(tmp_path: Path) -> None:
    """A folder may be called `a[1]`: it is read itself, and never a folder that a pattern would find."""
    for name, wanted in (("a[1]", 1), ("a1", 2), ("b*", 1), ("b2", 2), ("c?", 1)):
        folder = store.make_folder(tmp_path / name)
        store.write_frame(folder / "x.parquet", _stats(wanted), STATS)
    for name in ("a[1]", "b*", "c?"):
        assert store.read_frame(tmp_path / name / "x.parquet", STATS).height == 1


def test_unreadable_files_are_data_errors(tmp_path: Path) -> None:
    """Missing and malformed parquet, CSV and JSON files are one line each."""
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 not")
    (tmp_path / "bad.json").write_text("{")
    for name in ("bad.parquet", "none.parquet", "none.csv"):
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            store.read_frame(tmp_path / name, STATS)
    for name in ("bad.json", "none.json"):
        with pytest.raises(DataError, match=name.replace(".", r"\.")):
            store.read_json(tmp_path / name)
    with pytest.raises(DataError, match="cannot be read"):
        store.sha256(tmp_path / "none")


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_file_that_may_never_end_is_not_opened(tmp_path: Path, kind: str) -> None:
    """A pipe, and a link to a device, are each one line that says so."""
    for suffix in ("json", "csv", "parquet"):
        path = tmp_path / f"a.{suffix}"
        os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
        with pytest.raises(DataError, match="pipe"):
            store.sha256(path)
        with pytest.raises(DataError, match="device"):
            store.read_json(path) if suffix == "json" else store.read_frame(path, STATS)


def test_few_bytes_of_many_rows_are_not_read(tmp_path: Path) -> None:
    """A row that is repeated a million times takes next to nothing in a file, and gigabytes when it is read."""
    path = tmp_path / "stats.parquet"
    _stats(1).select(pl.all().repeat_by(1_000_000).explode()).write_parquet(
        path, metadata={"schema_version": str(SCHEMA_VERSION)}
    )
    for read in (lambda: store.read_frame(path, STATS), lambda: store.scan_frame(path)):
        with pytest.raises(DataError, match="16,000,000"):
            read()


def test_completeness_is_presence(tmp_path: Path) -> None:
    """A part is complete once it is there."""
    path = store.part_path(tmp_path, "m", "xnli", "sw", suffix=".json")
    assert not path.is_file()
    store.write_json(path, {"rows": 1})
    assert path.is_file()
    assert json.loads(path.read_text()) == {"rows": 1}
