"""Multinomial naive Bayes over hashed character n-grams, a shallow classifier of bags of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from robust_xtreme.examples import digest

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
Floats = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class NaiveBayes:
    """Log probabilities of classes, (C,), and of n-gram buckets in each class, (C, 2 ** 18)."""

    prior: Floats
    buckets: Floats

    def predict(self, bags: Sequence[Bag]) -> list[int]:
        """The likeliest class of each bag; ties go to the lowest index."""
        return _likeliest(self.scores(bags))

    def scores(self, bags: Sequence[Bag]) -> Floats:
        """The log probability of each bag and class together, (n, C)."""
        predicted = np.zeros((len(bags), len(self.prior)))
        for start in range(0, len(bags), CHUNK):
            chunk = bags[start : start + CHUNK]
            buckets, owner = grams(chunk)
            sums = [np.bincount(owner, weights=row[buckets], minlength=len(chunk)) for row in self.buckets]
            predicted[start : start + CHUNK] = np.stack(sums, axis=1) + self.prior
        return predicted


def fit(bags: Sequence[Bag], classes: Sequence[int], count: int, smoothing: float = 1.0) -> NaiveBayes:
    """Fit on bags with their class indices (below `count`); every bucket is seen `smoothing` times in each class."""
    table = np.zeros((count, BUCKETS))
    labels = np.asarray(classes, dtype=np.int64)
    for start in range(0, len(bags), CHUNK):
        buckets, owner = grams(bags[start : start + CHUNK])
        table += _counts(buckets, labels[start : start + CHUNK][owner], count)
    likely = np.log(table + smoothing) - np.log(table.sum(axis=1, keepdims=True) + smoothing * BUCKETS)
    return NaiveBayes(_prior(np.bincount(labels, minlength=count)), likely)


def folded(
    bags: Sequence[Bag], classes: Sequence[int], folds: Sequence[int], count: int, smoothing: float = 1.0
) -> list[int]:
    """The likeliest class of each bag, fitted on the bags of the other folds."""
    return _likeliest(folded_scores(bags, classes, folds, count, smoothing))


def folded_scores(
    bags: Sequence[Bag], classes: Sequence[int], folds: Sequence[int], count: int, smoothing: float = 1.0
) -> Floats:
    """The `scores` of each bag, (n, C), fitted on the bags of the other folds: one fit, minus each fold in turn."""
    labels, fold_of = np.asarray(classes, dtype=np.int64), np.asarray(folds, dtype=np.int64)
    buckets, owner = grams(bags)
    of, fold_of_gram = labels[owner], fold_of[owner]
    table = _counts(buckets, of, count)
    sums = np.zeros((len(bags), count))
    for fold in sorted(set(folds)):
        inside = fold_of_gram == fold
        mine, owners = buckets[inside], owner[inside]
        others = table - _counts(mine, of[inside], count)
        for index, row in enumerate(others):
            likely = np.log(row[mine] + smoothing) - np.log(row.sum() + smoothing * BUCKETS)
            sums[:, index] += np.bincount(owners, weights=likely, minlength=len(bags))
        sums[fold_of == fold] += _prior(np.bincount(labels[fold_of != fold], minlength=count))
    return sums


def _likeliest(scores: Floats) -> list[int]:
    return [int(index) for index in scores.argmax(axis=1)]


def fold(cluster: str, folds: int) -> int:
    """The fold of a cluster, by its hash."""
    return int(digest("fold", cluster), 16) % folds


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
