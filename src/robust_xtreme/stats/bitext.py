"""Mining of translation pairs between two sets of sentences, and the threshold that parts them from the others.

The rule of XTREME's BUCC (third_party/utils_retrieve.py, after LASER), written again on arrays: a pair's score is the
ratio of its cosine to the mean of both sentences' cosines with their nearest neighbours; every sentence of either side
proposes its best pair, and the best pairs are taken one after the other, each sentence once. The threshold is tuned on
a development set (`best_threshold`) and applied to another (`extract`).

Where the official code leaves the order of equal scores to the sort, here the lower source goes first, then the lower
target. Scores are ratios in float64 of cosines in float32.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS: Final = 4
"""The number of nearest neighbours of each sentence, as official; fewer where the other side is smaller."""

Indices = NDArray[np.int64]
Pair = tuple[int, int]
"""The place of a source and of a target sentence."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """For each of n sentences its nearest ones on the other side: numbers (n, k) int64 and cosines (n, k) float32.

    A number below 0 means no neighbour, as in faiss's answers with fewer than k.
    """

    indices: Indices
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Mined:
    """Pairs (m, 2) int64 of a source and a target, the best first, and their scores (m,) float64, all above 0."""

    pairs: Indices
    scores: NDArray[np.float64]


def mine(forward: Neighbours, backward: Neighbours) -> Mined:
    """The pairs of sources and targets from the nearest targets of each source and the nearest sources of each target.

    A ratio that is not a number (both means are 0) is not a pair.
    """
    near, far = _means(forward), _means(backward)
    targets, ahead = _best(forward, near, far)
    sources, back = _best(backward, far, near)
    pairs = np.concatenate(
        [np.stack([np.arange(len(near)), targets], axis=1), np.stack([sources, np.arange(len(far))], axis=1)]
    )
    scores = np.concatenate([ahead, back])
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -scores))
    order = order[scores[order] > 0]
    taken = _each_once(pairs[order])
    return Mined(pairs[order][taken], scores[order][taken])


def _means(side: Neighbours) -> NDArray[np.float64]:
    """The mean cosine of each sentence with its neighbours, (n,); 0 where it has none."""
    known = side.indices >= 0
    total = np.where(known, side.scores, 0.0).sum(axis=1, dtype=np.float64)
    means: NDArray[np.float64] = total / np.maximum(known.sum(axis=1), 1)
    return means


def _best(
    side: Neighbours, scores: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[Indices, NDArray[np.float64]]:
    """The neighbour of each sentence with the greatest ratio, the lowest of equals, and that ratio; -inf if none."""
    if not side.indices.size:
        return np.full(len(scores), -1), np.full(len(scores), -np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = side.scores.astype(np.float64) / ((scores[:, None] + other[side.indices]) / 2)
    ratios = np.where((side.indices >= 0) & np.isfinite(ratios), ratios, -np.inf)
    greatest = ratios.max(axis=1)
    equal = ratios == greatest[:, None]
    return np.where(equal, side.indices, np.iinfo(np.int64).max).min(axis=1), greatest


def _each_once(pairs: Indices) -> NDArray[np.bool_]:
    """Which pairs (m,) are taken: in their order, those of two sentences that are not taken yet."""
    sources: set[int] = set()
    targets: set[int] = set()
    taken = np.zeros(len(pairs), np.bool_)
    for index, (source, target) in enumerate(pairs.tolist()):
        if source not in sources and target not in targets:
            sources.add(source)
            targets.add(target)
            taken[index] = True
    return taken


def without(mined: Mined, sources: Collection[int], targets: Collection[int]) -> Mined:
    """The pairs without these sources and targets.

    Officially a sentence that a side repeats is searched and mined once, and its pairs are dropped only then, as its
    id is not known.
    """
    inside = np.isin(mined.pairs[:, 0], list(sources)) | np.isin(mined.pairs[:, 1], list(targets))
    return Mined(mined.pairs[~inside], mined.scores[~inside])


def best_threshold(mined: Mined, gold: Collection[Pair]) -> float:
    """The threshold with the greatest F1 against gold pairs: halfway between the last pair taken and the next.

    Pairs are counted one by one, also among equal scores, gold ones as often as they are there (ids of one repeated
    sentence have several); of equal F1 the first is kept, as officially. It is 0 where no pair is gold, and the last
    score where taking all is best (there the official code breaks off).
    """
    right = set(gold)
    hits = np.cumsum([tuple(pair) in right for pair in mined.pairs.tolist()], dtype=np.float64)
    if not len(hits) or not hits[-1]:
        return 0.0
    values = 2 * hits / (np.arange(1, len(hits) + 1) + len(gold))
    best = int(values.argmax())
    following = mined.scores[min(best + 1, len(hits) - 1)]
    return float((mined.scores[best] + following) / 2)


def extract(mined: Mined, threshold: float) -> Indices:
    """The pairs (m, 2) whose score is at least the threshold, the best first."""
    return mined.pairs[mined.scores >= threshold]
