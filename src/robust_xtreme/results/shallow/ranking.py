"""Rankings of a pool of candidates: by chance, and by shared character n-grams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from robust_xtreme.edits import ragged
from robust_xtreme.examples import Corpus, Document
from robust_xtreme.randomness import below, draws, salt, text_keys
from robust_xtreme.results.shallow.naive_bayes import BUCKETS, TOGETHER, Floats, Ints, grams
from robust_xtreme.results.shallow.shown import Shown
from robust_xtreme.target_columns import Names, bounds_of

DEPTH: Final = 20
"""How many candidates a ranking names."""

MOST_COMPARED: Final = 20_000
"""Candidates, and queries, up to which character n-grams are compared."""

_FIELD: Final = "query"
_SIZES: Final = (2, 3, 4)
_TRIES: Final = 64
_SMALL: Final = 1024
_CELLS: Final = 1 << 16
"""Values of candidates for several queries that are computed at once, so that they stay in a core's cache."""

_ROWS: Final = 8
"""Queries that are compared at once, at least."""

_GROUPS: Final = 64
_TINY: Final = np.nextafter(0.0, 1.0)
_LOW_BITS: Final = 16
_LOW: Final = (1 << _LOW_BITS) - 1
_HIGH_BITS: Final = 2
_COMMON: Final = 0.05
_ALWAYS: Final = 100


def by_chance(ids: Sequence[str], corpus: Corpus) -> Names:
    """Twenty candidates in an order that depends only on the ids of the examples and the candidates."""
    pool = sorted(text.id for text in corpus.texts)
    keys = text_keys(salt("chance", "random_rank"), ids)
    draw = _permuted if len(pool) <= _SMALL else _tried
    ranked = [draw(keys[first:last], len(pool)) for first, last in _blocks(len(keys), min(len(pool), _SMALL))]
    return _documents(pool, np.concatenate(ranked))


def _permuted(keys: NDArray[np.uint64], size: int) -> Ints:
    """The first numbers of a permutation of a pool for each key."""
    return least(draws(keys[:, None], np.arange(size)))


def _tried(keys: NDArray[np.uint64], size: int) -> Ints:
    """The first distinct of enough draws of a number for each key."""
    drawn = below(draws(keys[:, None], np.arange(_TRIES)), size)
    return np.array([list(dict.fromkeys(row))[:DEPTH] for row in drawn.tolist()], np.int64)


def _blocks(rows: int, width: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows of a width whose values are computed at once; an empty one where there are none."""
    step = max(_ROWS, _CELLS // max(width, 1))
    return ((first, min(first + step, rows)) for first in range(0, max(rows, 1), step))


def least(values: NDArray[Any]) -> Ints:
    """The columns of the twenty smallest values of each row (m, n) in order, of equals the first (m, 20)."""
    if values.shape[1] <= DEPTH:
        return np.argsort(values, axis=1, kind="stable")
    near = np.flatnonzero(values <= _twentieth(values)[:, None])
    return _first(near, values.reshape(-1).take(near), values.shape)


def _twentieth(values: NDArray[Any]) -> NDArray[Any]:
    """A bound of the twentieth smallest value of each row (m,), so that few are sorted: that of groups of columns."""
    rows, size = values.shape
    groups = min(_GROUPS, size)
    smallest = values[:, : size - size % groups].reshape(rows, size // groups, groups).min(axis=1)
    return np.asarray(np.partition(smallest, DEPTH - 1, axis=1)[:, DEPTH - 1])


def _first(near: Ints, values: NDArray[Any], shape: tuple[int, ...]) -> Ints:
    """The columns of the twenty smallest of some values (k,), which are those at the flat indices `near` (k,)."""
    rows, size = shape
    row = near // size
    counts = np.bincount(row, minlength=rows)
    starts = bounds_of(counts)[:-1]
    table = np.full((rows, counts.max(initial=DEPTH)), values.max(initial=0))
    table[row, np.arange(len(near)) - starts[row]] = values
    order = np.argsort(table, axis=1, kind="stable")[:, :DEPTH]
    return np.asarray((near - row * size)[starts[:, None] + order])


def _documents(ids: Sequence[str], ranked: Ints) -> Names:
    """Rankings (n, k) of the ids of a pool."""
    bounds = np.arange(len(ranked) + 1) * ranked.shape[1]
    return Names(Document, ids, ranked.reshape(-1).astype(np.int32), bounds)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """The texts of n that contain an n-gram: `texts` (m,) by bucket, `starts` (buckets + 1,) where each bucket begins.

    `weights` (buckets,) are squared inverse document frequencies, 0 where more than a twentieth of the texts, and more
    than a hundred, contain the n-gram; `norms` (n,) are the lengths of the texts' vectors of such weights.
    """

    texts: NDArray[np.int32]
    starts: Ints
    weights: Floats
    norms: Floats

    def similarities(self, text: Ints, buckets: Ints, count: int) -> Floats:
        """The cosine of texts with each text of the index, (count, n), without the division by their own norms.

        Text i has the distinct `buckets` (g,) where `text` (g,) is i, in order.
        """
        size, lengths = len(self.norms), self.starts[buckets + 1] - self.starts[buckets]
        shared = np.flatnonzero(lengths)
        text, buckets, lengths = text[shared], buckets[shared], lengths[shared]
        cells = np.repeat(text * size, lengths)
        cells += self.texts.take(ragged(self.starts[buckets], lengths))
        sums = np.bincount(cells, weights=np.repeat(self.weights[buckets], lengths), minlength=count * size)
        return np.asarray(sums.reshape(count, size) / self.norms)


@lru_cache(maxsize=2)
def index(values: tuple[str, ...]) -> Index:
    """The index of some texts, by n-grams of two to four characters; kept, as languages can share a pool."""
    texts, buckets = _distinct_grams(values)
    counts = np.bincount(buckets, minlength=BUCKETS)
    most = int(max(_ALWAYS, _COMMON * len(values)))
    by_count = np.zeros(max(int(counts.max()), most) + 1)
    by_count[1 : most + 1] = np.log(1 + len(values) / np.arange(1, most + 1)) ** 2
    weights = by_count[counts]
    norms = np.sqrt(np.bincount(texts, weights=weights[buckets], minlength=len(values)))
    rare = np.flatnonzero(weights[buckets])
    entries = texts[rare].astype(np.int32)[_order(buckets[rare])]
    return Index(entries, bounds_of(np.where(weights > 0, counts, 0)), weights, np.where(norms > 0, norms, 1.0))


def _distinct_grams(values: Sequence[str]) -> tuple[Ints, Ints]:
    """The distinct pairs of a text and a bucket of its n-grams, in order, both (m,)."""
    parts = [np.zeros(0, np.int64)]
    for first in range(0, len(values), TOGETHER):
        buckets, texts = grams(values[first : first + TOGETHER], _SIZES)
        pairs = ((texts + first) * BUCKETS + buckets)[_order(buckets, texts)]
        parts.append(pairs[np.append(True, pairs[1:] != pairs[:-1])])
    pairs = np.concatenate(parts)
    return pairs // BUCKETS, pairs & (BUCKETS - 1)


def _order(buckets: Ints, texts: Ints | int = 0) -> Ints:
    """The indices that sort n-grams by text (up to 256 of them) and bucket, of equals the first first.

    Two sorts by 16 bits each take a fourth of the time of one by 64.
    """
    order = np.argsort((buckets & _LOW).astype(np.uint16), kind="stable")
    high = (texts << _HIGH_BITS | buckets >> _LOW_BITS).astype(np.uint16)
    return order[np.argsort(high[order], kind="stable")]


def _comparable(shown: Sequence[Shown], queries: bool = False) -> bool:
    """Whether no pool, nor the queries where they are searched as well, are too many to be compared."""
    sizes = [(len(each.ids), len(each.columns) if queries else 0) for each in shown]
    return all(max(size) <= MOST_COMPARED for size in sizes)


def by_characters(shown: Sequence[Shown]) -> list[Names]:
    """The twenty candidates most alike in rare character n-grams, the first of equals; none for too large a pool."""
    if not _comparable(shown):
        return []
    queries = [each.columns.values(_FIELD) for each in shown]
    by_pool: dict[tuple[str, ...], list[int]] = {}
    for at, each in enumerate(shown):
        by_pool.setdefault(each.values, []).append(at)
    ranked: dict[int, Names] = {}
    for pool, members in by_pool.items():
        # Conditions with the same pool share what is computed for it, and for queries that are the same.
        values = tuple(dict.fromkeys(chain.from_iterable(queries[at] for at in members)))
        numbers = {value: number for number, value in enumerate(values)}
        rankings = _compared(pool, values, _ranked)
        for at in members:
            ranked[at] = _documents(shown[at].ids, rankings[[numbers[value] for value in queries[at]]])
    return [ranked[at] for at in range(len(shown))]


def mutual(shown: Sequence[Shown]) -> list[Names]:
    """Of each query the candidate most alike in rare character n-grams, where the query is that candidate's too."""
    return [_mutual(each) for each in shown] if _comparable(shown, queries=True) else []


def _mutual(shown: Shown) -> Names:
    queries, unusable = tuple(shown.columns.values(_FIELD)), {"", *shown.unscored}
    there, back = _compared(shown.values, queries, _best), _compared(queries, shown.values, _best)
    examples = (shown.columns.clean or shown.columns).examples
    usable = np.array([example.texts[_FIELD].id not in unusable for example in examples])
    scored = np.array([*(id not in unusable for id in shown.ids), False])
    chosen = usable & scored[there] & (np.append(back, -1)[there] == np.arange(len(queries)))
    return Names(Document, shown.ids, there[chosen].astype(np.int32), bounds_of(chosen))


def _compared(pool: tuple[str, ...], values: tuple[str, ...], read: Callable[[Floats], Ints]) -> Ints:
    """What is read off the similarities of each value to all texts of a pool, (m, n) for some values at once."""
    known, (text, buckets) = index(pool), _distinct_grams(values)
    parts = []
    for first, last in _blocks(len(values), len(pool)):
        low, high = np.searchsorted(text, (first, last))
        parts.append(read(known.similarities(text[low:high] - first, buckets[low:high], last - first)))
    return np.concatenate(parts)


def _ranked(scores: Floats) -> Ints:
    """The columns of the twenty greatest values of each row in order, of equals the first."""
    values, size = -scores, scores.shape[1]
    if size <= DEPTH:
        return least(np.where(scores == 0, np.arange(size), values))
    edge = _twentieth(values)
    near = values <= np.minimum(edge, -_TINY)[:, None]
    near[edge >= 0, :DEPTH] = True  # fewer than twenty are alike, and the first of the others follow
    which = np.flatnonzero(near)
    alike = values.reshape(-1).take(which)
    return _first(which, np.where(alike < 0, alike, which % size), scores.shape)


def _best(scores: Floats) -> Ints:
    """The column of the greatest value of each row, the first of equals; -1 where nothing is shared."""
    if not scores.shape[1]:
        return np.full(len(scores), -1)
    return np.where(scores.max(axis=1) > 0, scores.argmax(axis=1), -1)
