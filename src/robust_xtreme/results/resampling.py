"""Bootstrap weights drawn by key, so that the same cluster gets the same weight in every cell, language and task.

A weight is a Poisson(1) count that depends only on (seed, resample, cluster id). It is drawn in numpy and copied to the
device, so it is the same integer on every device; resampling is counts @ statistics, in chunks of resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, factorial
from typing import Any, Final, final

import numpy as np

from robust_xtreme.examples import digest
from robust_xtreme.metric import Array
from robust_xtreme.results.intervals import CONFIDENCE, CPU, Backend, t_quantile

RESAMPLES: Final = 4000
CHUNK: Final = 500
_BITS: Final = 16
_STEP: Final = 0x9E3779B97F4A7C15
_MIX: Final = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


@final
@dataclass(frozen=True, slots=True)
class Member:
    """One cell of a declared family: the deviations (G,) of its leave-one-cluster-out values, its J, its clusters."""

    deviations: Any
    jump: float
    clusters: tuple[str, ...]


def keys(clusters: Sequence[str]) -> Any:
    """The 64-bit key of each cluster id, as uint64 (G,)."""
    return np.array([int(digest(cluster), 16) for cluster in clusters], dtype=np.uint64)


def counts(seed: int, resamples: range, cluster_keys: Any) -> Any:
    """Poisson(1) weights, uint8 of shape (resamples, G): one function of seed, resample and cluster key."""
    word = np.uint64(int(digest("bootstrap", str(seed)), 16))
    rows = _mixed(np.arange(resamples.start, resamples.stop, dtype=np.uint64) * np.uint64(_STEP) ^ word)
    return _table()[_mixed(rows[:, None] ^ cluster_keys[None, :]) >> np.uint64(64 - _BITS)]


def _mixed(words: Any) -> Any:
    """Spread every bit of each 64-bit word over all of it (the finaliser of Steele, Lea and Flood, OOPSLA 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(_MIX[0])
    words = (words ^ (words >> np.uint64(27))) * np.uint64(_MIX[1])
    return words ^ (words >> np.uint64(31))


@cache
def _table() -> Any:
    """The Poisson(1) count of each of 2^16 equally likely draws."""
    size = 2**_BITS
    below = np.cumsum([exp(-1) / factorial(count) for count in range(12)])
    return np.searchsorted(below, (np.arange(size) + 0.5) / size).astype(np.uint8)


def weights(
    clusters: Sequence[str], seed: int = 0, resamples: int = RESAMPLES, chunk: int = CHUNK, backend: Backend = CPU
) -> Iterator[Array]:
    """Chunks of weights, float64 of shape (chunk, G), on the backend's device; they do not depend on the chunk."""
    cluster_keys = keys(clusters)
    for start in range(0, resamples, chunk):
        block = counts(seed, range(start, min(start + chunk, resamples)), cluster_keys)
        yield backend.to(block.astype(np.float64))


def _studentised(member: Member, seed: int, resamples: int, backend: Backend) -> Any:
    deviations = np.asarray(backend.back(member.deviations), dtype=np.float64)
    columns = backend.to(np.stack([np.ones_like(deviations), deviations, deviations**2], -1))
    blocks = weights(member.clusters, seed, resamples, backend=backend)
    size, shift, square = np.concatenate([backend.back(block @ columns) for block in blocks]).T
    spread = square - shift**2 / np.maximum(size, 1) + member.jump
    return np.divide(shift, np.sqrt(spread), out=np.zeros_like(shift), where=spread > 0)


def simultaneous_quantile(
    family: Sequence[Member], *, seed: int = 0, resamples: int = RESAMPLES, backend: Backend = CPU
) -> float:
    """The max-t quantile of a family: with it as t, its intervals are valid all at once with 95 %.

    Draws are joint: cells that share clusters move together. The quantile is at least Student's for one interval with
    the family's fewest clusters.
    """
    greatest = np.zeros(resamples)
    for member in family:
        greatest = np.maximum(greatest, np.abs(_studentised(member, seed, resamples, backend)))
    single = t_quantile(0.5 + CONFIDENCE / 2, min(len(member.clusters) for member in family) - 1)
    return max(single, float(np.quantile(greatest, CONFIDENCE, method="higher")))
