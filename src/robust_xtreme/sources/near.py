"""Near-duplicates in other clusters, which intervals count as independent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from robust_xtreme.examples import Example, without_numbers

_RUN: Final = 5
_HASHES: Final = 128
_NEIGHBOURS: Final = 8
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


def near_duplicates(examples: Sequence[Example]) -> int:
    """How many examples have a near-duplicate in another cluster.

    Two are near-duplicates if at least half of the runs of five characters of their texts, numbers as `#`, are the same
    (Jaccard). The share is estimated from 128 hashes (Broder 1997), with a standard error of at most 0.05; texts two of
    whose hashes agree are compared with up to 1,024 such texts.
    """
    texts = [without_numbers("\n".join(text.value for text in example.texts.values())) for example in examples]
    clusters = defaultdict[str, set[str]](set)
    for text, example in zip(texts, examples, strict=True):
        clusters[text].add(example.cluster)
    names = [text if len(within) > 1 else min(within) for text, within in clusters.items()]
    near = np.array([len(within) > 1 for within in clusters.values()])
    _, codes = np.unique(names, return_inverse=True)
    hashes = _hashes([*clusters])
    for index in range(0, _HASHES, 2):
        band = hashes[:, index] * _ODD + hashes[:, index + 1]
        order = np.lexsort((hashes[:, index - 1], band))
        for step in range(1, _NEIGHBOURS + 1):
            left, right = order[:-step], order[step:]
            asked = (band[left] == band[right]) & (codes[left] != codes[right])
            left, right = left[asked], right[asked]
            alike = (hashes[left] == hashes[right]).mean(1) >= 1 / 2
            near[left[alike]] = near[right[alike]] = True
    known = dict(zip(clusters, near.tolist(), strict=True))
    return sum(known[text] for text in texts)


def _hashes(texts: Sequence[str]) -> Any:
    """The least of each hash over the runs of each text, uint64 (texts, 128)."""
    padded = "".join(text + "\n" * _RUN for text in texts).encode("utf-32-le", "surrogatepass")
    points = np.frombuffer(padded, np.uint32).astype(np.uint64)
    runs = np.zeros(len(points) - _RUN + 1, np.uint64)
    for shift in range(_RUN):
        runs = (runs ^ points[shift : shift + len(runs)]) * _ODD
        runs ^= runs >> np.uint64(29)
    lengths = np.array([len(text) for text in texts])
    many = np.maximum(lengths - _RUN + 1, 1)
    starts = np.cumsum(lengths + _RUN) - lengths - _RUN
    firsts = np.cumsum(many) - many
    runs = runs[np.repeat(starts - firsts, many) + np.arange(many.sum())]
    keys = np.random.default_rng(0).integers(1 << 62, size=_HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return np.stack([np.minimum.reduceat((runs ^ key) * key, firsts) for key in keys], axis=1)
