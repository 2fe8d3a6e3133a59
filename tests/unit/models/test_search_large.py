"""A pool larger than memory: embedded, killed, resumed and searched within 2 GiB beside the page cache."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from tests.forks import process

from robust_xtreme.files.cache import Cache
from robust_xtreme.models.retrieval.embeddings import embedded
from robust_xtreme.models.retrieval.search import QUANTUM, search

DIM: Final = 1024
CHUNK: Final = 8192
QUERIES: Final = 100
K: Final = 20
MOST: Final = 2 << 30
KEY: Final = "f" * 32

Array = np.ndarray[Any, Any]


def _work(pipe: Connection, cache: Path, count: int) -> None:
    """Embed and search; send the first row of each chunk, then peak memory and the best; write the bytes."""
    peak, ended = [_anonymous()], threading.Event()

    def poll() -> None:
        while not ended.wait(0.02):
            peak.append(max(peak.pop(), _anonymous()))

    def compute(start: int, stop: int) -> Array:
        pipe.send(start)
        return rows(start, stop)

    poller = threading.Thread(target=poll)
    poller.start()
    try:
        pool = embedded(Cache(cache, 1 << 40, print), KEY, (count, DIM), np.float16, compute, CHUNK)
        nearest = search(rows(-CHUNK, 0)[:QUERIES].astype(np.float32), pool, K, device="cpu")
    finally:
        ended.set()
        poller.join()
    (cache / "vectors.bin").write_bytes(pool.tobytes())
    pipe.send((peak[0], nearest.indices, nearest.scores))


def _anonymous() -> int:
    facts = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(facts["RssAnon"].split()[0])


@functools.cache
def _base() -> Array:
    draws = np.random.default_rng(0).standard_normal((CHUNK, DIM), np.float32)
    draws /= np.linalg.norm(draws, axis=1, keepdims=True)
    return draws.astype(np.float16)


def rows(start: int, stop: int) -> Array:
    """Rows of length 1 that depend on their chunk alone; those of the chunk before the first are the queries.

    Each chunk contains the same random rows, turned round and with signs of its own, which is faster than to draw them.
    """
    draw = np.random.default_rng(start + CHUNK)
    signs = draw.choice(np.array([1 << 15, 0], np.uint16), DIM)
    turned: Array = np.roll(_base()[: stop - start].view(np.uint16), start // CHUNK, axis=1)
    turned ^= signs
    return turned.view(np.float16)


def _begun(cache: Path, count: int) -> tuple[BaseProcess, Connection]:
    ours, theirs = Pipe(duplex=False)
    begun = process(_work, theirs, cache, count)
    theirs.close()
    return begun, ours


def _killed(cache: Path, count: int) -> None:
    """Embed until a third is there, and no further."""
    begun, pipe = _begun(cache, count)
    while pipe.recv() < count // 3:
        pass
    begun.kill()
    begun.join()


def _messages(pipe: Connection) -> Iterator[Any]:
    with contextlib.suppress(EOFError):
        while True:
            yield pipe.recv()


def _brute(path: Path, count: int, queries: Array) -> tuple[Array, Array]:
    """The best of each query in float64, over rows made again, with which the file's bytes are compared.

    Scores closer than a QUANTUM are one, and are in the order of their rows.
    """
    best, nearest = np.full((len(queries), K), -np.inf), np.full((len(queries), K), -1)
    with path.open("rb") as file:
        for start in range(0, count, CHUNK):
            part = rows(start, min(start + CHUNK, count))
            assert file.read(part.nbytes) == part.tobytes()
            best = np.concatenate([best, queries @ part.astype(np.float64).T], axis=1)
            nearest = np.concatenate([nearest, np.tile(np.arange(start, start + len(part)), (len(queries), 1))], axis=1)
            order = np.argsort(-best, axis=1, kind="stable")[:, : 2 * K]
            best, nearest = np.take_along_axis(best, order, 1), np.take_along_axis(nearest, order, 1)
        assert file.read(1) == b""
    order = np.lexsort((nearest, -np.rint(best / QUANTUM)))[:, :K]
    return np.take_along_axis(best, order, 1), np.take_along_axis(nearest, order, 1)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", [20_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_a_large_pool_is_embedded_and_searched_in_little_memory(
    count: int, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed at a third it continues to the bytes of one go; the best are those of brute force; RssAnon stays small."""
    _killed(cache, count)
    *computed, (peak, indices, scores) = _messages(_begun(cache, count)[1])
    assert count // 3 - 2 * CHUNK < computed[0] < count // 3 + 3 * CHUNK
    path = cache / "vectors.bin"
    best, nearest = _brute(path, count, rows(-CHUNK, 0)[:QUERIES].astype(np.float64))
    path.unlink()
    assert np.array_equal(indices, nearest)
    assert np.abs(scores - best).max() < 1e-6
    with capsys.disabled():
        print(f"\n{count} x {DIM} float16: peak anonymous memory {peak / 2**20:.0f} MiB")  # noqa: T201 - the measure
    assert peak < MOST
