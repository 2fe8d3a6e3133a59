"""Multinomial naive Bayes over hashed character n-grams: the shallow reader of bags of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from robust_xtreme.examples import digest

_SIZES: Final = (2, 3, 4, 5)
_BITS: Final = 18
_BUCKETS: Final = 1 << _BITS
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER: Final = np.uint64(1_000_003)
_CHUNK: Final = 4096

Bag = Sequence[str]
"""Texts whose n-grams are counted together; no n-gram crosses from one of them to the next."""

_Ints = NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True)
class NaiveBayes:
    """Log probabilities of classes, (C,), and of n-gram buckets in each class, (C, 2 ** 18)."""

    prior: NDArray[np.float64]
    buckets: NDArray[np.float64]

    def predict(self, bags: Sequence[Bag]) -> list[int]:
        """The likeliest class of each bag; ties go to the lowest index."""
        predicted: list[int] = []
        for start in range(0, len(bags), _CHUNK):
            chunk = bags[start : start + _CHUNK]
            grams, owner = _grams(chunk)
            sums = [np.bincount(owner, weights=row[grams], minlength=len(chunk)) for row in self.buckets]
            predicted += (np.stack(sums, axis=1) + self.prior).argmax(axis=1).tolist()
        return predicted


def fit(bags: Sequence[Bag], classes: Sequence[int], count: int, smoothing: float = 1.0) -> NaiveBayes:
    """Fit on bags with their class indices (below `count`); every bucket is seen `smoothing` times in each class."""
    table = np.zeros((count, _BUCKETS))
    labels = np.asarray(classes, dtype=np.int64)
    for start in range(0, len(bags), _CHUNK):
        grams, owner = _grams(bags[start : start + _CHUNK])
        table += _counts(grams, labels[start : start + _CHUNK][owner], count)
    likely = np.log(table + smoothing) - np.log(table.sum(axis=1, keepdims=True) + smoothing * _BUCKETS)
    return NaiveBayes(_prior(np.bincount(labels, minlength=count)), likely)


def folded(
    bags: Sequence[Bag], classes: Sequence[int], folds: Sequence[int], count: int, smoothing: float = 1.0
) -> list[int]:
    """The likeliest class of each bag by what the bags of the other folds show: one fit, less each fold in its turn."""
    labels, fold_of = np.asarray(classes, dtype=np.int64), np.asarray(folds, dtype=np.int64)
    grams, owner = _grams(bags)
    of, fold_of_gram = labels[owner], fold_of[owner]
    table = _counts(grams, of, count)
    sums = np.zeros((len(bags), count))
    for fold in sorted(set(folds)):
        inside = fold_of_gram == fold
        mine, owners = grams[inside], owner[inside]
        rest = table - _counts(mine, of[inside], count)
        for place, row in enumerate(rest):
            likely = np.log(row[mine] + smoothing) - np.log(row.sum() + smoothing * _BUCKETS)
            sums[:, place] += np.bincount(owners, weights=likely, minlength=len(bags))
        sums[fold_of == fold] += _prior(np.bincount(labels[fold_of != fold], minlength=count))
    return [int(place) for place in sums.argmax(axis=1)]


def fold(cluster: str, folds: int) -> int:
    """The fold of a cluster, by its hash."""
    return int(digest("fold", cluster), 16) % folds


def _prior(counts: _Ints) -> NDArray[np.float64]:
    smooth = counts + 1.0
    logs: NDArray[np.float64] = np.log(smooth / smooth.sum())
    return logs


def _counts(grams: _Ints, classes: _Ints, count: int) -> NDArray[np.float64]:
    """How often each bucket stands in each class, (C, 2 ** 18)."""
    found = np.bincount(classes * _BUCKETS + grams, minlength=count * _BUCKETS)
    return found.reshape(count, _BUCKETS).astype(np.float64)


def _grams(bags: Sequence[Bag]) -> tuple[_Ints, _Ints]:
    """Buckets of the n-grams of all texts, and the bag of each. No n-gram crosses two texts."""
    padded = [f" {text.lower()} " for text in chain.from_iterable(bags)]
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    text, bag = _repeated([len(one) for one in padded]), _repeated([len(one) for one in bags])
    hashed, grams, owners = points + np.uint64(1), [], []
    for size in range(2, max(_SIZES) + 1):
        hashed = hashed[:-1] * _MULTIPLIER + points[size - 1 :]
        inside = text[: len(hashed)] == text[size - 1 :]
        grams.append(_bucket(hashed[inside], size))
        owners.append(text[: len(hashed)][inside])
    return np.concatenate(grams), bag[np.concatenate(owners)]


def _repeated(lengths: Sequence[int]) -> _Ints:
    """0, 1, 2, ..., each as often as its length says."""
    return np.repeat(np.arange(len(lengths)), np.asarray(lengths, dtype=np.int64))


def _bucket(hashed: NDArray[np.uint64], size: int) -> _Ints:
    mixed = (hashed + np.uint64(size)) * _FACTOR
    return (mixed >> np.uint64(64 - _BITS)).astype(np.int64)
