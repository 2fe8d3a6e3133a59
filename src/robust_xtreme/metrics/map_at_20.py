"""Mean average precision of the first twenty documents found."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from robust_xtreme.examples import Document, Scored
from robust_xtreme.metric import ALL, Metric, share, targets

DEPTH: Final = 20


def average_precision(ranking: Sequence[str], gold: Collection[str]) -> float:
    """The sum of the precisions at each right document among the first 20, divided by min(right documents, 20).

    In [0, 1]. A repeated document counts once; 0 where there is no right document. With one right document it is the
    reciprocal of its rank, as in Mewsli-X's scorer.
    """
    right, total = set(gold), 0.0
    hits: set[str] = set()
    for rank, document in enumerate(ranking[:DEPTH], start=1):
        if document in right and document not in hits:
            hits.add(document)
            total += len(hits) / rank
    return total / min(len(right), DEPTH) if right else 0.0


def _stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
    gold, predicted = targets(scored, Document)
    return {ALL: (average_precision(predicted.ids, gold.ids), 1.0)}


map_at_20 = Metric(
    name="map_at_20",
    summary="Mean over queries of the average precision of the first 20 candidates found.",
    columns=("ap", "n"),
    stats=_stats,
    reduce=share,
    cite="XTREME-R, mAP@20 of LAReQA and Mewsli-X; utils_mewslix.py: mean_reciprocal_rank",
)
