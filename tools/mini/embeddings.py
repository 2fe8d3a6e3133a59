"""Word vectors that mean the same in every language: a truncated SVD of the token x sentence matrix.

All translations of a clause are one column, so tokens that occur in the same clauses get near vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_matrix

Matrix = np.ndarray[Any, np.dtype[np.float64]]
_OVERSAMPLED: Final = 32
_ROUNDS: Final = 6


def counted(columns: Sequence[Iterable[int]], vocabulary: int) -> Any:
    """The sparse matrix (V, N) that is 1 where a token occurs in a column."""
    pairs = [(token, index) for index, tokens in enumerate(columns) for token in sorted(set(tokens))]
    rows, indices = np.array(pairs).T
    return csr_matrix((np.ones(len(pairs)), (rows, indices)), shape=(vocabulary, len(columns)))


def weighted(counts: Any) -> Any:
    """Counts (V, N) times each token's inverse column frequency, then rows of unit length."""
    df = np.asarray(counts.sum(axis=1)).ravel()
    idf = np.log((1 + counts.shape[1]) / (1 + df))
    rows = counts.multiply(idf[:, None]).tocsr()
    norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return rows.multiply((1 / np.maximum(norms, 1e-9))[:, None]).tocsr()


def svd(matrix: Any, rank: int, seed: int) -> tuple[Matrix, Matrix]:
    """The largest `rank` left singular vectors (V, rank) and values, by subspace iteration from a seeded start."""
    start = np.random.default_rng((seed, 7)).standard_normal((matrix.shape[1], rank + _OVERSAMPLED))
    basis, _ = np.linalg.qr(matrix @ start)
    for _ in range(_ROUNDS):
        basis, _ = np.linalg.qr(matrix @ (matrix.T @ basis))
    left, values, _ = np.linalg.svd(basis.T @ matrix, full_matrices=False)
    return (basis @ left)[:, :rank], values[:rank]


def unit(rows: Matrix) -> Matrix:
    """Rows of unit length; a row of zeros stays."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Matrix = rows / np.maximum(norms, 1e-9)
    return scaled
