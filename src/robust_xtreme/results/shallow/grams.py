"""Character n-grams of many texts at once, hashed into buckets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIZES: Final = (2, 3, 4, 5)
_BITS: Final = 18
BUCKETS: Final = 1 << _BITS
CHUNK: Final = 4096
"""How many bags are counted at a time."""

_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER: Final = np.uint64(1_000_003)

Bag = Sequence[str]
"""Texts whose n-grams are counted together; no n-gram crosses from one of them to the next."""

Ints = NDArray[np.int64]


def grams(bags: Sequence[Bag], sizes: Sequence[int] = SIZES) -> tuple[Ints, Ints]:
    """Buckets of the n-grams of all texts in lower case between spaces, and the bag of each, both (m,)."""
    padded = [f" {text.lower()} " for text in chain.from_iterable(bags)]
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    text, bag = _repeated([len(bag) for bag in padded]), _repeated([len(bag) for bag in bags])
    hashed, hashes, owners = points + np.uint64(1), [], []
    for size in range(2, max(sizes) + 1):
        hashed = hashed[:-1] * _MULTIPLIER + points[size - 1 :]
        if size not in sizes:
            continue
        inside = text[: len(hashed)] == text[size - 1 :]
        mixed = (hashed[inside] + np.uint64(size)) * _FACTOR
        hashes.append((mixed >> np.uint64(64 - _BITS)).astype(np.int64))
        owners.append(text[: len(hashed)][inside])
    return np.concatenate(hashes), bag[np.concatenate(owners)]


def _repeated(lengths: Sequence[int]) -> Ints:
    """0, 1, 2, ..., each number repeated by its length."""
    return np.repeat(np.arange(len(lengths)), np.asarray(lengths, dtype=np.int64))
