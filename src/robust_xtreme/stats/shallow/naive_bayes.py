"""Multinomial naive Bayes over hashed character n-grams, a shallow classifier of texts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIZES: Final = (2, 3, 4, 5)
BITS: Final = 18
BUCKETS: Final = 1 << BITS
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIER: Final = np.uint64(1_000_003)
TOGETHER: Final = 256
"""The number of texts whose n-grams are hashed at once, so that their arrays stay in a core's cache."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Numbers = NDArray[np.int32]
"""The n-grams that occur, by number: small tables stay in a core's cache."""


def folded(
    texts: Sequence[str], classes: Ints, folds: Ints, count: int, asked: Sequence[Sequence[str]]
) -> list[Floats]:
    """The log probability of each text and class together, (n, C) for each of several lists parallel to `texts`.

    Each fold of a list is scored by what the other folds of `texts` teach, with their `classes` (below `count`); every
    n-gram is seen once more in each class than it is. A text's most probable class is the first of equals.
    """
    parts = [_part(np.flatnonzero(folds == fold), texts) for fold in np.unique(folds)]
    numbers = _numbered([part.buckets for part in parts])
    seen = [numbers.take(part.buckets) for part in parts]
    pairs = zip(seen, parts, strict=True)
    tables = [_counts(numbered, classes[part.members[part.owner]], count, numbers) for numbered, part in pairs]
    whole, labels = sum(tables[1:], tables[0]), np.bincount(classes, minlength=count)
    scores = [np.zeros((len(texts), count)) for _ in asked]
    for part, numbered, table in zip(parts, seen, tables, strict=True):
        prior = labels - np.bincount(classes[part.members], minlength=count) + 1.0
        taught = _Taught(numbers, _probable(whole - table), np.log(prior / prior.sum()))
        for values, scored in zip(scores, _scored(taught, part, numbered, asked), strict=True):
            values[part.members] = scored
    return scores


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The texts of a fold, their indices `members` (k,), and their n-grams: buckets and positions of texts (m,)."""

    members: Ints
    texts: list[str]
    buckets: Ints
    owner: Ints


def _part(members: Ints, texts: Sequence[str]) -> _Part:
    chosen = [texts[at] for at in members.tolist()]
    return _Part(members, chosen, *grams(chosen))


@dataclass(frozen=True, slots=True, eq=False)
class _Taught:
    """What folds teach: the log probability of each n-gram in each class, (C, u) by number, and of each class, (C,).

    `numbers` (2 ** 18,) has the number of each bucket, 0 of those that no fold has.
    """

    numbers: Numbers
    probable: Floats
    prior: Floats

    def scores(self, seen: Numbers, owner: Ints, count: int) -> Floats:
        """The log probability of each text's n-grams `seen` (m,) and each class, (count, C)."""
        sums = [np.bincount(owner, weights=row.take(seen), minlength=count) for row in self.probable]
        return np.asarray(np.stack(sums, axis=1) + self.prior)


def _scored(taught: _Taught, part: _Part, seen: Numbers, asked: Sequence[Sequence[str]]) -> list[Floats]:
    """The scores (k, C) of the part's members, whose n-grams are `seen`, in each list; of equal texts one is scored."""
    lists = [[texts[at] for at in part.members.tolist()] for texts in asked]
    known = {text: at for at, text in enumerate(part.texts)}
    new = [text for text in dict.fromkeys(chain.from_iterable(lists)) if text not in known]
    known.update(zip(new, range(len(part.texts), len(part.texts) + len(new)), strict=True))
    buckets, owner = grams(new)
    same = taught.scores(seen, part.owner, len(part.texts))
    scores = np.concatenate([same, taught.scores(taught.numbers.take(buckets), owner, len(new))])
    return [scores[[known[text] for text in texts]] for texts in lists]


def _numbered(several: Sequence[Ints]) -> Numbers:
    """The numbers (2 ** 18,) from 1 of the buckets that occur; 0 of the others."""
    occurs = np.zeros(BUCKETS, np.bool_)
    for buckets in several:
        occurs[buckets] = True
    return np.where(occurs, np.cumsum(occurs, dtype=np.int32), 0)


def _counts(numbers: Numbers, classes: Ints, count: int, known: Numbers) -> Ints:
    """How often each n-gram occurs in each class, (C, u) by number."""
    size = int(known.max()) + 1
    return np.bincount(classes * size + numbers, minlength=count * size).reshape(count, size)


def _probable(counts: Ints) -> Floats:
    """The log probability of each n-gram in each class, from their counts (C, u)."""
    logs = np.log(np.arange(1, int(counts.max()) + 2))
    return np.asarray(logs[counts] - np.log(counts.sum(axis=1, keepdims=True) + BUCKETS))


def grams(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """Buckets of the n-grams of texts in lower case between spaces, and the text of each, both (m,), by size."""
    buckets, owners = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for first in range(0, len(texts), TOGETHER):
        for keys in gram_keys(texts[first : first + TOGETHER], SIZES):
            buckets.append((keys & np.uint32(BUCKETS - 1)).astype(np.int64))
            owners.append((keys >> np.uint32(BITS)).astype(np.int64) + first)
    return np.concatenate(buckets), np.concatenate(owners)


def gram_keys(texts: Sequence[str], sizes: Sequence[int]) -> Iterator[NDArray[np.uint32]]:
    """The n-grams of each size of TOGETHER texts at most: the number of the text times BUCKETS, plus the bucket."""
    padded = [f" {text.lower()} " for text in texts]
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    lengths = np.fromiter(map(len, padded), np.int64, len(padded))
    owner = np.repeat(np.arange(len(padded), dtype=np.uint32) << np.uint32(BITS), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(points))
    hashed = points + np.uint64(1)
    for size in range(2, max(sizes) + 1):
        hashed = hashed[:-1] * _MULTIPLIER + points[size - 1 :]
        if size in sizes:
            mixed = hashed + np.uint64(size)
            mixed *= _FACTOR
            mixed >>= np.uint64(64 - BITS)
            keys = mixed.astype(np.uint32)
            keys |= owner[: len(keys)]
            yield keys[left[: len(keys)] >= size]
