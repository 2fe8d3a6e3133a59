"""The first values of rows of different lengths, in order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from robust_xtreme.core.columns import bounds_of


def leading(row: NDArray[np.int64], values: NDArray[Any], rows: int, k: int) -> NDArray[np.int64]:
    """The indices (rows, k) of each row's k smallest values (p,) in order, of equals the first.

    `row` (p,) is in order, and each row has k values or more; each takes as much memory as the longest.
    """
    counts = np.bincount(row, minlength=rows)
    width, starts = int(counts.max(initial=k)), bounds_of(counts)[:-1]
    table = np.full(rows * width, values.max(initial=0), values.dtype)
    table[np.arange(len(row)) + (np.arange(rows) * width - starts).take(row)] = values
    order = np.argsort(table.reshape(rows, width), axis=1, kind="stable")[:, :k]
    order += starts[:, None]
    return order
