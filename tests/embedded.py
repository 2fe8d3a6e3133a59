"""Vectors whose values identify their rows, stored in a folder, for tests."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import numpy as np
from tests.forks import process

from robust_xtreme.files.cache import Cache
from robust_xtreme.models.retrieval.embeddings import embedded, key_of

Array = np.ndarray[Any, Any]
COUNT, DIM, CHUNK = 103, 6, 10
KEY: Final = key_of("model", "texts")
SIZE: Final = COUNT * DIM * 4
ROOM: Final = 1 << 24


def rows(start: int, stop: int) -> Array:
    """Rows whose values identify them."""
    return np.arange(start * DIM, stop * DIM, dtype=np.float32).reshape(-1, DIM)


class Work:
    """Computes rows, and records what was asked of it and the cache's messages."""

    def __init__(self, folder: Path | None, count: int = COUNT) -> None:
        self.folder, self.count = folder, count
        self.asked: list[int] = []
        self.messages: list[str] = []

    def compute(self, start: int, stop: int) -> Array:
        """The rows asked for."""
        self.asked.append(start)
        return rows(start, stop)

    def run(self, key: str = KEY, most: int = ROOM, chunk: int = CHUNK) -> Array:
        """The vectors, which are right."""
        self.asked.clear()
        opened = contextlib.closing(Cache(self.folder, most, self.messages.append)) if self.folder else None
        with opened or contextlib.nullcontext() as cache:
            vectors = embedded(cache, key, (self.count, DIM), np.float32, self.compute, chunk)
        assert np.array_equal(vectors, rows(0, self.count))
        return vectors


@dataclass(frozen=True, slots=True)
class Embedding:
    """A process that embeds, and the pipe into which it writes the row that each chunk begins with."""

    process: BaseProcess
    pipe: Connection

    def rows(self, most: int = sys.maxsize) -> Iterator[int]:
        """The next rows that it writes, as many as asked for; fewer where it ends."""
        with contextlib.suppress(EOFError):
            for _ in range(most):
                yield self.pipe.recv()

    def kill(self) -> None:
        """End it by `kill -9`, and wait until it has ended."""
        self.process.kill()
        self.process.join()

    def stop(self) -> None:
        """Let it hang."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGSTOP)


def embedding(cache: Path, seconds: float, count: int = COUNT, chunk: int = CHUNK) -> Embedding:
    """The vectors of KEY, computed in a process of its own that takes so many seconds a chunk."""
    ours, theirs = Pipe(duplex=False)
    begun = process(_embed, theirs, cache, seconds, count, chunk)
    theirs.close()
    return Embedding(begun, ours)


def _embed(pipe: Connection, cache: Path, seconds: float, count: int, chunk: int) -> None:
    def compute(start: int, stop: int) -> Array:
        pipe.send(start)
        time.sleep(seconds)
        return rows(start, stop)

    kept = Cache(cache, ROOM, print)
    embedded(kept, KEY, (count, DIM), np.float32, compute, chunk)
