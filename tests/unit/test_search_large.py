"""A pool larger than memory should hold: embedded, killed, resumed and searched within 2 GiB beside the page cache."""

from __future__ import annotations

import functools
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from robust_xtreme.evaluation.search import QUANTUM

DIM: Final = 1024
CHUNK: Final = 8192
QUERIES: Final = 100
K: Final = 20
MOST: Final = 2 << 30
KEY: Final = "f" * 32

Array = np.ndarray[Any, Any]

PROGRAM: Final = """
import json, sys, threading, time
from pathlib import Path
import numpy as np
from tests.unit.test_search_large import CHUNK, DIM, K, KEY, QUERIES, rows
from robust_xtreme.evaluation.embeddings import embedded
from robust_xtreme.evaluation.search import search

def anonymous():
    facts = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(facts["RssAnon"].split()[0])

def poll():
    while not ended.wait(0.02):
        peak.append(max(peak.pop(), anonymous()))

def compute(start, stop):
    print(start, flush=True)
    return rows(start, stop)

peak, ended = [anonymous()], threading.Event()
poller = threading.Thread(target=poll)
poller.start()
try:
    pool = embedded(Path(sys.argv[1]), KEY, int(sys.argv[2]), DIM, np.float16, compute, CHUNK, print, 1 << 40)
    found = search(rows(-CHUNK, 0)[:QUERIES].astype(np.float32), pool, K, device="cpu")
finally:
    ended.set()
    poller.join()
print(json.dumps([peak[0], found.indices.tolist(), found.scores.tolist()]))
"""
"""Embeds and searches; prints each chunk that it computes, then peak anonymous memory and what was found."""


@functools.cache
def _base() -> Array:
    found = np.random.default_rng(0).standard_normal((CHUNK, DIM), np.float32)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found.astype(np.float16)


def rows(start: int, stop: int) -> Array:
    """Rows of length 1 that hang on their chunk alone; those of the chunk before the first are the queries.

    Each chunk holds the same random rows, turned round and with signs of its own, which is faster than to draw them.
    """
    draw = np.random.default_rng(start + CHUNK)
    signs = draw.choice(np.array([1 << 15, 0], np.uint16), DIM)
    turned: Array = np.roll(_base()[: stop - start].view(np.uint16), start // CHUNK, axis=1)
    turned ^= signs
    return turned.view(np.float16)


def _program(cache: Path, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(cache), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def _killed(cache: Path, count: int) -> None:
    """Embed until a third is there, and no further."""
    process = _program(cache, count)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= count // 3:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()


def _brute(path: Path, count: int, queries: Array) -> tuple[Array, Array]:
    """The best of each query in float64, over rows made anew, with which the file's bytes are compared.

    Scores closer than a QUANTUM are one, and stand in the order of their rows.
    """
    best, places = np.full((len(queries), K), -np.inf), np.full((len(queries), K), -1)
    with path.open("rb") as file:
        for start in range(0, count, CHUNK):
            part = rows(start, min(start + CHUNK, count))
            assert file.read(part.nbytes) == part.tobytes()
            best = np.concatenate([best, queries @ part.astype(np.float64).T], axis=1)
            places = np.concatenate([places, np.tile(np.arange(start, start + len(part)), (len(queries), 1))], axis=1)
            order = np.argsort(-best, axis=1, kind="stable")[:, : 2 * K]
            best, places = np.take_along_axis(best, order, 1), np.take_along_axis(places, order, 1)
        assert file.read(1) == b""
    order = np.lexsort((places, -np.rint(best / QUANTUM)))[:, :K]
    return np.take_along_axis(best, order, 1), np.take_along_axis(places, order, 1)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("count", [40_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_a_large_pool_is_embedded_and_searched_in_little_memory(
    count: int, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Killed at a third it goes on to the bytes of one go; the best are those of brute force; RssAnon stays small."""
    _killed(cache, count)
    done, _ = _program(cache, count).communicate()
    *computed, last = done.splitlines()
    assert count // 3 - 2 * CHUNK < int(computed[0]) < count // 3 + 3 * CHUNK
    peak, indices, scores = json.loads(last)
    path = cache / "embeddings-v1" / KEY / "vectors.bin"
    best, places = _brute(path, count, rows(-CHUNK, 0)[:QUERIES].astype(np.float64))
    path.unlink()
    assert np.array_equal(indices, places)
    assert np.abs(np.array(scores) - best).max() < 1e-6
    with capsys.disabled():
        print(f"\n{count} x {DIM} float16: peak anonymous memory {peak / 2**20:.0f} MiB")  # noqa: T201 - the measure
    assert peak < MOST
