"""Vectors in the cache: the same bytes however often the work was killed, and damage costs only what is damaged."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from tests.embedded import CHUNK, COUNT, DIM, KEY, ROOM, SIZE, Array, Embedding, Work, embedding, rows

from robust_xtreme.core.errors import DiskError, NotFinite, RobustXtremeError
from robust_xtreme.files.cache import Cache, clear, info
from robust_xtreme.models.retrieval.embeddings import dtype_for, embedded, key_of

CHUNKS: Final = list(range(0, COUNT, CHUNK))
NAME: Final = "cache-v1.sqlite3"


@pytest.fixture
def work(cache: Path) -> Work:
    """Work with a cache that does not exist yet."""
    return Work(cache)


def test_what_was_computed_is_not_computed_again(work: Work) -> None:
    """The second time the same bytes are mapped, read-only, also while the first map is in use."""
    first = work.run()
    assert work.asked == CHUNKS
    again = work.run()
    assert (work.asked, work.messages) == ([], [])
    assert (first.shape, first.dtype, type(again)) == ((COUNT, DIM), np.float32, np.memmap)
    assert not again.flags.writeable
    assert first.tobytes() == again.tobytes() == rows(0, COUNT).tobytes()


def test_float16_is_stored_as_it_is(cache: Path) -> None:
    """Rows are cast to the type asked for, and other types are other entries."""
    with closing(Cache(cache, ROOM, lambda line: pytest.fail(line))) as kept:
        for dtype in (np.float16, np.float32, np.float16):
            vectors = embedded(kept, KEY, (COUNT, DIM), dtype, rows, CHUNK)
            assert vectors.dtype == dtype
            assert vectors.tobytes() == rows(0, COUNT).astype(dtype).tobytes()


def _embedding(cache: Path) -> Embedding:
    return embedding(cache, seconds=0.005, count=640, chunk=16)


def test_a_killed_process_loses_at_most_a_chunk(tmp_path: Path) -> None:
    """`kill -9` in the middle: finished chunks are not computed again, and the bytes are those of one go."""
    process = _embedding(tmp_path)
    begun = [*process.rows(9)]
    time.sleep(0.002)
    process.kill()
    reached = [*begun, *process.rows()][-1]
    resumed = [*_embedding(tmp_path).rows()]
    assert (resumed[0] in (reached, reached + 16), resumed[-1]) == (True, 624)
    work = Work(tmp_path, 640)
    work.run(chunk=16)
    assert (work.asked, work.messages) == ([], [])


def test_two_processes_at_once_share_their_chunks(tmp_path: Path) -> None:
    """Neither fails, what either computed is there for the next, and neither computes what the other does."""
    processes = [_embedding(tmp_path) for _ in range(2)]
    computed = [[*process.rows()] for process in processes]
    for process in processes:
        process.process.join(60)
        assert process.process.exitcode == 0
    assert sorted([*computed[0], *computed[1]]) == list(range(0, 640, 16))
    work = Work(tmp_path, 640)
    work.run(chunk=16)
    assert (work.asked, work.messages) == ([], [])


@pytest.mark.parametrize("change", ["value = zeroblob(length(value))", "checksum = zeroblob(8)", "value = x'00'"])
def test_a_damaged_chunk_is_computed_again(work: Work, cache: Path, change: str) -> None:
    """Other bytes, fewer bytes or a wrong checksum cost that chunk only, which is replaced."""
    work.run()
    with closing(sqlite3.connect(cache / NAME)) as db, db:
        db.execute(f"UPDATE entries SET {change} WHERE key = (SELECT max(key) FROM entries)")
    work.run()
    assert len(work.asked) == 1
    work.run()
    assert (work.asked, work.messages) == ([], [])


def test_a_damaged_database_costs_one_line(work: Work, cache: Path) -> None:
    """All chunks are computed again, and kept in a new database."""
    work.run()
    (cache / NAME).write_bytes(b"not a database" * 1000)
    work.run()
    assert (work.asked, len(work.messages)) == (CHUNKS, 1)
    assert "was damaged" in work.messages[0]
    work.run()
    assert (work.asked, len(work.messages)) == ([], 1)


def test_other_chunks_are_other_bytes(work: Work) -> None:
    """What was made in other chunks is computed again: a batch can change the last bits of a vector."""
    work.run()
    work.run(chunk=25)
    assert work.asked == [0, 25, 50, 75, 100]
    work.run(chunk=25)
    assert (work.asked, work.messages) == ([], [])


@pytest.mark.parametrize("cached", [True, False])
def test_a_full_disk_is_one_line_and_keeps_what_is_there(
    work: Work, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the folder and what to do; the next run continues where the disk was full."""
    work.folder = work.folder if cached else None
    opened = tempfile.TemporaryFile

    class Full:
        """A file on a disk that takes 600 bytes more."""

        def __init__(self, **options: Any) -> None:
            self._file, self._left = opened(**options), 600

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: object) -> None:
            self._file.close()

        def write(self, data: bytes) -> None:
            self._left -= len(data)
            if self._left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", Full)
        with pytest.raises(DiskError, match="ROBUST_XTREME_CACHE or TMPDIR") as error:
            work.run()
    assert str(work.folder or tempfile.gettempdir()) in str(error.value)
    assert "\n" not in str(error.value)
    reached = work.asked[-1] + CHUNK
    work.run()
    assert (work.asked[0], work.messages) == (reached if cached else 0, [])


def test_a_vector_that_is_not_a_number_is_named(cache: Path) -> None:
    """NaN, and what float16 cannot represent."""
    wrong = rows(0, COUNT)
    for row, value, dtype in ((57, np.nan, np.float32), (33, 1e6, np.float16)):
        wrong[row, 2] = value
        with pytest.raises(NotFinite, match=f"row {row} contains NaN") as error:
            embedded(None, key_of(str(row)), (COUNT, DIM), dtype, lambda start, stop: wrong[start:stop], CHUNK)
        assert "\n" not in str(error.value)


def test_rows_of_a_wrong_shape_are_refused() -> None:
    """What computes them is at fault."""
    with pytest.raises(RobustXtremeError, match=r"\(103, 6\)"):
        embedded(None, KEY, (COUNT, DIM), np.float32, lambda _start, _stop: rows(0, COUNT), CHUNK)


def test_an_error_of_the_model_is_its_own() -> None:
    """An OSError of what computes is not taken for one of the disk."""

    def failing(start: int, stop: int) -> Array:
        raise FileNotFoundError("no weights")

    with pytest.raises(FileNotFoundError, match="no weights"):
        embedded(None, KEY, (COUNT, DIM), np.float32, failing, CHUNK)


@pytest.mark.parametrize("shape", [(0, 6), (5, 0)])
def test_no_rows_need_no_file(cache: Path, shape: tuple[int, int]) -> None:
    """An empty pool is an empty array."""
    kept = Cache(cache, ROOM, lambda line: pytest.fail(line))
    assert embedded(kept, KEY, shape, np.float32, rows, CHUNK).shape == shape
    assert not cache.exists()


def test_keys_distinguish_parts() -> None:
    """The same letters in other parts are another key."""
    assert len({key_of("ab", "c"), key_of("a", "bc"), key_of("abc"), key_of("abc", ""), key_of()}) == 5
    assert len(KEY) == 32


def test_half_precision_begins_above_a_gibibyte() -> None:
    """float32 as long as it takes no more than 1 GiB."""
    assert dtype_for(1 << 18, 1 << 10) == np.float32
    assert dtype_for((1 << 18) + 1, 1 << 10) == np.float16


def test_without_a_cache_nothing_is_left(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--no-cache` uses a file without a name, and makes no folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    work = Work(None)
    vectors = work.run()
    assert not vectors.flags.writeable
    assert (list(tmp_path.iterdir()), cache.exists(), work.messages) == ([], False, [])
    work.run()
    assert work.asked == CHUNKS


@pytest.mark.parametrize("most", [0, SIZE - 1])
def test_more_than_the_limit_is_not_kept(work: Work, most: int) -> None:
    """A pool that does not fit is computed with one line; with a limit of nothing, silently."""
    work.run(most=most)
    work.run(most=most)
    assert work.asked == CHUNKS
    assert info().kinds["embeddings"].entries == 0
    assert len(work.messages) == (2 if most else 0)
    assert all("ROBUST_XTREME_CACHE_LIMIT" in line for line in work.messages)


@pytest.mark.parametrize("folder", ["/proc/self", "/dev/null", "x" * 300])
def test_a_folder_that_cannot_be_used_costs_one_line(folder: str) -> None:
    """The run continues with a temporary file."""
    work = Work(Path(folder))
    work.run()
    assert len(work.messages) == 1
    assert "cannot be used" in work.messages[0]


def test_what_was_not_used_for_longest_goes_first(cache: Path) -> None:
    """Room is made for new vectors; those read since stay, and a map of those that went is still read."""
    work, most = Work(cache, 2000), 6 * 2000 * DIM * 4
    keys = [key_of(str(number)) for number in range(6)]
    maps = [work.run(key, most, chunk=200) for key in keys[:4]]
    work.run(keys[0], most, chunk=200)
    assert work.asked == []
    for key in keys[4:]:
        work.run(key, most, chunk=200)
    assert (cache / NAME).stat().st_size <= most
    work.run(keys[0], most, chunk=200)
    assert work.asked == []
    work.run(keys[1], most, chunk=200)
    assert work.asked
    assert all(np.array_equal(array, rows(0, 2000)) for array in maps)


def test_info_and_clear_know_them(work: Work, cache: Path) -> None:
    """Chunks are counted with their bytes, and removed; processes that have them mapped and the next run continue."""
    vectors = work.run()
    cache_info = info().kinds["embeddings"]
    assert (cache_info.entries, cache_info.size > SIZE) == (len(CHUNKS), True)
    assert cache_info.oldest is not None
    assert cache_info.newest is not None
    assert cache_info.oldest <= cache_info.newest
    (cache / "thesis.txt").touch()
    assert clear().kinds["embeddings"].entries == len(CHUNKS)
    assert {path.name for path in cache.iterdir()} == {NAME, "thesis.txt"}
    assert (info().kinds["embeddings"].entries, np.array_equal(vectors, rows(0, COUNT))) == (0, True)
    work.run()
    assert work.asked == CHUNKS


def test_clear_under_a_run_that_embeds(work: Work) -> None:
    """A cache that is emptied between two chunks costs nothing but the chunks before."""
    compute = work.compute

    def clearing(start: int, stop: int) -> Array:
        if start == 50:
            clear()
        return compute(start, stop)

    work.compute = clearing  # type: ignore[method-assign]  # a substitute
    work.run()
    work.run()
    assert work.asked == CHUNKS[:5]
