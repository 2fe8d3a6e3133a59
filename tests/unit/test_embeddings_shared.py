"""Vectors on disk beside others: limits, use by several processes, and whoever looks at them or clears them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.embedded import CHUNK, COUNT, DIM, SIZE, Array, Embedding, Work, embedding, place, rows

from robust_xtreme.evaluation import embeddings
from robust_xtreme.evaluation.embeddings import key_of
from robust_xtreme.results.cache import Cache, clear, database_size, info


@pytest.fixture
def work(cache: Path) -> Work:
    """Work with a cache that does not exist yet."""
    return Work(cache)


def test_without_a_folder_nothing_is_left(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--no-cache` uses a file without a name, and makes no folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    work = Work(None)
    found = work.run()
    assert not found.flags.writeable
    assert (list(tmp_path.iterdir()), cache.exists(), work.told) == ([], False, [])
    work.run()
    assert len(work.asked) == 11


@pytest.mark.parametrize("most", [0, SIZE - 1])
def test_more_than_the_limit_is_not_kept(work: Work, cache: Path, most: int) -> None:
    """A pool that does not fit goes into a temporary file with one line; with a limit of nothing, silently."""
    work.run(most=most)
    assert not cache.exists()
    assert len(work.told) == (1 if most else 0)
    assert all("ROBUST_XTREME_CACHE_LIMIT" in line for line in work.told)


@pytest.mark.parametrize("folder", ["/proc/self", "/dev/null", "x" * 300])
def test_a_folder_that_cannot_be_used_costs_one_line(folder: str) -> None:
    """The run goes on with a temporary file."""
    work = Work(Path(folder))
    work.run()
    assert len(work.told) == 1
    assert "cannot be kept in" in work.told[0]


def test_what_was_not_used_for_longest_goes_first(work: Work, cache: Path) -> None:
    """Room is made for new vectors; those read since stay, and those in use even where they are the oldest."""
    keys = [key_of(str(number)) for number in range(5)]
    most = 4 * (SIZE + 1000)
    held = work.run(keys[0], most)
    for number, key in enumerate(keys[1:4]):
        work.run(key, most)
        os.utime(place(cache, key), (number, number))
    os.utime(place(cache, keys[0]), (0, 0))
    work.run(keys[1], most)
    work.run(keys[4], most)
    assert [place(cache, key).exists() for key in keys] == [True, True, False, True, True]
    assert np.array_equal(held, rows(0, COUNT))


def test_a_view_keeps_its_vectors_in_use(work: Work, cache: Path) -> None:
    """A slice of the map is enough; when it is gone they can go."""
    part = work.run()[3:5].view(np.ndarray).T
    work.run(key_of("other"), SIZE + 700)
    assert place(cache).exists()
    assert part[0, 0] == 3 * DIM
    del part
    work.run(key_of("third"), SIZE + 700)
    assert not place(cache).exists()


@contextlib.contextmanager
def _writer(cache: Path) -> Iterator[Embedding]:
    """Another process that is at its second chunk."""
    process = embedding(cache, seconds=0.05)
    try:
        assert [*process.rows(2)] == [0, CHUNK]
        yield process
    finally:
        process.kill()


def test_a_second_process_waits_for_the_first(work: Work, cache: Path) -> None:
    """Nothing is computed twice, and the wait is told once."""
    with _writer(cache) as process:
        work.run()
        process.process.join(60)
        assert process.process.exitcode == 0
    assert work.asked == []
    assert len(work.told) == 1
    assert "another process computes the same embeddings" in work.told[0]


def test_a_second_process_goes_on_where_the_first_was_killed(work: Work, cache: Path) -> None:
    """The lock ends with the process that had it."""
    with _writer(cache) as process:
        process.kill()
        work.run()
    assert work.asked
    assert work.asked[0] > 0


def test_a_process_that_hangs_is_not_waited_for(work: Work, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is written for long, a temporary file serves."""
    monkeypatch.setattr(embeddings, "_PATIENCE", 0.3)
    with _writer(cache) as process:
        process.stop()
        work.run()
    assert work.asked[0] == 0
    assert "does not go on" in work.told[-1]


def test_info_and_clear_know_them(work: Work, cache: Path) -> None:
    """They are counted with their bytes, and removed; who has them mapped goes on, and so does the next run."""
    held = work.run()
    found = info()
    assert (found.kinds["embeddings"].entries, found.kinds["predictions"].entries) == (1, 0)
    assert found.size == found.kinds["embeddings"].size > SIZE
    assert found.kinds["embeddings"].oldest == found.kinds["embeddings"].newest is not None
    (cache / "thesis.txt").touch()
    assert clear().kinds["embeddings"].entries == 1
    assert [path.name for path in cache.iterdir()] == ["thesis.txt"]
    assert (info().size, np.array_equal(held, rows(0, COUNT))) == (0, True)
    work.run()
    assert len(work.asked) == 11


def test_clear_under_a_run_that_embeds(work: Work, cache: Path) -> None:
    """A cache that is emptied between two chunks costs nothing but the vectors."""
    compute = work.compute

    def clearing(start: int, stop: int) -> Array:
        if start == 50:
            clear()
        return compute(start, stop)

    work.compute = clearing  # type: ignore[method-assign]  # a stand-in
    work.run()
    assert not place(cache).exists()
    work.run()
    assert len(work.asked) == 11


def test_a_cache_that_is_closed_leaves_both_kinds_within_the_limit(work: Work, cache: Path) -> None:
    """Vectors make way for predictions."""
    work.run(most=1 << 20)
    held = Cache(cache, 1 << 20, work.told.append)
    held.put("predictions", {bytes(16): "x" * 20_000})
    held.close()
    assert place(cache).exists()
    for most, there in ((SIZE + 1000, True), (SIZE - 1, False)):
        held = Cache(cache, database_size(cache) + most, work.told.append)
        assert held.get("predictions", [bytes(16)])
        held.close()
        assert place(cache).exists() is there
    assert work.told == []
