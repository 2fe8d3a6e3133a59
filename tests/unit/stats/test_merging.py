"""Parts of a run are merged into one file in the order of its key, with the same bytes whatever the parts are."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from tests.stats_rows import stats_rows

from robust_xtreme.core.errors import DataError, DiskError, Mismatch
from robust_xtreme.files import store
from robust_xtreme.files.journal import Journal
from robust_xtreme.files.schema import STATS, build
from robust_xtreme.stats import merging
from robust_xtreme.stats.merging import blocks, merged

ROWS = 7


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows at a time, and in a row group."""
    monkeypatch.setattr(merging, "_ROWS", 3)
    monkeypatch.setattr(store, "_ROW_GROUP", ROWS)
    monkeypatch.setattr(store, "_PARQUET", {**store._PARQUET, "row_group_size": ROWS})


def _part(folder: Path, language: str, count: int = 5) -> tuple[Path, pl.DataFrame]:
    """The STATS of a task run: those of a model, of chance and of a shallow predictor."""
    rows = [
        row
        for model in ("m", "chance/majority", "shallow/words")
        for row in stats_rows([True] * count, model=model, language=language, context_language=language)
    ]
    path, data = folder / f"{language}.parquet", build(rows, STATS)
    store.write_frame(path, data, STATS)
    return path, data


def test_rows_of_parts_are_in_the_order_of_the_key(tmp_path: Path) -> None:
    """Rows of chance come before those of models, language by language, as if all rows were sorted at once."""
    paths, frames = zip(*(_part(tmp_path, code) for code in ("sw", "de", "en")), strict=True)
    assert pl.concat(merged(paths, STATS)).equals(store.canonical(pl.concat(frames), STATS))


def test_rows_of_two_parts_can_alternate(tmp_path: Path) -> None:
    """Parts of one model, task and language are sorted together, and a row that both have is named."""
    path, data = _part(tmp_path, "sw")
    halves = [tmp_path / "odd.parquet", tmp_path / "even.parquet"]
    for half, rest in zip(halves, (0, 1), strict=True):
        store.write_frame(half, data.filter(pl.col("example").str.slice(-1).cast(pl.Int64) % 2 == rest), STATS)
    assert pl.concat(merged(halves, STATS)).equals(store.canonical(data, STATS))
    with pytest.raises(Mismatch, match="occurs twice"):
        list(merged([path, halves[0]], STATS))


def test_blocks_are_consecutive_rows_of_one_model_and_language(tmp_path: Path) -> None:
    """A block has all rows with the same first columns of the key, however many are read at a time."""
    path, data = _part(tmp_path, "sw")
    parts = [*blocks(store.scan(path))]
    assert [block.key[0] for block in parts] == ["chance/majority", "m", "shallow/words"]
    assert pl.concat([block.rows.collect() for block in parts]).equals(store.canonical(data, STATS))


def test_a_merged_file_has_the_bytes_of_one_that_is_written_at_once(tmp_path: Path) -> None:
    """Several row groups, whose edges are not those of the chunks, give the bytes that all rows at once give."""
    data = store.canonical(_part(tmp_path, "sw", count=11)[1], STATS)
    store.write_frame(tmp_path / "at once.parquet", data, STATS)
    for cuts in ((0, 33), (0, 1, 2, 33), (0, 7, 14, 33), (0, 0, 20, 20, 33)):
        chunks = [data[start:stop] for start, stop in pairwise(cuts)]
        (tmp_path / "merged.parquet").unlink(missing_ok=True)
        store.write_sorted(tmp_path / "merged.parquet", chunks, STATS)
        assert (tmp_path / "merged.parquet").read_bytes() == (tmp_path / "at once.parquet").read_bytes()
    assert store.read_frame(tmp_path / "merged.parquet", STATS).equals(data)


def test_a_disk_that_is_full_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What polars cannot write is a DiskError, and nothing is left of the file."""
    rows = _part(tmp_path, "sw")[1]
    monkeypatch.setattr(store, "created", lambda _: io.FileIO("/dev/full", "w"))
    with pytest.raises(DiskError, match="No space left"):
        Journal(tmp_path).write_by(tmp_path / "stats.parquet", lambda tmp: store.write_sorted(tmp, [rows], STATS))
    assert not (tmp_path / "stats.parquet").exists()


def test_too_many_open_files_are_not_a_damaged_part(tmp_path: Path) -> None:
    """The limit is named, not the file that happened to be read."""
    with (
        pytest.raises(DiskError, match="ulimit"),
        store.reading(tmp_path / "sw.parquet"),
    ):
        raise pl.exceptions.ComputeError(f"Too many open files (os error 24): {tmp_path}/sw.parquet")


def test_a_part_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A damaged part is a DataError with its path, also while the merged file is written."""
    path, _ = _part(tmp_path, "sw")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"sw\.parquet"):
        store.write_sorted(tmp_path / "merged.parquet", merged([path], STATS), STATS)
