"""Multinomial naive Bayes over hashed character n-grams, a shallow classifier of bags of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from robust_xtreme.examples import digest
from robust_xtreme.results.shallow.grams import BUCKETS, CHUNK, Bag, Ints, grams

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
