"""Rankings of a pool of candidates: by chance, and by shared character n-grams."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robust_xtreme.core.columns import Names, bounds_of, leading
from robust_xtreme.core.examples import DEPTH, Corpus, Document
from robust_xtreme.core.randomness import below, draws, salt, text_keys
from robust_xtreme.stats.shallow.naive_bayes import BITS, BUCKETS, TOGETHER, Floats, Ints, Numbers, gram_keys
from robust_xtreme.stats.shallow.words import ShownExamples

MOST_COMPARED: Final = 20_000
"""Candidates, and queries, up to which character n-grams are compared."""

_FIELD: Final = "query"
_TRIES: Final = 64
_SPARE: Final = 3
_SMALL: Final = 1024
_CELLS: Final = 1 << 17
"""Values of candidates for several queries that are computed at once, so that they stay in a core's cache."""

_ROWS: Final = 8
"""Queries that are compared at once, at least."""

_GROUPS: Final = 64
_TINY: Final = np.nextafter(0.0, 1.0)
_FEW: Final = 64
"""Matches for each query up to which only the texts that have one are looked at."""

_COMMON: Final = 0.05
_ALWAYS: Final = 100


def by_chance(ids: Sequence[str], corpus: Corpus) -> Names:
    """Candidates, as many as a ranking has, in an order that depends only on the ids of examples and candidates."""
    pool = sorted(text.id for text in corpus.texts)
    keys = text_keys(salt("chance", "random_rank"), ids)
    draw = _permuted if len(pool) <= _SMALL else _tried
    blocks = _blocks(len(keys), min(len(pool), _SMALL))
    ranked = [draw(keys[first:last], len(pool), corpus.depth) for first, last in blocks]
    return _documents(pool, np.concatenate(ranked))


def _permuted(keys: NDArray[np.uint64], size: int, depth: int) -> Ints:
    """The first numbers of a permutation of a pool for each key."""
    return least(draws(keys[:, None], np.arange(size)), depth)


def _tried(keys: NDArray[np.uint64], size: int, depth: int) -> Ints:
    """The first distinct of enough draws of a number for each key."""
    drawn = below(draws(keys[:, None], np.arange(max(_TRIES, _SPARE * depth))), size)
    return np.array([list(dict.fromkeys(row))[:depth] for row in drawn.tolist()], np.int64)


def _blocks(rows: int, width: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows of a width whose values are computed at once; an empty one where there are none."""
    step = max(_ROWS, _CELLS // max(width, 1))
    return ((first, min(first + step, rows)) for first in range(0, max(rows, 1), step))


def least(values: NDArray[Any], depth: int = DEPTH) -> Ints:
    """The columns of the smallest values of each row (m, n) in order, of equals the first (m, depth)."""
    if values.shape[1] <= depth:
        return np.argsort(values, axis=1, kind="stable")
    # A bound of the last of the smallest values, so that few are sorted: that of the smallest of groups of columns.
    bound = np.partition(_grouped(values, depth).min(axis=1), depth - 1, axis=1)[:, depth - 1]
    near = np.flatnonzero(values <= bound[:, None])
    row, column = _placed(near, values.shape[1])
    return column.take(leading(row, values.reshape(-1).take(near), len(values), depth))


def _grouped(values: NDArray[Any], depth: int) -> NDArray[Any]:
    """Rows (m, n) as groups of columns (m, n // k, k), without the last columns; `depth` groups or more."""
    rows, size = values.shape
    groups = min(max(_GROUPS, _SPARE * depth), size)
    return values[:, : size - size % groups].reshape(rows, size // groups, groups)


def _placed(near: Ints, size: int) -> tuple[Ints, Ints]:
    """The row and the column (k,) of flat indices in rows of so many."""
    row = near // max(size, 1)
    return row, near - row * size


def _documents(ids: Sequence[str], ranked: Ints) -> Names:
    """Rankings (n, k) of the ids of a pool."""
    bounds = np.arange(len(ranked) + 1) * ranked.shape[1]
    return Names(Document, ids, ranked.reshape(-1).astype(np.int32), bounds)


@dataclass(frozen=True, slots=True, eq=False)
class WeightedNgrams:
    """The distinct n-grams of a pool: those of `buckets` (m,) are in the texts `texts` (m,), in order of both.

    `counts` (2 ** 18,) are the numbers of texts that contain each n-gram, and `weights` those of an n-gram by that
    number: squared inverse document frequencies. `norms` (n,) are the lengths of the texts' vectors of such weights.
    """

    texts: Numbers
    buckets: Numbers
    counts: Ints
    weights: Floats
    norms: Floats


@lru_cache(maxsize=2)
def _weighed(values: tuple[str, ...]) -> WeightedNgrams:
    """A pool, by n-grams of two to four characters; kept, as languages can share it."""
    texts, buckets = _distinct_grams(values)
    counts = np.bincount(buckets, minlength=BUCKETS)
    most = int(max(_ALWAYS, _COMMON * len(values)))
    weights = np.zeros(max(len(values), most) + 1)
    weights[1 : most + 1] = np.log(1 + len(values) / np.arange(1, most + 1)) ** 2
    squares = np.bincount(texts, weights=weights.take(counts.take(buckets)), minlength=len(values))
    norms = np.sqrt(squares)
    return WeightedNgrams(texts, buckets, counts, weights, np.where(norms > 0, norms, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Sought:
    """The distinct n-grams of q queries: query i has those `bounds[i]:bounds[i + 1]` of `numbers` (g,), in order.

    They point into the `buckets` (u,) that occur, which are in order.
    """

    bounds: Ints
    numbers: Ints
    buckets: Ints


@lru_cache(maxsize=2)
def _sought(values: tuple[str, ...]) -> Sought:
    """Queries, kept as they are compared with the pool of each condition."""
    texts, buckets = _distinct_grams(values)
    occurs = np.zeros(BUCKETS, np.bool_)
    occurs[buckets] = True
    bounds = bounds_of(np.bincount(texts, minlength=len(values)))
    return Sought(bounds, (np.cumsum(occurs) - 1).take(buckets), np.flatnonzero(occurs))


@dataclass(frozen=True, slots=True, eq=False)
class SharedNgrams:
    """What q queries share with the n texts of a pool: query i has the n-grams `bounds[i]:bounds[i + 1]`, by bucket.

    An n-gram has the weight `weights` (s,) and is in the `counts` (s,) texts from `starts` (s,) on in `texts`. `norms`
    (n,) are those of the pool.
    """

    bounds: Ints
    weights: Floats
    starts: Ints
    counts: Ints
    texts: Ints
    norms: Floats

    def matches(self, first: int, last: int) -> tuple[Ints, Floats]:
        """Where some queries and texts share an n-gram: flat indices (k,) in (last - first, n), and weights (k,)."""
        bounds = self.bounds[first : last + 1]
        which = slice(bounds[0], bounds[-1])
        counts, ends = self.counts[which], bounds_of(self.counts[which])
        entries = np.repeat(self.starts[which] - ends[:-1], counts)
        entries += np.arange(len(entries))
        cells = self.texts.take(entries)
        cells += np.repeat(np.arange(last - first) * len(self.norms), np.diff(ends.take(bounds - bounds[0])))
        return cells, np.repeat(self.weights[which], counts)

    def sums(self, rows: int, cells: Ints, weights: Floats) -> Floats:
        """The sum of the weights of each of some queries and each text (rows, n), from their matches."""
        shape = (rows, len(self.norms))
        return np.asarray(np.bincount(cells, weights=weights, minlength=math.prod(shape)), np.float64).reshape(shape)

    def cosines(self, first: int, last: int) -> Floats:
        """The cosines of some queries and the pool (last - first, n), without the division by the queries' norms."""
        sums = self.sums(last - first, *self.matches(first, last))
        sums /= self.norms
        return sums


def _shared(pool: WeightedNgrams, sought: Sought) -> SharedNgrams:
    """What queries share with a pool."""
    counts = pool.counts.take(sought.buckets)
    weights = pool.weights.take(counts)
    counts *= weights > 0
    texts = _containing(pool, sought.buckets, counts > 0)
    of_each = counts.take(sought.numbers)
    which = np.flatnonzero(of_each > 0)
    numbers = sought.numbers.take(which)
    bounds = np.searchsorted(which, sought.bounds)
    starts = bounds_of(counts).take(numbers)
    return SharedNgrams(bounds, weights.take(numbers), starts, of_each.take(which), texts, pool.norms)


def _containing(pool: WeightedNgrams, buckets: Ints, wanted: NDArray[np.bool_]) -> Ints:
    """The texts of a pool that contain each of the wanted of some n-grams (u,), of one n-gram after the other."""
    size = len(pool.norms)
    numbers = np.full(BUCKETS, -1, np.int32)
    numbers[buckets[wanted]] = np.flatnonzero(wanted)
    number = numbers.take(pool.buckets)
    some = np.flatnonzero(number >= 0)
    pairs = number.take(some).astype(np.int64) * size + pool.texts.take(some)
    if len(buckets) * size <= 1 << 32:
        pairs = pairs.astype(np.uint32)  # which numpy sorts in half the time
    return (np.sort(pairs) % max(size, 1)).astype(np.int64)


def _distinct_grams(values: Sequence[str]) -> tuple[Numbers, Numbers]:
    """The distinct pairs of a text and a bucket of its n-grams, in order, both (m,)."""
    texts, buckets = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for first in range(0, len(values), TOGETHER):
        keys = np.sort(np.concatenate([*gram_keys(values[first : first + TOGETHER], (2, 3, 4))])).view(np.int32)
        keys = keys[np.append(True, keys[1:] != keys[:-1])]
        texts.append((keys >> BITS) + np.int32(first))
        buckets.append(keys & np.int32(BUCKETS - 1))
    return np.concatenate(texts), np.concatenate(buckets)


def _comparable(shown: Sequence[ShownExamples], queries: bool = False) -> bool:
    """Whether no pool, nor the queries where they are searched as well, are too many to be compared."""
    sizes = [(len(each.ids), len(each.columns) if queries else 0) for each in shown]
    return all(max(size) <= MOST_COMPARED for size in sizes)


def by_characters(shown: Sequence[ShownExamples]) -> list[Names]:
    """The candidates most alike in rare character n-grams, the first of equals; none for too large a pool."""
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
        rankings = _compared(pool, values, partial(_ranked, depth=shown[members[0]].depth))
        for at in members:
            ranked[at] = _documents(shown[at].ids, rankings[[numbers[value] for value in queries[at]]])
    return [ranked[at] for at in range(len(shown))]


def mutual(shown: Sequence[ShownExamples]) -> list[Names]:
    """Of each query the candidate most alike in rare character n-grams, where the query is that candidate's too."""
    return [_mutual(each) for each in shown] if _comparable(shown, queries=True) else []


def _mutual(shown: ShownExamples) -> Names:
    queries, unusable = tuple(shown.columns.values(_FIELD)), {"", *shown.unscored}
    there, back = _compared(shown.values, queries, _best), _compared(queries, shown.values, _best)
    examples = (shown.columns.clean or shown.columns).examples
    usable = np.array([example.texts[_FIELD].id not in unusable for example in examples])
    scored = np.array([*(id not in unusable for id in shown.ids), False])
    chosen = usable & scored[there] & (np.append(back, -1)[there] == np.arange(len(queries)))
    return Names(Document, shown.ids, there[chosen].astype(np.int32), bounds_of(chosen))


def _compared(
    pool: tuple[str, ...], values: tuple[str, ...], read: Callable[[SharedNgrams, int, int], NDArray[Any]]
) -> NDArray[Any]:
    """What is read off what each value and a pool share, (m,) or (m, k), for some values at once."""
    shared = _shared(_weighed(pool), _sought(values))
    width = len(pool) + int(shared.counts.sum()) // max(len(values), 1)
    return np.concatenate([read(shared, first, last) for first, last in _blocks(len(values), width)])


def _ranked(shared: SharedNgrams, first: int, last: int, depth: int) -> Ints:
    """The columns of the greatest cosines of each row in order, of equals the first (m, depth)."""
    cells, weights = shared.matches(first, last)
    sums = shared.sums(last - first, cells, weights)
    few = len(cells) <= _FEW * len(sums) or sums.shape[1] <= depth
    near = _touched(cells, sums.shape, depth) if few else _near(sums / shared.norms, depth)
    row, column = _placed(near, sums.shape[1])
    alike = sums.take(near) / shared.norms.take(column)
    most = min(depth, sums.shape[1])
    return column.take(leading(row, np.where(alike > 0, -alike, column), len(sums), most))


def _touched(cells: Ints, shape: tuple[int, ...], depth: int) -> Ints:
    """The flat indices (k,) of some cells of an array, each once, and of the first of each row, in order."""
    marked = np.zeros(shape, np.bool_)
    marked[:, :depth] = True
    marked.reshape(-1)[cells] = True
    return np.flatnonzero(marked)


def _near(cosines: Floats, depth: int) -> Ints:
    """The flat indices (k,) of what can be among the greatest of each row, or follow them, in order."""
    bound = np.partition(_grouped(cosines, depth).max(axis=1), -depth, axis=1)[:, -depth]
    near = cosines >= np.maximum(bound, _TINY)[:, None]
    near[bound <= 0, :depth] = True  # the first of those that share nothing follow
    return np.flatnonzero(near)


def _best(shared: SharedNgrams, first: int, last: int) -> Ints:
    """The column of the greatest cosine of each row, the first of equals; -1 where nothing is shared."""
    if not len(shared.norms):
        return np.full(last - first, -1)
    cosines = shared.cosines(first, last)
    return np.where(cosines.max(axis=1) > 0, cosines.argmax(axis=1), -1)
