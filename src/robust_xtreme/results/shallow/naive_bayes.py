"""Multinomial naive Bayes over hashed character n-grams, a shallow classifier of bags of texts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIZES: Final = (2, 3, 4, 5)
_BITS: Final = 18
BUCKETS: Final = 1 << _BITS
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER: Final = np.uint64(1_000_003)

Bag = Sequence[str]
"""Texts whose n-grams are counted together; no n-gram crosses from one of them to the next."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def folded(
    bags: Sequence[Bag], classes: Sequence[int], folds: Sequence[int], count: int, asked: Sequence[Sequence[Bag]]
) -> list[Floats]:
    """The log probability of each bag and class together, (n, C) for each of several lists parallel to `bags`.

    Each fold of a list is scored by what the other folds of `bags` teach, with their `classes` (below `count`); every
    n-gram is seen once more in each class than it is. A bag's most probable class is the first of equals.
    """
    labels, fold_of = np.asarray(classes, dtype=np.int64), np.asarray(folds, dtype=np.int64)
    buckets, owner = grams(bags)
    table = _counts(buckets, labels[owner], count)
    scores = [np.zeros((len(bags), count)) for _ in asked]
    for fold in np.unique(fold_of).tolist():
        members = np.flatnonzero(fold_of == fold).tolist()
        inside = fold_of[owner] == fold
        others = table - _counts(buckets[inside], labels[owner][inside], count)
        probable = np.log(others + 1) - np.log(others.sum(axis=1, keepdims=True) + BUCKETS)
        prior = _prior(np.bincount(labels[fold_of != fold], minlength=count))
        for values, each in zip(scores, asked, strict=True):
            values[members] = _scores([each[at] for at in members], probable) + prior
    return scores


def _scores(bags: Sequence[Bag], probable: Floats) -> Floats:
    """The summed log probability of each bag's n-grams in each class, (n, C)."""
    buckets, owner = grams(bags)
    return np.stack([np.bincount(owner, weights=row[buckets], minlength=len(bags)) for row in probable], axis=1)


def _prior(counts: Ints) -> Floats:
    smooth = counts + 1.0
    return np.asarray(np.log(smooth / smooth.sum()))


def _counts(buckets: Ints, classes: Ints, count: int) -> Floats:
    """How often each bucket occurs in each class, (C, 2 ** 18)."""
    counted = np.bincount(classes * BUCKETS + buckets, minlength=count * BUCKETS)
    return counted.reshape(count, BUCKETS).astype(np.float64)


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
