"""Folders of vectors in the cache, one for each key: who uses which, how much they take, and which go first.

A lock on `embeddings-v1/.lock` is held while a folder is taken or removed; one on a folder's own vectors is exclusive
while they are written and shared while they are mapped, for as long as the map lives.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from robust_xtreme.results._database import Held

FOLDER: Final = "embeddings-v1"
EVERY_VERSION: Final = "embeddings-v*"
VECTORS: Final = "vectors.bin"
HEADER: Final = "header.json"


@contextmanager
def holding(place: Path) -> Iterator[None]:
    """Hold the folders of a cache against others who take or remove one. Raises OSError."""
    handle = _held(place)
    try:
        yield
    finally:
        os.close(handle)


def _held(place: Path) -> int:
    """A lock on the file that has the name now: whoever cleared the cache meanwhile removed the one before."""
    path = place / ".lock"
    while True:
        place.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)


def locked(handle: int, how: int) -> bool:
    """Whether a lock could be had at once."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def mark_used(folder: Path) -> None:
    """Count a folder as used now."""
    with suppress(OSError):
        os.utime(folder)


def _folders(place: Path) -> list[Path]:
    """The folders of all keys, the one that was not used for longest first."""
    found = []
    with suppress(OSError):
        found = [(path.stat().st_mtime, path) for path in place.iterdir() if path.is_dir()]
    return [path for _, path in sorted(found)]


def size_of(folder: Path) -> int:
    """The bytes of all files in a folder and below."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def on_disk(cache: Path) -> int:
    """What the vectors of a cache take, of all versions."""
    return sum(size_of(path) for path in cache.glob(EVERY_VERSION)) if cache.is_dir() else 0


def make_room(place: Path, most: int, spare: Path | None = None) -> None:
    """Remove what was not used for longest until no more than `most` bytes are left; none that is in use, nor `spare`.

    Call it with the folders held.
    """
    sizes = {path: size_of(path) for path in _folders(place)}
    total = sum(sizes.values())
    for path, size in sizes.items():
        if total <= most:
            break
        if path != spare and _removed(path):
            total -= size


def _removed(folder: Path) -> bool:
    """Whether a folder was removed: not where somebody uses its vectors."""
    try:
        handle = os.open(folder / VECTORS, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        shutil.rmtree(folder, ignore_errors=True)
        return True
    except OSError:
        return False
    try:
        if not locked(handle, fcntl.LOCK_EX):
            return False
        shutil.rmtree(folder, ignore_errors=True)
        return True
    finally:
        os.close(handle)


def within(cache: Path, most: int) -> None:
    """Leave the vectors of a cache within a number of bytes, where there are more and nothing hinders it."""
    if (cache / FOLDER).is_dir() and on_disk(cache) > most:
        with suppress(OSError), holding(cache / FOLDER):
            make_room(cache / FOLDER, most)


def held(cache: Path) -> Held:
    """What a cache holds of vectors: folders, bytes, when the oldest and newest were begun; nothing is changed."""
    found = [path for place in cache.glob(EVERY_VERSION) for path in _folders(place)] if cache.is_dir() else []
    begun = [time for path in found if (time := _begun(path)) is not None]
    sizes = sum(map(size_of, found))
    return Held(len(found), sizes, min(begun, default=None), max(begun, default=None))


def _begun(folder: Path) -> float | None:
    for path in (folder / HEADER, folder):
        with suppress(OSError):
            return path.stat().st_mtime
    return None


def clear(cache: Path) -> None:
    """Remove the vectors of all versions. Who has them mapped goes on reading them. Raises OSError."""
    for place in cache.glob(EVERY_VERSION):
        with holding(place):
            shutil.rmtree(place)
