"""On CUDA: the neighbours of the CPU, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from robust_xtreme.models.retrieval.search import search

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: none is available here"),
]
Array = np.ndarray[Any, Any]


def _unit(count: int, seed: int, dtype: str = "float32") -> Array:
    rows = np.random.default_rng(seed).standard_normal((count, 256))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(dtype)


@pytest.mark.parametrize("precision", ["highest", "high"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_neighbours_on_cuda_are_those_of_the_cpu(dtype: str, precision: str) -> None:
    """Indices and scores, also of near and exact ties, in small chunks, and where products may else be in TF32."""
    pool = np.concatenate([_unit(40_000, 0, dtype), np.repeat(_unit(50, 1, dtype), 100, axis=0)])
    queries = np.concatenate([_unit(200, 2), _unit(50, 1)])
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        nearest = [search(queries, pool, 20, device="cuda", chunk=chunk) for chunk in (None, 7000)]
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)
    expected = search(queries, pool, 20, device="cpu")
    for neighbours in nearest:
        assert np.array_equal(neighbours.indices, expected.indices)
        assert neighbours.scores.tobytes() == expected.scores.tobytes()
