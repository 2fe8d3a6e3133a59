"""Vectors that tell which they are, kept in a folder, for tests."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any, Final

import numpy as np

from robust_xtreme.evaluation.embeddings import embedded, key_of

Array = np.ndarray[Any, Any]
COUNT, DIM, CHUNK = 103, 6, 10
KEY: Final = key_of("model", "texts")
SIZE: Final = COUNT * DIM * 4


def rows(start: int, stop: int) -> Array:
    """Rows that tell which they are."""
    return np.arange(start * DIM, stop * DIM, dtype=np.float32).reshape(-1, DIM)


class Work:
    """Computes rows, and knows what was asked of it and what it was told."""

    def __init__(self, folder: Path | None, count: int = COUNT) -> None:
        self.folder, self.count = folder, count
        self.asked: list[int] = []
        self.told: list[str] = []

    def compute(self, start: int, stop: int) -> Array:
        """The rows asked for."""
        self.asked.append(start)
        return rows(start, stop)

    def run(self, key: str = KEY, most: int | None = None, chunk: int = CHUNK) -> Array:
        """The vectors, which are right."""
        self.asked.clear()
        found = embedded(self.folder, key, self.count, DIM, np.float32, self.compute, chunk, self.told.append, most)
        assert np.array_equal(found, rows(0, self.count))
        return found


def place(cache: Path, key: str = KEY) -> Path:
    """A key's folder."""
    return cache / "embeddings-v1" / key


def lines_of(process: subprocess.Popen[str], most: int) -> list[str]:
    """The first lines that a process prints; fewer where it ends."""
    assert process.stdout is not None
    return [line.strip() for line in (process.stdout.readline() for _ in range(most)) if line]
