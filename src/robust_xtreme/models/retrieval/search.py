"""Finds the nearest candidates of each query by inner product, exactly.

A fast pass in float32 (numpy for a small pool, faiss for a larger one; on other devices torch) proposes more than k
candidates. Its error is at most `D * 2**-24 * |q| * |c|` for D dimensions, in whatever order a sum is taken (Higham,
Accuracy and Stability of Numerical Algorithms, section 3.1), so the pass gives all candidates that can be among the
best, on every device; their scores are computed again in float64 on the CPU, pair by pair. The result does not depend
on chunks, threads, batches of queries or devices.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from robust_xtreme.core.columns import Array, leading
from robust_xtreme.core.errors import Mismatch, NotFinite
from robust_xtreme.stats.bitext import Neighbours

_BLOCK: Final = 1 << 28
_HOST_BLOCK: Final = 1 << 24
"""The most bytes of products that are in memory at once: where torch computes them, and where numpy does."""

_GROUPS: Final = 3
"""Groups of candidates for each that is wanted, at least: of fewer, more products reach the bound that they give."""


def best_of_groups(products: Array, k: int) -> Array:
    """A bound (q,) that k or more products of each query (q, n) reach: the k-th greatest of the best of groups."""
    best, least = products, _GROUPS * k
    while best.shape[1] >= 2 * least:
        half = best.shape[1] // 2
        best = np.maximum(best[:, :half], best[:, half : 2 * half])
    at = best.shape[1] - k
    return np.asarray(np.partition(best, at, axis=1)[:, at])


def pairs_from(products: Array, floor: Array) -> tuple[Array, Array]:
    """The pairs of a query and a candidate (p,), in order, with a product (q, n) from `floor` (q,) on."""
    least = np.nextafter(floor.astype(np.float32), np.float32(-np.inf))
    cells = np.flatnonzero(products >= least[:, None])
    of = cells // products.shape[1]
    return of, cells - of * products.shape[1]


class _Faiss:
    """Products of queries (q, D) and a part (n, D) of the candidates, on the CPU."""

    def __init__(self, queries: Array) -> None:
        self._queries = queries

    def best(self, part: Array, most: int) -> tuple[Array, Array]:
        """The largest products of each query (q, most), unordered, and the indices in the part."""
        import faiss

        scores, candidates = faiss.knn(self._queries, part, most, metric=faiss.METRIC_INNER_PRODUCT)
        return scores, candidates

    def above(self, part: Array, which: Array, floor: Array) -> Iterator[tuple[Array, Array]]:
        """The pairs of a query, by its index in `which` (w,), and a candidate with a product from `floor` (w,) on."""
        wanted = self._queries[which]
        for block in _blocks(len(which), len(part), _HOST_BLOCK):
            of, columns = np.nonzero(wanted[block] @ part.T >= floor[block, None])
            yield of + block.start, columns


class _Torch:
    """The same on a device, which has the queries once; never in TF32, whose error is larger than float32's."""

    def __init__(self, queries: Array, device: str) -> None:
        self._device = device
        self._queries = self._sent(queries)

    def best(self, part: Array, most: int) -> tuple[Array, Array]:
        """As those of `_Faiss`, of a product in blocks of queries."""
        import torch

        columns = self._sent(part).T
        with _highest():
            blocks = _blocks(len(self._queries), len(part), _BLOCK)
            tops = [torch.topk(self._queries[block] @ columns, most, sorted=False) for block in blocks]
        scores, candidates = (torch.cat([top[index] for top in tops]).cpu().numpy() for index in (0, 1))
        return scores, candidates

    def above(self, part: Array, which: Array, floor: Array) -> Iterator[tuple[Array, Array]]:
        """As those of `_Faiss`; only the pairs leave the device."""
        columns, wanted, least = self._sent(part).T, self._queries[self._sent(which)], self._sent(floor)
        for block in _blocks(len(which), len(part), _BLOCK):
            with _highest():
                pairs = (wanted[block] @ columns >= least[block, None]).nonzero().cpu().numpy()
            yield pairs[:, 0] + block.start, pairs[:, 1]

    def _sent(self, rows: Array) -> Any:
        """The rows on the device; torch warns of read-only arrays, which are copied."""
        import torch

        return torch.from_numpy(np.require(rows, requirements="W")).to(self._device)


def _blocks(queries: int, candidates: int, most: int) -> Iterator[slice]:
    """Ranges of queries whose products in float32 fit into that many bytes, at least one query at a time."""
    size = max(1, most // (4 * candidates))
    return (slice(start, min(start + size, queries)) for start in range(0, queries, size))


@contextmanager
def _highest() -> Iterator[None]:
    """Products in float32 are not computed in TF32 within a context."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


QUANTUM: Final = 1e-6
"""Scores are compared as multiples of this. One input in two batches of other shapes gives vectors of length 1 that
differ in the last bits of float32, and scores that differ by some 1e-7; that is a tie, which the lowest index wins."""

CPU: Final = "cpu"
"""The device whose search needs no torch."""

CHUNK_BYTES: Final = 1 << 26
_SMALL: Final = 4096
_CELLS: Final = 1 << 19
"""Candidates up to which numpy has all products of some queries, and how many it has at once."""


@dataclass(frozen=True, slots=True)
class _Pool:
    """Candidates (n, D), read as float32 `rows` at a time; `k` is the number per query, `fast` proposes."""

    candidates: Array
    rows: int
    k: int
    fast: _Faiss | _Torch

    def chunks(self) -> Iterator[tuple[int, Array]]:
        """Each chunk with the index of its first row."""
        for start in range(0, len(self.candidates), self.rows):
            yield start, np.ascontiguousarray(self.candidates[start : start + self.rows], np.float32)


def search(
    queries: Array, candidates: Array, k: int, *, device: str, engine: str | None = None, chunk: int | None = None
) -> Neighbours:
    """The k best candidates (n, D) of each query (q, D) by inner product; ties go to the lowest index, k is cut to n.

    Never more than `chunk` rows are converted at once. `engine` is `faiss` or `torch`, by default torch on devices
    other than the CPU. Raises NotFinite naming the row, Mismatch where dimensions differ.
    """
    queries = np.ascontiguousarray(queries, np.float32)
    if queries.ndim != 2 or candidates.ndim != 2 or queries.shape[1] != candidates.shape[1]:
        raise Mismatch(f"Queries of shape {queries.shape} cannot be searched for in candidates of {candidates.shape}.")
    rows = chunk or max(1, CHUNK_BYTES // (4 * max(1, candidates.shape[1])))
    by_faiss = engine == "faiss" or (engine is None and device == CPU)
    fast = _Faiss(queries) if by_faiss else _Torch(queries, device)
    pool = _Pool(candidates, rows, max(0, min(k, len(candidates))), fast)
    length = _lengths(queries, "Query")
    if not len(queries) or not pool.k:
        return Neighbours(np.zeros((len(queries), pool.k), np.int64), np.zeros((len(queries), pool.k), np.float32))
    small = len(candidates) <= min(rows, _SMALL) and engine is None and device == CPU
    return _direct(pool, queries, length) if small else _exact(pool, queries, length)


def _direct(pool: _Pool, queries: Array, length: Array) -> Neighbours:
    """Score again what may be among the best of each query, by all products of some queries at a time."""
    ((_, candidates),) = pool.chunks()
    slack = 2 * _error(queries, length, float(_lengths(candidates, "Candidate").max())) + QUANTUM
    count, factors = len(candidates), candidates.astype(np.float64)
    indices, scores = np.empty((len(queries), pool.k), np.int64), np.empty((len(queries), pool.k), np.float32)
    step = max(1, _CELLS // count)
    space = np.empty((min(step, len(queries)), count), np.float32)
    for start in range(0, len(queries), step):
        block = slice(start, start + step)
        products = np.matmul(queries[block], candidates.T, out=space[: len(queries) - start])
        of, near = pairs_from(products, best_of_groups(products, pool.k) - slack[block])
        exact = _summed(queries[block].astype(np.float64), factors, of, near)
        indices[block], scores[block] = _ordered(len(products), pool.k, of, near, exact)
    return Neighbours(indices, scores)


def _error(queries: Array, length: Array, longest: float) -> Array:
    """The largest error (q,) of products in float32 of queries (q, D) with their `length` (q,) and candidates."""
    return np.asarray(length.astype(np.float64) * longest * queries.shape[1] * 2.0**-24 * 1.01)


def _exact(pool: _Pool, queries: Array, length: Array) -> Neighbours:
    """Propose, score again, and search again where the proposals may not contain all of the best."""
    scores, candidates, longest = _proposals(pool, len(queries))
    # candidates whose fast score is below `floor` (q,) cannot be among the k best by exact scores
    best = -np.partition(-scores, pool.k - 1, axis=1)[:, pool.k - 1]
    floor = best - 2 * _error(queries, length, longest) - QUANTUM
    of, column = np.nonzero((scores >= floor[:, None]) & (candidates >= 0))
    near = _ranked(pool, queries, of, candidates[of, column])
    if scores.shape[1] < len(pool.candidates):
        open_rows = np.flatnonzero(scores.min(axis=1) >= floor)
        if len(open_rows):
            _look_again(pool, queries, near, open_rows, floor[open_rows])
    return near


def _proposals(pool: _Pool, queries: int) -> tuple[Array, Array, float]:
    """More than k candidates of each query by the fast pass, unordered: scores, indices, and the longest candidate."""
    most = min(len(pool.candidates), pool.k + 32)
    scores, candidates, longest = np.zeros((queries, 0), np.float32), np.zeros((queries, 0), np.int64), 0.0
    for start, part in pool.chunks():
        longest = max(longest, float(_lengths(part, "Candidate", start).max()))
        part_scores, part_candidates = pool.fast.best(part, min(most, len(part)))
        scores = np.concatenate([scores, part_scores], 1)
        candidates = np.concatenate([candidates, part_candidates + start], 1)
        if scores.shape[1] > most:
            kept = np.argpartition(-scores, most - 1, axis=1)[:, :most]
            scores, candidates = np.take_along_axis(scores, kept, 1), np.take_along_axis(candidates, kept, 1)
    return scores, candidates, longest


def _look_again(pool: _Pool, queries: Array, near: Neighbours, which: Array, floor: Array) -> None:
    """Score every candidate that may be among the best of the queries in `which`, and replace their results."""
    wanted = queries[which]
    best = Neighbours(np.full((len(which), pool.k), -1, np.int64), np.full((len(which), pool.k), -np.inf, np.float64))
    size = _block(queries, 1 << 25)
    for start, part in pool.chunks():
        for of, columns in pool.fast.above(part, which, floor):
            for first in range(0, len(of), size):
                query, candidate = of[first : first + size], columns[first : first + size] + start
                _take(best, query, candidate, _summed(wanted, pool.candidates, query, candidate))
    near.indices[which], near.scores[which] = best.indices, best.scores


def _take(best: Neighbours, of: Array, candidates: Array, scores: Array) -> None:
    """Merge scored pairs (query, candidate) into the best so far."""
    # the rows of `best` that change, and for each new pair its number among them; old and new pairs compete
    touched, groups = np.unique(of, return_inverse=True)
    k = best.indices.shape[1]
    of = np.concatenate([np.repeat(np.arange(len(touched)), k), groups])
    candidates = np.concatenate([best.indices[touched].ravel(), candidates])
    scores = np.concatenate([best.scores[touched].ravel(), scores])
    best.indices[touched], best.scores[touched] = _first(len(touched), k, of, candidates, scores)


def _ranked(pool: _Pool, queries: Array, of: Array, candidates: Array) -> Neighbours:
    """The best k of the pairs given, by exact scores."""
    order = np.lexsort((candidates, of))
    of, candidates = of[order], candidates[order]
    scores = _summed(queries, pool.candidates, of, candidates)
    indices, values = _ordered(len(queries), pool.k, of, candidates, scores)
    return Neighbours(indices, values.astype(np.float32))


def _ordered(count: int, k: int, of: Array, candidates: Array, scores: Array) -> tuple[Array, Array]:
    """The best k candidates of each query (count, k) and their scores, from its pairs (p,), in order, k or more."""
    best = leading(of, -scores, count, k)
    return candidates[best], scores[best]


def _first(count: int, k: int, of: Array, candidates: Array, scores: Array) -> tuple[Array, Array]:
    """The first k pairs of each of `count` queries, by falling score, then rising index; -1 where there are fewer."""
    # pairs sorted by query, then score, then index; the rank of a pair is its distance from its query's first pair
    order = np.lexsort((candidates, -scores, of))
    of, candidates, scores = of[order], candidates[order], scores[order]
    rank = np.arange(len(of)) - np.searchsorted(of, of)
    kept = rank < k
    indices, values = np.full((count, k), -1, np.int64), np.full((count, k), -np.inf, np.float64)
    indices[of[kept], rank[kept]], values[of[kept], rank[kept]] = candidates[kept], scores[kept]
    return indices, values


def _block(queries: Array, most: int) -> int:
    """How many pairs are scored at once, whose factors take so many bytes."""
    return max(1, most // (8 * max(1, int(queries.shape[1]))))


def _summed(queries: Array, pool: Array, of: Array, candidates: Array) -> Array:
    """The scores (p,) float64 of pairs, to QUANTUM: products are exact, and the order of the sum depends on D alone."""
    scores = np.empty(len(of), np.float64)
    size = _block(queries, 1 << 19)  # which stays in a core's cache
    for start in range(0, len(of), size):
        block = slice(start, start + size)
        products = pool.take(candidates[block], axis=0).astype(np.float64, copy=False)
        products *= queries.take(of[block], axis=0)
        products.sum(axis=1, out=scores[block])
    return np.rint(scores / QUANTUM) * QUANTUM


def _lengths(rows: Array, what: str, start: int = 0) -> Array:
    """The Euclidean length of each row (r,). Raises NotFinite for a row without a finite length in float32."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths: Array = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    wrong = np.flatnonzero(~(lengths < 1e18))
    if len(wrong):
        row = int(wrong[0])
        why = "is too long for float32" if np.isfinite(rows[row]).all() else "contains NaN or an infinite number"
        cure = "Check the model that computed the vector."
        raise NotFinite(f"{what} {row + start} {why}, so that nothing can be searched. {cure}")
    return lengths
