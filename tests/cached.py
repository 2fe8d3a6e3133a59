"""A cache in a folder, put and read by numbers, for tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from robust_xtreme.files.cache import Cache

KIND: Final = "predictions"
NAME: Final = "cache-v1.sqlite3"
ROOM: Final = 1 << 24


def key(number: int) -> bytes:
    """The key of a number."""
    return number.to_bytes(16, "little")


def entries(first: int, stop: int, width: int = 20) -> dict[bytes, bytes]:
    """Entries whose values identify them."""
    return {key(number): f'"{number:0{width}}"'.encode() for number in range(first, stop)}


@dataclass(frozen=True, slots=True)
class Using:
    """A cache in a folder, and its warnings."""

    folder: Path
    warnings: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def open(self, most: int = ROOM) -> Iterator[Cache]:
        """The cache, closed at the end."""
        cache = Cache(self.folder, most, self.warnings.append)
        yield cache
        cache.close()

    def get(self, *numbers: int, most: int = ROOM) -> dict[bytes, bytes]:
        """The stored values of some numbers, by a cache opened for it."""
        with self.open(most) as cache:
            return cache.get(KIND, [key(number) for number in numbers])

    def put(self, values: dict[bytes, bytes], most: int = ROOM) -> None:
        """Store values, by a cache opened for it."""
        with self.open(most) as cache:
            cache.put(KIND, values)
