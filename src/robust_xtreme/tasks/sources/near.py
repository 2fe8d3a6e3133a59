"""Near-duplicates in other clusters, which intervals count as independent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from robust_xtreme.core.examples import Example, without_numbers

_RUN: Final = 5
_EDGE: Final = "\n" * (_RUN - 1)
_KEYS: Final = np.random.default_rng(0).integers(1 << 63, size=128, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_NEIGHBOURS: Final = range(1, 9)


def near_duplicates(examples: Sequence[Example]) -> int:
    """How many examples have a near-duplicate in another cluster.

    Of two near-duplicates half of the runs of five characters are the same (Jaccard; numbers are `#`), by 128 hashes
    (Broder 1997; standard error 0.04). Texts with two equal hashes are compared with up to 1,024 others.
    """
    texts = (without_numbers("\n".join(text.value for text in example.texts.values())) for example in examples)
    items = list(zip(texts, (example.cluster for example in examples), strict=True))
    distinct = list(dict.fromkeys(items))
    hashes, near = _hashes([text for text, _ in distinct]), np.zeros(len(distinct), np.bool_)
    _, clusters = np.unique([cluster for _, cluster in distinct], return_inverse=True)
    for index in range(0, len(_KEYS), 2):
        band = hashes[:, index] * _KEYS[0] + hashes[:, index + 1]
        order = np.lexsort((hashes[:, index - 1], band))
        for step in _NEIGHBOURS:
            left, right = order[:-step], order[step:]
            asked = (band[left] == band[right]) & (clusters[left] != clusters[right])
            left, right = left[asked], right[asked]
            alike = (hashes[left] == hashes[right]).mean(1) >= 1 / 2
            near[left[alike]] = near[right[alike]] = True
    near_items = {distinct[index] for index in np.flatnonzero(near)}
    return sum(item in near_items for item in items)


def _hashes(texts: Sequence[str]) -> Any:
    """The least of each hash over the runs of each text, with its edges, uint64 (texts, 128)."""
    joined = "".join(f"{_EDGE}{text}" for text in texts) + _EDGE
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    runs = np.lib.stride_tricks.sliding_window_view(points, _RUN) @ _KEYS[:_RUN]
    mixed = runs ^ (runs >> np.uint64(29))
    firsts = np.cumsum([0, *(len(_EDGE) + len(text) for text in texts)])[:-1]
    return np.stack([np.minimum.reduceat((mixed ^ key) * key, firsts) for key in _KEYS], axis=1)
