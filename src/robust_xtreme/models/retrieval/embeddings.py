"""Computes vectors in chunks, each an entry of the cache, and maps them read-only.

A chunk is stored as soon as it is computed, so that a resumed run computes the missing chunks only; workers that need
the same chunk wait for the first that computes it. The file of the map has no name; the system removes it with the map.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike

from robust_xtreme.core.columns import Array, bounds_of
from robust_xtreme.core.errors import DiskError, ModelError, NotFinite, RobustXtremeError, no_room
from robust_xtreme.core.examples import digest
from robust_xtreme.files.cache import VARIABLE, Cache, reason_of

Compute = Callable[[int, int], Array]

KIND: Final = "embeddings"


def key_of(*parts: str) -> str:
    """The hash of everything that vectors depend on (32 hex digits)."""
    return digest(*parts, size=16)


def dtype_for(count: int, dim: int) -> np.dtype[Any]:
    """float32, or float16 where float32 would take more than 1 GiB."""
    return np.dtype(np.float16 if 4 * count * dim > 1 << 30 else np.float32)


def _computed(compute: Compute, start: int, stop: int, dim: int, dtype: np.dtype[Any]) -> bytes:
    """The bytes of a chunk, computed. Raises NotFinite naming the row."""
    with np.errstate(over="ignore"):
        rows = np.asarray(compute(start, stop)).astype(dtype, copy=False)
    if rows.shape != (expected := (stop - start, dim)):
        raise RobustXtremeError(f"The vectors from row {start} on have the shape {rows.shape}, not {expected}.")
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        row = start + int(np.flatnonzero(~finite)[0])
        raise NotFinite(f"The vector of row {row} contains NaN or a number too large for {dtype}.")
    return rows.tobytes()


def _stored(storage: Cache | None, of_chunk: bytes, shape: tuple[int, int], dtype: np.dtype[Any]) -> bytes | None:
    """The bytes of a chunk in the cache; None where it has none of this shape, or damaged ones."""
    data = storage.get(KIND, [of_chunk]).get(of_chunk) if storage else None
    if data is None or len(data) != shape[0] * shape[1] * dtype.itemsize:
        return None
    return data if np.isfinite(np.frombuffer(data, dtype)).all() else None


def embedded(
    cache: Cache | None, key: str, shape: tuple[int, int], dtype: DTypeLike, compute: Compute, chunk: int
) -> Array:
    """The vectors (count, dim) of a key, mapped read-only; `compute(start, stop)` gives the rows that are not cached.

    Where the vectors do not fit into the cache (it warns), all are computed. Raises DiskError, NotFinite.
    """
    of, (count, dim) = np.dtype(dtype), shape
    if not count * dim:
        return np.zeros(shape, of)
    storage = cache if cache is not None and cache.fits(count * dim * of.itemsize, KIND) else None
    folder = (cache.scratch() if cache else None) or Path(tempfile.gettempdir())
    with ExitStack() as stack:
        with _writing(folder):
            file = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        for start in range(0, count, chunk):
            # A batch can change the last bits of a vector, so that the key depends on the bounds of the chunk.
            of_chunk = bytes.fromhex(key_of(key, of.str, *map(str, (count, dim, chunk, start))))
            stop = min(start + chunk, count)
            data = _stored(storage, of_chunk, (stop - start, dim), of)
            if data is None:
                with storage.computing(of_chunk) if storage else nullcontext():
                    data = _stored(storage, of_chunk, (stop - start, dim), of)  # by a worker that began before
                    if data is None:
                        data = _computed(compute, start, stop, dim, of)
                        if storage:
                            storage.put(KIND, {of_chunk: data})
            with _writing(folder):
                file.write(data)
        with _writing(folder):
            file.flush()
        return np.memmap(file, of, "r", shape=shape)


def unit_rows(vectors: Array) -> Array:
    """Vectors (n, D) of length 1; one of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths))


def cut(vectors: Array, dims: int, by_cosine: bool = True) -> Array:
    """The first `dims` numbers of vectors (n, D), compared by cosines again of length 1 or 0; 0: all of the numbers.

    Raises ModelError where there are fewer.
    """
    if not dims:
        return vectors
    if dims > vectors.shape[1]:
        raise ModelError(f"The vectors of texts have {vectors.shape[1]} numbers, so that dims = {dims} cannot be kept.")
    if not by_cosine:
        return np.ascontiguousarray(vectors[:, :dims])
    kept = np.array(vectors[:, :dims], np.float32)
    sizes = np.sqrt(np.einsum("ij,ij->i", kept, kept, dtype=np.float64))[:, None]
    return np.asarray(kept / np.where(sizes == 0, 1, sizes), vectors.dtype)


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """Vectors in parts, and the position of each text's vector in all parts, one after the other."""

    parts: list[Array] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)

    def add(self, values: Sequence[str], part: Array) -> None:
        """Add the vectors of new texts, each of which is there once."""
        before = len(self.positions)
        self.positions.update(zip(values, range(before, before + len(values)), strict=True))
        self.parts.append(part)

    def gathered(self, values: Sequence[str]) -> Array:
        """The vectors in the order of the texts; a part with exactly these rows is not copied."""
        positions = np.fromiter(map(self.positions.__getitem__, values), np.int64, len(values))
        starts = bounds_of(np.array(list(map(len, self.parts)), np.int64))
        number = np.searchsorted(starts, positions, "right") - 1
        first = self.parts[int(number[0])]
        if len(first) == len(values) and (positions == starts[number[0]] + np.arange(len(values))).all():
            return first
        rows = np.empty((len(values), first.shape[1]), dtype=first.dtype)
        for part in np.unique(number).tolist():
            at = np.flatnonzero(number == part)
            rows[at] = self.parts[part].take(positions[at] - starts[part], axis=0)
        return rows


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Raise errors of writing as DiskError."""
    try:
        yield
    except OSError as error:
        next_step = f"{no_room(error) or 'Free some space'}, or name another folder with {VARIABLE} or TMPDIR"
        raise DiskError(f"{folder} cannot be written: {reason_of(error)}. {next_step}.") from error
