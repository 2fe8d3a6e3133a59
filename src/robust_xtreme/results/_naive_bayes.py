"""Multinomial naive Bayes over hashed character n-grams: the shallow reader of one field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from robust_xtreme.examples import digest

_SIZES: Final = (2, 3, 4, 5)
_BITS: Final = 18
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER: Final = np.uint64(1_000_003)
_CHUNK: Final = 4096


@final
@dataclass(frozen=True, slots=True)
class NaiveBayes:
    """Log probabilities of classes, (C,), and of n-gram buckets in each class, (C, 2 ** 18)."""

    prior: NDArray[np.float64]
    buckets: NDArray[np.float64]

    def predict(self, texts: Sequence[str]) -> list[int]:
        """The likeliest class of each text; ties go to the lowest index."""
        predicted: list[int] = []
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            grams, owner = _grams(chunk)
            sums = [np.bincount(owner, weights=row[grams], minlength=len(chunk)) for row in self.buckets]
            predicted += (np.stack(sums, axis=1) + self.prior).argmax(axis=1).tolist()
        return predicted


def fit(texts: Sequence[str], classes: Sequence[int], count: int) -> NaiveBayes:
    """Fit on texts with their class indices (below `count`), with add-one smoothing."""
    table = np.ones((count, 1 << _BITS))
    labels = np.asarray(classes, dtype=np.int64)
    for start in range(0, len(texts), _CHUNK):
        grams, owner = _grams(texts[start : start + _CHUNK])
        place = labels[start : start + _CHUNK][owner] * (1 << _BITS) + grams
        table += np.bincount(place, minlength=table.size).reshape(table.shape)
    prior = np.bincount(labels, minlength=count) + 1.0
    return NaiveBayes(np.log(prior / prior.sum()), np.log(table / table.sum(axis=1, keepdims=True)))


def fold(cluster: str, folds: int) -> int:
    """The fold of a cluster, by its hash."""
    return int(digest("fold", cluster), 16) % folds


def _grams(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Buckets of the n-grams of all texts, and the text of each. No n-gram crosses two texts."""
    padded = [f" {text.lower()} " for text in texts]
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    owner = np.repeat(np.arange(len(padded)), [len(text) for text in padded])
    hashed, grams, owners = points + np.uint64(1), [], []
    for size in range(2, max(_SIZES) + 1):
        hashed = hashed[:-1] * _MULTIPLIER + points[size - 1 :]
        inside = owner[: len(hashed)] == owner[size - 1 :]
        grams.append(_bucket(hashed[inside], size))
        owners.append(owner[: len(hashed)][inside])
    return np.concatenate(grams), np.concatenate(owners)


def _bucket(hashed: NDArray[np.uint64], size: int) -> NDArray[np.int64]:
    mixed = (hashed + np.uint64(size)) * _FACTOR
    return (mixed >> np.uint64(64 - _BITS)).astype(np.int64)
