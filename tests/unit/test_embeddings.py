"""Vectors on disk: the same bytes however often the work was killed, and whatever is wrong with them is made good."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from tests.embedded import CHUNK, COUNT, DIM, KEY, SIZE, Array, Embedding, Work, embedding, place, rows

from robust_xtreme.errors import DiskError, RobustXtremeError
from robust_xtreme.evaluation import embeddings
from robust_xtreme.evaluation.embeddings import CHUNKS, dtype_for, embedded, key_of
from robust_xtreme.families._family import NotFinite


@pytest.fixture
def work(cache: Path) -> Work:
    """Work with a cache that does not exist yet."""
    return Work(cache)


def test_what_was_computed_is_not_computed_again(work: Work, cache: Path) -> None:
    """The second time the same bytes are mapped, read-only."""
    first = work.run()
    assert work.asked == list(range(0, COUNT, CHUNK))
    again = work.run()
    assert (work.asked, work.told) == ([], [])
    assert (first.shape, first.dtype, type(again)) == ((COUNT, DIM), np.float32, np.memmap)
    assert not again.flags.writeable
    assert (place(cache) / "vectors.bin").read_bytes() == rows(0, COUNT).tobytes()


def test_float16_is_stored_as_it_is(cache: Path) -> None:
    """Rows are cast to the type asked for, and stand so in the file."""
    found = embedded(cache, KEY, COUNT, DIM, np.float16, rows, CHUNK)
    assert found.dtype == np.float16
    assert (place(cache) / "vectors.bin").read_bytes() == rows(0, COUNT).astype(np.float16).tobytes()


def _embedding(cache: Path) -> Embedding:
    return embedding(cache, seconds=0.005, count=640, chunk=16)


def test_a_killed_process_loses_at_most_a_chunk(tmp_path: Path) -> None:
    """`kill -9` three times in the middle: finished chunks are not computed again, the bytes are those of one go."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert [*_embedding(whole).rows()] == list(range(0, 640, 16))
    reached = -16
    for turn in range(3):
        process = _embedding(broken)
        begun = [*process.rows(8 + turn)]
        time.sleep(0.002 * turn)
        process.kill()
        assert begun[0] in (reached, reached + 16)
        reached = [*begun, *process.rows()][-1]
    resumed = [*_embedding(broken).rows()]
    assert (resumed[0] in (reached, reached + 16), resumed[-1]) == (True, 624)
    for name in ("vectors.bin", CHUNKS, "header.json"):
        assert (place(whole) / name).read_bytes() == (place(broken) / name).read_bytes()


def _flipped(folder: Path) -> None:
    data = bytearray((folder / "vectors.bin").read_bytes())
    data[CHUNK * DIM * 4 * 3 + 5] ^= 1
    (folder / "vectors.bin").write_bytes(data)


def _truncated(folder: Path) -> None:
    os.truncate(folder / "vectors.bin", SIZE - 3)


def _lengthened(folder: Path) -> None:
    with (folder / "vectors.bin").open("ab") as file:
        file.write(b"more")


def _checksum(folder: Path) -> None:
    data = (folder / CHUNKS).read_bytes()
    (folder / CHUNKS).write_bytes(data[:70] + b"\xff" + data[71:])


def _lost(folder: Path) -> None:
    (folder / "vectors.bin").unlink()


def _header(folder: Path) -> None:
    (folder / "header.json").write_bytes(b"\xff{")


@pytest.mark.parametrize(
    ("damage", "again"),
    [
        (_flipped, [30]),
        (_truncated, [100]),
        (_lengthened, []),
        (_checksum, [20]),
        (_lost, list(range(0, COUNT, CHUNK))),
        (_header, list(range(0, COUNT, CHUNK))),
    ],
)
def test_damage_is_noticed_told_once_and_made_good(
    work: Work, cache: Path, damage: Callable[[Path], None], again: list[int]
) -> None:
    """A flipped byte, a cut or lengthened file, a wrong checksum or header: only what is wrong is computed again."""
    work.run()
    damage(place(cache))
    work.run()
    assert work.asked == again
    assert len(work.told) == 1
    assert "were damaged; what is wrong in them is computed again" in work.told[0]
    assert (place(cache) / "vectors.bin").read_bytes() == rows(0, COUNT).tobytes()
    work.run()
    assert (work.asked, len(work.told)) == ([], 1)


def test_damage_under_a_reader_costs_a_temporary_file(work: Work, cache: Path) -> None:
    """What another process has mapped is not written: the vectors are computed beside it."""
    held = work.run()
    _flipped(place(cache))
    work.run()
    assert len(work.asked) == len(range(0, COUNT, CHUNK))
    assert len(work.told) == 1
    del held


def test_other_chunks_are_other_bytes(work: Work) -> None:
    """What was made in other chunks is computed anew: a batch can change the last bits of a vector."""
    work.run()
    work.run(chunk=25)
    assert work.asked == [0, 25, 50, 75, 100]
    work.run(chunk=25)
    assert (work.asked, work.told) == ([], [])


def _full(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """A disk that takes so many bytes more."""
    write, left = embeddings._write, [after]

    def limited(file: IO[bytes], data: bytes | memoryview, offset: int) -> None:
        left[0] -= len(data)
        if left[0] < 0:
            write(file, memoryview(data)[: len(data) // 2], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(file, data, offset)

    monkeypatch.setattr(embeddings, "_write", limited)


def test_a_full_disk_is_one_line_and_keeps_what_is_there(
    work: Work, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the folder and what to do; the next run goes on where the disk was full."""
    with monkeypatch.context() as patch:
        _full(patch, 1500)
        with pytest.raises(
            DiskError, match=r"No space left.* Free some space, or name .* ROBUST_XTREME_CACHE"
        ) as error:
            work.run()
    assert str(place(cache)) in str(error.value)
    assert "\n" not in str(error.value)
    reached = work.asked[-1]
    assert reached > 0
    work.run()
    assert (work.asked[0], work.told) == (reached, [])


def test_a_full_disk_for_temporary_files_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a cache the line names TMPDIR."""
    _full(monkeypatch, 500)
    with pytest.raises(DiskError, match="Free some space, or name another folder with TMPDIR"):
        Work(None).run()


def test_a_vector_that_is_no_number_is_named(cache: Path) -> None:
    """NaN, and what float16 cannot hold; chunks before it stay."""
    wrong = rows(0, COUNT)
    for row, value, dtype in ((57, np.nan, np.float32), (33, 1e6, np.float16)):
        wrong[row, 2] = value
        with pytest.raises(NotFinite, match=f"The vector of row {row} holds NaN or a number too large for") as error:
            embedded(cache, key_of(str(row)), COUNT, DIM, dtype, lambda start, stop: wrong[start:stop], CHUNK)
        assert "\n" not in str(error.value)


def test_rows_of_a_wrong_shape_are_refused(cache: Path) -> None:
    """What computes them is at fault."""
    with pytest.raises(RobustXtremeError, match=r"The vectors from row 0 on have the shape \(103, 6\), not \(10, 6\)"):
        embedded(cache, KEY, COUNT, DIM, np.float32, lambda _start, _stop: rows(0, COUNT), CHUNK)


def test_an_error_of_the_model_is_its_own(cache: Path) -> None:
    """An OSError of what computes is not taken for one of the disk."""

    def failing(start: int, stop: int) -> Array:
        raise FileNotFoundError("no weights")

    with pytest.raises(FileNotFoundError, match="no weights"):
        embedded(cache, KEY, COUNT, DIM, np.float32, failing, CHUNK)


@pytest.mark.parametrize("shape", [(0, 6), (5, 0)])
def test_no_rows_need_no_file(cache: Path, shape: tuple[int, int]) -> None:
    """An empty pool is an empty array."""
    assert embedded(cache, KEY, *shape, np.float32, rows, CHUNK).shape == shape
    assert not cache.exists()


def test_keys_tell_parts_apart() -> None:
    """The same letters in other parts are another key."""
    assert len({key_of("ab", "c"), key_of("a", "bc"), key_of("abc"), key_of("abc", ""), key_of()}) == 5
    assert len(KEY) == 32


def test_half_precision_begins_above_a_gibibyte() -> None:
    """float32 as long as it takes no more than 1 GiB."""
    assert dtype_for(1 << 18, 1 << 10) == np.float32
    assert dtype_for((1 << 18) + 1, 1 << 10) == np.float16


def test_the_header_says_what_the_file_is(work: Work, cache: Path) -> None:
    """Shape, type and chunk, by name."""
    work.run()
    header = json.loads((place(cache) / "header.json").read_text())
    assert header == {"version": 1, "count": COUNT, "dim": DIM, "dtype": "<f4", "chunk": CHUNK}
