"""Search: the best candidates are those of brute force, however the work is cut and however many are equal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from robust_xtreme.core.errors import Mismatch, NotFinite
from robust_xtreme.models.retrieval.search import QUANTUM, search
from robust_xtreme.stats.bitext import Neighbours

Array = np.ndarray[Any, Any]
ENGINES: Final = ("faiss", "torch")
DEFAULT: Final = None
"""The engine of the device: on the CPU numpy for a small pool in one chunk, and faiss otherwise."""


def unit(count: int, width: int, seed: int, dtype: str = "float32") -> Array:
    """Vectors of length 1."""
    rows = np.random.default_rng(seed).standard_normal((count, width))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(dtype)


def brute(queries: Array, candidates: Array, k: int) -> Neighbours:
    """The best k by a product in float64, sorted whole."""
    scores = np.rint(queries.astype(np.float64) @ candidates.astype(np.float64).T / QUANTUM)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return Neighbours(order, (np.take_along_axis(scores, order, 1) * QUANTUM).astype(np.float32))


def same(ours: Neighbours, theirs: Neighbours) -> bool:
    """Whether indices and the bits of scores are equal."""
    return np.array_equal(ours.indices, theirs.indices) and ours.scores.tobytes() == theirs.scores.tobytes()


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 9),
    st.integers(1, 300),
    st.integers(1, 40),
    st.integers(1, 60),
    st.integers(1, 400),
    st.sampled_from(["float32", "float16"]),
    st.sampled_from([*ENGINES, DEFAULT]),
)
def test_the_best_are_those_of_brute_force(
    seed: int, queries: int, count: int, width: int, k: int, chunk: int, dtype: str, engine: str | None
) -> None:
    """With few different values, so that many candidates are equal, in chunks of any size, by every engine."""
    draw = np.random.default_rng(seed)
    wanted = (draw.integers(-2, 3, (queries, width)) / 4).astype(np.float32)
    pool = (draw.integers(-2, 3, (count, width)) / 4).astype(dtype)
    nearest = search(wanted, pool, k, device="cpu", chunk=chunk, engine=engine)
    assert (nearest.indices.dtype.name, nearest.scores.dtype.name) == ("int64", "float32")
    assert nearest.indices.shape == nearest.scores.shape == (queries, min(k, count))
    assert same(nearest, brute(wanted, pool, k))


@pytest.mark.parametrize("engine", [*ENGINES, DEFAULT])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_neither_chunks_nor_batches_nor_threads_change_a_bit(dtype: str, engine: str | None) -> None:
    """Near ties, whose order the last bits of float32 decide: every way to cut the work gives the same."""
    base = unit(40, 96, 1)
    pool = np.repeat(base, 50, axis=0) + 3e-7 * unit(2000, 96, 2)
    pool, wanted = pool.astype(dtype), unit(30, 96, 3)
    whole = search(wanted, pool, 20, device="cpu", engine="faiss")
    assert same(whole, brute(wanted, pool, 20))
    for chunk in (7, 64, 999):
        assert same(search(wanted, pool, 20, device="cpu", chunk=chunk, engine=engine), whole)
    rows = [search(wanted[row : row + 1], pool, 20, device="cpu", engine=engine) for row in range(len(wanted))]
    assert np.array_equal(np.concatenate([row.indices for row in rows]), whole.indices)
    threads = faiss.omp_get_max_threads(), torch.get_num_threads()
    try:
        faiss.omp_set_num_threads(3)
        torch.set_num_threads(3)
        assert same(search(wanted, pool, 20, device="cpu", engine=engine), whole)
    finally:
        faiss.omp_set_num_threads(threads[0])
        torch.set_num_threads(threads[1])


def test_products_of_torch_are_never_in_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those that propose nor those that look again, and the setting of before is restored."""
    seen = []
    product = torch.Tensor.__matmul__
    before = torch.get_float32_matmul_precision()

    def spied(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        seen.append(torch.get_float32_matmul_precision())
        return product(left, right)

    monkeypatch.setattr(torch.Tensor, "__matmul__", spied)
    torch.set_float32_matmul_precision("high")
    try:
        equal = np.repeat(unit(1, 8, 0), 100, axis=0)
        assert search(equal[:1], equal, 2, device="cpu", engine="torch").indices.tolist() == [[0, 1]]
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)
    assert seen == ["highest", "highest"]


@pytest.mark.parametrize("engine", ENGINES)
def test_of_ten_thousand_equal_candidates_the_first_win(engine: str) -> None:
    """Far more ties than are wanted, over several chunks, with one better candidate at the end."""
    same_vector, better = unit(2, 64, 4)
    pool = np.concatenate([np.repeat(same_vector[None], 10_000, axis=0), better[None]])
    nearest = search(np.stack([better, same_vector]), pool, 5, device="cpu", chunk=3000, engine=engine)
    assert nearest.indices.tolist() == [[10_000, 0, 1, 2, 3], [0, 1, 2, 3, 4]]


@pytest.mark.parametrize("count", [4096, 4097])
def test_the_size_of_a_pool_changes_no_bit(count: int) -> None:
    """Up to it numpy has all products, of some queries at a time; of near ties each must be scored again."""
    pool = np.tile(unit(64, 24, 9), (65, 1))[:count] + 1e-7 * unit(count, 24, 10)
    wanted, pool = unit(150, 24, 11), pool.astype(np.float32)
    whole = search(wanted, pool, 20, device="cpu", engine="faiss")
    assert same(search(wanted, pool, 20, device="cpu"), whole)
    assert same(whole, brute(wanted, pool, 20))


def test_a_small_pool_is_searched_without_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of the fast pass takes longer to import than the search."""
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert search(unit(2, 8, 0), unit(50, 8, 0), 1, device="cpu").indices.tolist() == [[0], [1]]


def test_what_differs_by_less_than_a_quantum_is_a_tie() -> None:
    """Noise of the encoder decides nothing; a difference of two quanta does."""
    pool = np.array([[0.5], [0.5 + 2e-7], [0.5 - 2e-7], [0.5 + 4e-6]], np.float32)
    assert search(np.ones((1, 1), np.float32), pool, 4, device="cpu").indices.tolist() == [[3, 0, 1, 2]]


def test_vectors_of_any_length_are_searched() -> None:
    """Raw hidden states have lengths of hundreds."""
    wanted, pool = 300 * unit(5, 128, 5), 300 * unit(4000, 128, 6)
    assert np.array_equal(
        search(wanted, pool, 10, device="cpu").indices, np.argsort(-(wanted.astype(np.float64) @ pool.T))[:, :10]
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_mapped_file_is_searched(tmp_path: Path, dtype: str, engine: str) -> None:
    """Candidates in a read-only file give what those in memory give, queries in one too."""
    pool, wanted = unit(500, 32, 7, dtype), unit(4, 32, 8)
    pool.tofile(tmp_path / "pool")
    wanted.tofile(tmp_path / "wanted")
    mapped = np.memmap(tmp_path / "pool", dtype, "r", shape=(500, 32))
    asked = np.memmap(tmp_path / "wanted", np.float32, "r", shape=(4, 32))
    assert same(search(asked, mapped, 9, device="cpu", chunk=64, engine=engine), brute(wanted, pool, 9))


@pytest.mark.parametrize("shape", [(0, 5, 3), (4, 0, 3), (4, 5, 0)])
def test_nothing_to_search_gives_nothing(shape: tuple[int, int, int]) -> None:
    """No queries, no candidates, none wanted: arrays of that shape."""
    queries, count, k = shape
    nearest = search(unit(queries, 8, 0), unit(count, 8, 1), k, device="cpu")
    assert nearest.indices.shape == nearest.scores.shape == (queries, min(k, count))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_named_by_its_row(value: float) -> None:
    """The first row with NaN or infinity, of queries and candidates, counted over chunks."""
    rows, wrong = unit(90, 8, 0), unit(90, 8, 0)
    wrong[[70, 71], 3] = value
    for words, queries, candidates in (("Query 70", wrong, rows), ("Candidate 70", rows, wrong)):
        with pytest.raises(NotFinite, match=f"{words} contains NaN") as error:
            search(queries, candidates, 3, device="cpu", chunk=16)
        assert "\n" not in str(error.value)


def test_what_overflows_and_what_does_not_fit_is_refused() -> None:
    """Vectors whose products are infinite in float32, and matrices of different widths."""
    rows = unit(5, 8, 0)
    with pytest.raises(NotFinite, match="Candidate 2"):
        search(rows, np.where(np.arange(5)[:, None] == 2, 1e30, rows).astype(np.float32), 3, device="cpu")
    with pytest.raises(Mismatch, match=r"\(5, 7\)"):
        search(rows, rows[:, :7], 3, device="cpu")
