"""Bootstrap weights drawn by key, so that the same cluster gets the same weight in every cell, language and task.

A weight is a Poisson(1) count that depends only on (seed, resample, cluster id). It is drawn in numpy and copied to the
device, so it is the same integer on every device; resampling is counts @ statistics, in chunks of resamples.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, reduce
from hashlib import blake2b
from itertools import pairwise
from math import ceil, exp, factorial
from typing import Any, Final

import numpy as np

from robust_xtreme.core.examples import digest
from robust_xtreme.core.metric import Array
from robust_xtreme.core.randomness import mix, spread
from robust_xtreme.stats._cells import in_groups
from robust_xtreme.stats.intervals import CONFIDENCE, CPU, ArrayBackend, t_quantile

RESAMPLES: Final = 4000
CHUNK: Final = 500
MOST_BYTES: Final = 2**25
"""The most memory for weights at a time of a thread: 32 MiB."""
_CHUNK_BYTES: Final = 2**28
_THREADS: Final = 2
_ALONE: Final = 2**18
"""The multiplications of a product up to which BLAS uses one thread."""
_ROWS: Final = 16
"""Products of a multiple of so many rows have the same last bits as one product of all rows by one thread."""
_BYTES: Final = 2 * 8 + 1
"""Of each weight: float64 in a part and in the one before it, which is still in use, and the byte that is drawn."""
_CACHED: Final = 2**15
_BITS: Final = 16
_STEP: Final = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Member:
    """One cell of a declared family: the deviations of its leave-one-cluster-out values, its J, its clusters' keys.

    `deviations` gives a numpy array (G,) when it is called, so that those of other members need no memory; the `keys`
    of the clusters are one, too, uint64.
    """

    deviations: Callable[[], Any]
    jump: float
    keys: Any


def keys(clusters: Sequence[str]) -> Any:
    """The 64-bit key of each cluster id, as uint64 (G,)."""
    return np.array([int(digest(cluster), 16) for cluster in clusters], dtype=np.uint64)


def counts(seed: int, resamples: range, cluster_keys: Any) -> Any:
    """Poisson(1) weights, uint8 of shape (resamples, G): one function of seed, resample and cluster key."""
    word = np.uint64(int(digest("bootstrap", str(seed)), 16))
    rows = np.arange(resamples.start, resamples.stop, dtype=np.uint64) * np.uint64(_STEP) ^ word
    mix(rows)
    drawn = np.empty((len(rows), len(cluster_keys)), np.uint8)
    step = max(_CACHED // max(len(cluster_keys), 1), 1)
    for start in range(0, len(rows), step):
        words = rows[start : start + step, None] ^ cluster_keys[None, :]
        spread(words)
        words >>= np.uint64(64 - _BITS)
        np.take(_table(), words.view(np.int64), out=drawn[start : start + step], mode="clip")
    return drawn


@cache
def _table() -> Any:
    """The Poisson(1) count of each of 2^16 equally likely draws."""
    size = 2**_BITS
    below = np.cumsum([exp(-1) / factorial(count) for count in range(12)])
    return np.searchsorted(below, (np.arange(size) + 0.5) / size).astype(np.uint8)


def weights(
    cluster_keys: Any, seed: int = 0, resamples: int = RESAMPLES, chunk: int | None = None, backend: ArrayBackend = CPU
) -> Iterator[Array]:
    """Chunks of weights of clusters by their `keys`, float64 of shape (n, G), on the backend's device.

    They do not depend on the chunk, which comes in parts where it has more than 32 MiB.
    """
    chunk = chunk or chunk_of(len(cluster_keys))
    for start in range(0, resamples, chunk):
        for part in _parts(range(start, min(start + chunk, resamples)), len(cluster_keys)):
            yield backend.to(counts(seed, part, cluster_keys).astype(np.float64))


def chunk_of(clusters: int) -> int:
    """How many resamples of G clusters are a chunk."""
    return max(min(CHUNK, _CHUNK_BYTES // (_BYTES * max(clusters, 1))), 1)


def _parts(chunk: range, clusters: int) -> Iterator[range]:
    """A chunk in equal parts of at most 32 MiB, which give the same products to the last bit as the whole.

    A part of one resample, or a small one, would be multiplied by another routine that adds in another order.
    """
    most = max(MOST_BYTES // (_BYTES * max(clusters, 1)), 2)
    parts = max(min(ceil(len(chunk) / most), len(chunk) // 2), 1)
    for part in range(parts):
        yield chunk[len(chunk) * part // parts : len(chunk) * (part + 1) // parts]


def _greatest(members: Sequence[Member], seed: int, resamples: int, backend: ArrayBackend) -> Any:
    """The greatest t and the greatest -t of members that have the same clusters, a numpy array (resamples, 2)."""
    xp = backend.xp
    chunks = [xp.stack([xp.amax(t, -1), -xp.amin(t, -1)], -1) for t in studentised(members, seed, resamples, backend)]
    return backend.back(xp.concatenate(chunks))


def studentised(members: Sequence[Member], seed: int, resamples: int, backend: ArrayBackend = CPU) -> Iterator[Array]:
    """The t of members that have the same clusters, in chunks (n, members) of resamples: shift over error."""
    xp, last = backend.xp, len(members) + 1
    columns = backend.to(_columns(members))
    jumps = backend.to(np.array([member.jump for member in members], np.float64))
    for block in weights(members[0].keys, seed, resamples, backend=backend):
        sums = _product(block, columns) if backend.xp is np else block @ columns
        size, shift, square = sums[:, :1], sums[:, 1:last], sums[:, last:]
        spread = square - shift * shift / xp.clip(size, 1, None) + jumps
        varies = spread > 0
        yield xp.where(varies, shift / xp.sqrt(xp.where(varies, spread, 1.0)), 0.0)


def _product(block: Any, columns: Any) -> Any:
    """Weights (n, G) times columns (G, m), where they are few in steps for which BLAS uses one thread.

    This program has threads of its own here: those of BLAS would take the cores from them, and spin between products.
    The last bits are those of BLAS with one thread, on any number of cores.
    """
    step = _ALONE // columns.size // _ROWS * _ROWS
    if not step:
        return block @ columns
    product = np.empty((len(block), columns.shape[1]))
    starts = range(0, max(len(block) - 1, 1), step)  # the last part is not one row, which another routine multiplies
    for start, stop in pairwise([*starts, len(block)]):
        np.matmul(block[start:stop], columns, out=product[start:stop])
    return product


def _columns(members: Sequence[Member]) -> Any:
    """What weights are multiplied with, (G, 1 + 2 m): a one, the deviations of each member, and their squares."""
    last = len(members) + 1
    columns = np.ones((len(members[0].keys), 2 * last - 1))
    for at, member in enumerate(members, 1):
        columns[:, at] = member.deviations()
    np.square(columns[:, 1:last], out=columns[:, last:])
    return columns


def simultaneous_quantiles(
    family: Sequence[Member], *, seed: int = 0, resamples: int = RESAMPLES, backend: ArrayBackend = CPU
) -> tuple[float, float]:
    """The max-t quantiles of a family, below and above: with them as t, intervals are valid all at once with 95 %.

    The sides have one each, since samples with few losses have small errors, too. Both are at least Student's for one
    interval with the family's fewest clusters.
    """
    # The weights of members that have the same clusters are drawn once.
    groups = in_groups(family, lambda member: blake2b(member.keys).digest())
    with ThreadPoolExecutor(_THREADS) as pool:
        each = pool.map(lambda members: _greatest(members, seed, resamples, backend), groups)
        greatest = reduce(np.maximum, each, np.zeros((resamples, 2)))
    single = t_quantile(0.5 + CONFIDENCE / 2, min(len(member.keys) for member in family) - 1)
    below, above = np.quantile(greatest, 0.5 + CONFIDENCE / 2, axis=0, method="higher").tolist()
    return max(single, below), max(single, above)
