"""Mean average precision of the first twenty documents found."""

from __future__ import annotations

from typing import Final

import numpy as np

from robust_xtreme.examples import Document
from robust_xtreme.metric import Array, Metric, Responses, Sums, each, share, targets, whole
from robust_xtreme.metrics._names import SIZE, gold_keys, keys
from robust_xtreme.target_columns import Names, owners

DEPTH: Final = 20


def _sums(responses: Responses) -> Sums:
    """The sum of the precisions at each right document among the first 20, divided by min(right documents, 20).

    In [0, 1]. A repeated document counts once; 0 where there is no right document. With one right document it is the
    reciprocal of its rank, as in Mewsli-X's scorer.
    """
    _, predicted = targets(responses, Document, Names)
    right = gold_keys(responses.clean)
    most = np.minimum(np.bincount(right // SIZE, minlength=len(responses)), DEPTH)
    total = _precisions(_hits(keys(responses.clean, predicted), predicted.bounds, right))
    return whole(np.where(most > 0, total / np.maximum(most, 1), 0.0), np.ones(len(responses)))


def _hits(documents: Array, bounds: Array, right: Array) -> Array:
    """Whether each of the first documents is a right one that did not occur before (n, 20), from keys (t,)."""
    rank = np.arange(len(documents)) - bounds[owners(bounds)]
    first = np.unique(documents, return_index=True)[1]
    first = first[(rank[first] < DEPTH) & np.isin(documents[first], right)]
    hits = np.zeros((len(bounds) - 1, DEPTH), np.bool_)
    hits[documents[first] // SIZE, rank[first]] = True
    return hits


def _precisions(hits: Array) -> Array:
    """The sum (n,) of the precisions at the hits (n, 20), from the first rank to the last."""
    counts, total = np.cumsum(hits, axis=1), np.zeros(len(hits))
    for at in range(DEPTH):
        total += np.where(hits[:, at], counts[:, at] / (at + 1), 0.0)
    return total


map_at_20 = Metric(
    name="map_at_20",
    summary="Mean over queries of the average precision of the first 20 candidates found.",
    columns=("ap", "n"),
    stats=each(_sums),
    reduce=share,
    cite="XTREME-R, mAP@20 of LAReQA and Mewsli-X; utils_mewslix.py: mean_reciprocal_rank",
    sums=_sums,
)
