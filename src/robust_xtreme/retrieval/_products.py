"""The fast pass of a search: products in float32 by faiss, or by torch on any device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol, final

import numpy as np

Array = np.ndarray[Any, Any]

FAISS: Final = "faiss"
_BLOCK: Final = 1 << 28
_HOST_BLOCK: Final = 1 << 24
"""The most bytes of products that are in memory at once: where torch computes them, and where numpy does."""

_GROUPS: Final = 3
"""Groups of candidates for each that is wanted, at least: of fewer, more products reach the bound that they give."""


class Products(Protocol):
    """Products of the queries (q, D) that it was made with and a part (n, D) of the candidates."""

    def best(self, part: Array, most: int) -> tuple[Array, Array]:
        """The largest products of each query (q, most), unordered, and the indices in the part."""
        ...

    def above(self, part: Array, which: Array, floor: Array) -> Iterator[tuple[Array, Array]]:
        """The pairs of a query, by its index in `which` (w,), and a candidate with a product from `floor` (w,) on."""
        ...


def products(queries: Array, engine: str | None, device: str) -> Products:
    """The engine of a device: by default faiss on the CPU and torch elsewhere."""
    by_faiss = engine == FAISS or (engine is None and device == "cpu")
    return _Faiss(queries) if by_faiss else _Torch(queries, device)


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


@final
class _Faiss:
    """Products on the CPU."""

    def __init__(self, queries: Array) -> None:
        self._queries = queries

    def best(self, part: Array, most: int) -> tuple[Array, Array]:
        """By faiss."""
        import faiss

        scores, candidates = faiss.knn(self._queries, part, most, metric=faiss.METRIC_INNER_PRODUCT)
        return scores, candidates

    def above(self, part: Array, which: Array, floor: Array) -> Iterator[tuple[Array, Array]]:
        """By numpy, in blocks of queries."""
        wanted = self._queries[which]
        for block in _blocks(len(which), len(part), _HOST_BLOCK):
            of, columns = np.nonzero(wanted[block] @ part.T >= floor[block, None])
            yield of + block.start, columns


@final
class _Torch:
    """Products on a device, which has the queries once; never in TF32, whose error is larger than float32's."""

    def __init__(self, queries: Array, device: str) -> None:
        self._device = device
        self._queries = self._sent(queries)

    def best(self, part: Array, most: int) -> tuple[Array, Array]:
        """A product and its largest entries, in blocks of queries."""
        import torch

        columns = self._sent(part).T
        with _highest():
            blocks = _blocks(len(self._queries), len(part), _BLOCK)
            tops = [torch.topk(self._queries[block] @ columns, most, sorted=False) for block in blocks]
        scores, candidates = (torch.cat([top[index] for top in tops]).cpu().numpy() for index in (0, 1))
        return scores, candidates

    def above(self, part: Array, which: Array, floor: Array) -> Iterator[tuple[Array, Array]]:
        """A product and where it is large enough, in blocks of queries; only the pairs leave the device."""
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
