"""Mean average precision of the first twenty documents found."""

from __future__ import annotations

from typing import Final

import numpy as np

from robust_xtreme.core.columns import Names
from robust_xtreme.core.examples import Document
from robust_xtreme.core.metric import Array, Metric, Responses, Sums, each, share, targets, whole
from robust_xtreme.tasks.metrics._names import SIZE, gold_keys, right_keys

DEPTH: Final = 20


def _sums(responses: Responses) -> Sums:
    """The sum of the precisions at each right document among the first 20, divided by min(right documents, 20).

    In [0, 1]. A repeated document counts once; 0 where there is no right document. With one right document it is the
    reciprocal of its rank, as in Mewsli-X's scorer.
    """
    _, predicted = targets(responses, Document, Names)
    right = gold_keys(responses.clean)
    most = np.minimum(np.bincount(right // SIZE, minlength=len(responses)), DEPTH)
    total = _precisions(*_hits(*right_keys(responses), predicted.bounds), len(responses))
    return whole(np.where(most > 0, total / np.maximum(most, 1), 0.0), np.ones(len(responses)))


def _hits(documents: Array, right: Array, bounds: Array) -> tuple[Array, Array]:
    """The query and the rank (h,) of right documents that did not occur before, in order, from keys (t,)."""
    positions = np.flatnonzero(right)
    first = np.sort(positions[np.unique(documents[positions], return_index=True)[1]])
    query = documents[first] // SIZE
    rank = first - bounds[query]
    return query[rank < DEPTH], rank[rank < DEPTH]


def _precisions(query: Array, rank: Array, queries: int) -> Array:
    """The sum (n,) of the precisions at the hits (h,) of each query, from the first rank to the last."""
    before = np.arange(len(query)) - np.searchsorted(query, query)
    return np.bincount(query, weights=(before + 1) / (rank + 1), minlength=queries)


map_at_20 = Metric(
    name="map_at_20",
    summary="Mean over queries of the average precision of the first 20 candidates found.",
    columns=("ap", "n"),
    stats=each(_sums),
    reduce=share,
    cite="XTREME-R, mAP@20 of LAReQA and Mewsli-X; utils_mewslix.py: mean_reciprocal_rank",
    sums=_sums,
)
