"""Rankings of a pool of candidates: by chance, and by shared character n-grams."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from robust_xtreme.examples import Corpus, Document, Example
from robust_xtreme.randomness import below, draws, salt, text_keys
from robust_xtreme.results.shallow.naive_bayes import BUCKETS, Floats, Ints, grams
from robust_xtreme.results.shallow.shown import Shown

Ranking = tuple[Document, ...]
"""The answers to all examples under a condition."""

DEPTH: Final = 20
"""How many candidates a ranking names."""

MOST_COMPARED: Final = 20_000
"""Candidates, and queries, up to which character n-grams are compared."""

_FIELD: Final = "query"
_SIZES: Final = (2, 3, 4)
_TRIES: Final = 64
_SMALL: Final = 1024
_CHUNK: Final = 256
_COMMON: Final = 0.05
_ALWAYS: Final = 100


def by_chance(examples: Sequence[Example], corpus: Corpus) -> list[Document]:
    """Twenty candidates in an order that depends only on the ids of the example and the candidates."""
    pool = sorted(text.id for text in corpus.texts)
    keys = text_keys(salt("chance", "random_rank"), [example.id for example in examples])
    return [Document(tuple(pool[at] for at in _drawn(key, len(pool)))) for key in keys]


def _drawn(key: np.uint64, size: int) -> list[int]:
    """The first numbers of a permutation of a small pool; of a large one the first distinct of enough draws."""
    if size <= _SMALL:
        return [int(at) for at in np.argsort(draws(np.full(size, key), np.arange(size)), kind="stable")[:DEPTH]]
    return list(dict.fromkeys(below(draws(np.full(_TRIES, key), np.arange(_TRIES)), size).tolist()))[:DEPTH]


@final
@dataclass(frozen=True, slots=True)
class Index:
    """The texts of n that contain an n-gram: `texts` (m,) by bucket, `starts` (buckets + 1,) where each bucket begins.

    `weights` (buckets,) are squared inverse document frequencies, 0 where more than a twentieth of the texts, and more
    than a hundred, contain the n-gram; `norms` (n,) are the lengths of the texts' vectors of such weights.
    """

    texts: NDArray[np.int32]
    starts: Ints
    weights: Floats
    norms: Floats

    def similarities(self, buckets: Ints) -> Floats:
        """The cosine of a text of these distinct buckets with each text, (n,), without the division by its own norm."""
        lengths = self.starts[buckets + 1] - self.starts[buckets]
        texts = np.concatenate([self.texts[self.starts[bucket] : self.starts[bucket + 1]] for bucket in buckets])
        sums = np.bincount(texts, weights=np.repeat(self.weights[buckets], lengths), minlength=len(self.norms))
        return np.asarray(sums / self.norms)


@lru_cache(maxsize=2)
def index(values: tuple[str, ...]) -> Index:
    """The index of some texts, by n-grams of two to four characters; kept, as languages can share a pool."""
    parts = []  # the distinct pairs of a text and a bucket, (m,) as text * buckets + bucket
    for start in range(0, max(len(values), 1), _CHUNK):
        buckets, texts = grams([(value,) for value in values[start : start + _CHUNK]], _SIZES)
        parts.append(_distinct((start + texts) * BUCKETS + buckets))
    texts, buckets = np.divmod(np.concatenate(parts), BUCKETS)
    counts = np.bincount(buckets, minlength=BUCKETS)
    rare = counts <= max(_ALWAYS, _COMMON * len(values))
    weights = np.where(rare, np.log(1 + len(values) / np.maximum(counts, 1)) ** 2, 0.0)
    norms = np.sqrt(np.bincount(texts, weights=weights[buckets], minlength=len(values)))
    kept = rare[buckets]
    sorted_texts = np.sort(buckets[kept] * len(values) + texts[kept]) % max(len(values), 1)
    starts = np.concatenate([[0], np.cumsum(np.where(rare, counts, 0))]).astype(np.int64)
    return Index(sorted_texts.astype(np.int32), starts, weights, np.where(norms > 0, norms, 1.0))


def _distinct(values: Ints) -> Ints:
    """The values in order, each once; much faster than `np.unique` on many."""
    ordered = np.sort(values)
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
    return np.asarray(ordered[first])


def _comparable(shown: Sequence[Shown], queries: bool = False) -> bool:
    """Whether no pool, nor the queries where they are searched as well, are too many to be compared."""
    sizes = [(len(each.ids), len(each.examples) if queries else 0) for each in shown]
    return all(max(size) <= MOST_COMPARED for size in sizes)


def by_characters(shown: Sequence[Shown]) -> list[Ranking]:
    """The twenty candidates most alike in rare character n-grams, the first of equals; none for too large a pool."""
    return [_ranked(each) for each in shown] if _comparable(shown) else []


def _ranked(shown: Shown) -> Ranking:
    compared = _compared(shown.values, _queries(shown))
    return tuple(Document(tuple(shown.ids[at] for at in _nearest(scores))) for scores in compared)


def mutual(shown: Sequence[Shown]) -> list[Ranking]:
    """Of each query the candidate most alike in rare character n-grams, where the query is that candidate's too."""
    return [_mutual(each) for each in shown] if _comparable(shown, queries=True) else []


def _mutual(shown: Shown) -> Ranking:
    queries = _queries(shown)
    there = [_best(scores) for scores in _compared(shown.values, queries)]
    back = [_best(scores) for scores in _compared(queries, shown.values)]
    unusable = {"", *shown.unscored}
    answers = []
    for at, (best, example) in enumerate(zip(there, shown.examples, strict=True)):
        candidate = shown.ids[best] if best is not None and back[best] == at else ""
        usable = not {candidate, example.texts[_FIELD].id} & unusable
        answers.append(Document((candidate,) if usable else ()))
    return tuple(answers)


def _queries(shown: Shown) -> list[str]:
    return [example.texts[_FIELD].value for example in shown.examples]


def _compared(pool: Sequence[str], values: Sequence[str]) -> Iterator[Floats]:
    """The similarity of each value to all texts of a pool, (n,)."""
    known = index(tuple(pool))
    for value in values:
        yield known.similarities(_distinct(grams([(value,)], _SIZES)[0]))


def _nearest(scores: Floats) -> list[int]:
    """The indices of the greatest values, the first of equals first."""
    edge = np.partition(scores, -DEPTH)[-DEPTH] if len(scores) > DEPTH else -np.inf
    nearest = np.flatnonzero(scores >= edge)
    return [int(at) for at in nearest[np.argsort(-scores[nearest], kind="stable")][:DEPTH]]


def _best(scores: Floats) -> int | None:
    """The index of the greatest value, the first of equals; None where nothing is shared."""
    return int(scores.argmax()) if len(scores) and scores.max() > 0 else None
