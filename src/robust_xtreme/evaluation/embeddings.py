"""Vectors kept on disk: computed chunk by chunk, resumed after a kill, checked when they are read, mapped read-only.

A key's folder lies in the cache, under `embeddings-v1`: `vectors.bin` holds the rows as they are in memory,
`chunks.txt` a checksum for each chunk that is there, `header.json` the shape. A chunk is on the disk before its
checksum is, so whatever ends the process leaves whole chunks, and the bytes do not tell where it was resumed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, final

import numpy as np

from robust_xtreme.errors import DiskError, RobustXtremeError
from robust_xtreme.families._family import NotFinite
from robust_xtreme.results import _embeddings as folders
from robust_xtreme.results import cache
from robust_xtreme.results._database import reason_of

Array = np.ndarray[Any, Any]
Compute = Callable[[int, int], Array]

CHUNKS: Final = "chunks.txt"
FLOAT32_MOST: Final = 1 << 30
_VERSION: Final = 1
_DIGEST: Final = 16
_RECORD: Final = 2 * _DIGEST + 1
_PART: Final = 1 << 22
_PATIENCE: Final = 600.0
_PAUSE: Final = 0.1


def key_of(*parts: str) -> str:
    """The key of what vectors depend on (32 hex digits)."""
    state = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()


def dtype_for(count: int, dim: int) -> np.dtype[Any]:
    """float32, or float16 where float32 would take more than 1 GiB."""
    return np.dtype(np.float16 if 4 * count * dim > FLOAT32_MOST else np.float32)


@final
@dataclass(frozen=True, slots=True)
class _Plan:
    """The rows that are wanted (count, dim), and what computes them `chunk` at a time."""

    count: int
    dim: int
    dtype: np.dtype[Any]
    chunk: int
    compute: Compute

    @property
    def row(self) -> int:
        """The bytes of a row."""
        return self.dim * self.dtype.itemsize

    @property
    def size(self) -> int:
        """The bytes of all rows."""
        return self.count * self.row

    @property
    def chunks(self) -> range:
        """The first row of each chunk."""
        return range(0, self.count, self.chunk)

    def length(self, start: int) -> int:
        """The bytes of a chunk."""
        return min(self.chunk, self.count - start) * self.row

    def computed(self, start: int) -> memoryview:
        """The bytes of a chunk, computed. Raises NotFinite naming the row."""
        stop = min(start + self.chunk, self.count)
        with np.errstate(over="ignore"):
            rows = np.asarray(self.compute(start, stop)).astype(self.dtype, copy=False)
        if rows.shape != (stop - start, self.dim):
            wanted = (stop - start, self.dim)
            raise RobustXtremeError(f"The vectors from row {start} on have the shape {rows.shape}, not {wanted}.")
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            row = start + int(np.flatnonzero(~finite)[0])
            raise NotFinite(f"The vector of row {row} holds NaN or a number too large for {self.dtype}.")
        return np.ascontiguousarray(rows).data.cast("B")

    def header(self) -> dict[str, Any]:
        """What the bytes of the file depend on beside the key."""
        shape = {"count": self.count, "dim": self.dim, "dtype": self.dtype.str, "chunk": self.chunk}
        return {"version": _VERSION, **shape}


@final
@dataclass(frozen=True, slots=True)
class _Kept:
    """A key's folder with its vectors and checksums open; `ours` where nobody else uses them, so that we may write."""

    folder: Path
    vectors: IO[bytes]
    checksums: IO[bytes]
    ours: bool


def embedded(
    folder: Path | None,
    key: str,
    count: int,
    dim: int,
    dtype: np.dtype[Any] | type[np.floating[Any]],
    compute: Compute,
    chunk: int,
    tell: Callable[[str], None] = lambda _line: None,
    most: int | None = None,
) -> Array:
    """The vectors (count, dim) of a key, mapped read-only; `compute(start, stop)` gives the rows that are not held.

    `folder` is the cache's; None keeps nothing: a temporary file serves, which is gone with the map. So it is, and one
    line is told, where they take more than `most` bytes (by default the cache's limit) or the folder cannot be used.
    Another process that computes the same is waited for. Raises DiskError where the disk is full; what was complete
    stays and is not computed again. Raises NotFinite naming the row.
    """
    plan = _Plan(count, dim, np.dtype(dtype), chunk, compute)
    if not plan.size:
        return np.zeros((count, dim), plan.dtype)
    most = cache.limit() if most is None else most
    if folder is None or most <= 0:
        return _scratch(plan)
    if plan.size > most:
        tell(
            f"{plan.size} bytes of embeddings are more than the cache may take, and are not kept. "
            f"To keep them, raise {cache.LIMIT_VARIABLE} ({most})"
        )
        return _scratch(plan)
    with ExitStack() as stack:
        kept = _taken(folder, key, plan, most, tell, stack)
        found = None if kept is None else _filled(kept, plan, tell)
    return _scratch(plan) if found is None else found


def _taken(
    cached: Path, key: str, plan: _Plan, most: int, tell: Callable[[str], None], stack: ExitStack
) -> _Kept | None:
    """The folder of a key; None, and one line told, where it cannot be had."""
    place, waited = cached / folders.FOLDER, _Waiting(tell)
    try:
        while (found := _take(cached, place / key, plan, most, stack)) is None:
            if not waited.on(place / key):
                tell(f"{place / key} is held by another process that does not go on; a temporary file serves")
                return None
    except (OSError, DiskError) as error:
        tell(f"the embeddings cannot be kept in {place}, and a temporary file serves: {reason_of(error)}")
        return None
    return found


@final
class _Waiting:
    """Waits for another process as long as it goes on."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._seen, self._since = -1, 0.0

    def on(self, folder: Path) -> bool:
        """Wait a moment; whether the other process has written something lately."""
        if self._seen < 0:
            self._tell(f"another process computes the same embeddings, and is waited for ({folder})")
        size, now = folders.size_of(folder), time.monotonic()
        if size != self._seen:
            self._seen, self._since = size, now
        time.sleep(_PAUSE)
        return now - self._since < _PATIENCE


def _take(cached: Path, folder: Path, plan: _Plan, most: int, stack: ExitStack) -> _Kept | None:
    """Open a key's files, after making room for them; None where another process writes them. Raises OSError."""
    with folders.holding(folder.parent), ExitStack() as attempt:
        others = cache.database_size(cached) - folders.size_of(folder)
        folders.make_room(folder.parent, most - plan.size - others, folder)
        folder.mkdir(exist_ok=True)
        vectors = attempt.enter_context(_open(folder / folders.VECTORS))
        ours = folders.locked(vectors.fileno(), fcntl.LOCK_EX)
        if not ours and not folders.locked(vectors.fileno(), fcntl.LOCK_SH):
            return None
        checksums = attempt.enter_context(_open(folder / CHUNKS))
        stack.enter_context(attempt.pop_all())
        return _Kept(folder, vectors, checksums, ours)


def _open(path: Path) -> IO[bytes]:
    """A file to read and write at any place, made where it is not there."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b", buffering=0)


def _filled(kept: _Kept, plan: _Plan, tell: Callable[[str], None]) -> Array | None:
    """The vectors, whole; None where another process uses them and they are not."""
    folders.mark_used(kept.folder)
    with _writing(kept.folder, f"{cache.VARIABLE}; what is there is kept"):
        missing, damaged = _begun(kept, plan)
    if damaged:
        tell(f"the embeddings in {kept.folder} were damaged; what is wrong in them is computed again")
    if missing and not kept.ours:
        return None
    for start in missing:
        data = plan.computed(start)
        with _writing(kept.folder, f"{cache.VARIABLE}; what is there is kept"):
            _put(kept, plan, start, data)
    fcntl.flock(kept.vectors, fcntl.LOCK_SH)
    return _mapped(kept.vectors, plan)


@contextmanager
def _writing(place: Path, variable: str) -> Iterator[None]:
    """Errors of writing as DiskError."""
    try:
        yield
    except OSError as error:
        next_step = f"Free some space, or name another folder with {variable}"
        raise DiskError(f"{place} cannot be written: {reason_of(error)}. {next_step}.") from error


def _begun(kept: _Kept, plan: _Plan) -> tuple[list[int], bool]:
    """Make the files fit the plan; the chunks that are missing, and whether something was damaged."""
    path = kept.folder / folders.HEADER
    header = _header(path)
    if header == plan.header():
        return _looked_over(kept, plan)
    if not kept.ours:
        return list(plan.chunks), False
    damaged = header is None and os.fstat(kept.checksums.fileno()).st_size > 0
    for file in (kept.checksums, kept.vectors):
        os.ftruncate(file.fileno(), 0)
    with _open(path) as file:
        os.ftruncate(file.fileno(), 0)
        _write(file, json.dumps(plan.header()).encode(), 0)
        os.fsync(file.fileno())
    return list(plan.chunks), damaged


def _header(path: Path) -> Any:
    """What stands in a header; None where it is missing or malformed."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _looked_over(kept: _Kept, plan: _Plan) -> tuple[list[int], bool]:
    """The chunks that are not there as they were written, and whether one of them was."""
    records = os.pread(kept.checksums.fileno(), _RECORD * len(plan.chunks), 0)
    damaged, missing = os.fstat(kept.vectors.fileno()).st_size > plan.size, []
    if damaged and kept.ours:
        os.ftruncate(kept.vectors.fileno(), plan.size)
    for number, start in enumerate(plan.chunks):
        record = records[number * _RECORD : (number + 1) * _RECORD]
        whole = len(record) == _RECORD
        if not whole or record != _record(_read(kept.vectors, plan.length(start), start * plan.row)):
            missing.append(start)
            damaged |= whole
    return missing, damaged


def _record(parts: Iterable[bytes | memoryview]) -> bytes:
    """A line with the checksum of a chunk."""
    state = hashlib.blake2b(digest_size=_DIGEST)
    for part in parts:
        state.update(part)
    return state.hexdigest().encode() + b"\n"


def _read(file: IO[bytes], length: int, offset: int) -> Iterator[bytes]:
    """The bytes at a place, some at a time; fewer where the file ends."""
    while length and (part := os.pread(file.fileno(), min(length, _PART), offset)):
        yield part
        length, offset = length - len(part), offset + len(part)


def _put(kept: _Kept, plan: _Plan, start: int, data: memoryview) -> None:
    """Write a chunk, and when it is on the disk, its checksum."""
    _write(kept.vectors, data, start * plan.row)
    os.fsync(kept.vectors.fileno())
    _write(kept.checksums, _record([data]), start // plan.chunk * _RECORD)
    os.fsync(kept.checksums.fileno())


def _write(file: IO[bytes], data: bytes | memoryview, offset: int) -> None:
    """Write all bytes at a place; the step that tests of a full disk stand in for."""
    left = memoryview(data)
    while left:
        done = os.pwrite(file.fileno(), left, offset)
        left, offset = left[done:], offset + done


def _mapped(file: IO[bytes], plan: _Plan) -> Array:
    """The rows of a file, read-only. The map keeps the file open, and with it the lock, as long as it lives."""
    return np.memmap(file, plan.dtype, "r", shape=(plan.count, plan.dim))


def _scratch(plan: _Plan) -> Array:
    """The vectors in a file without a name, which goes with the map. Raises DiskError."""
    place = Path(tempfile.gettempdir())
    with ExitStack() as stack:
        with _writing(place, "TMPDIR"):
            file = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        for start in plan.chunks:
            data = plan.computed(start)
            with _writing(place, "TMPDIR"):
                _write(file, data, start * plan.row)
        return _mapped(file, plan)
