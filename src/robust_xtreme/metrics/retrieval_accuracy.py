"""Accuracy of retrieval: the first document found is a right one."""

from __future__ import annotations

from collections.abc import Mapping

from robust_xtreme.examples import Document, Scored
from robust_xtreme.metric import ALL, Metric, share, targets


def _stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
    gold, predicted = targets(scored, Document)
    return {ALL: (float(predicted.ids[:1] != () and predicted.ids[0] in gold.ids), 1.0)}


retrieval_accuracy = Metric(
    name="retrieval_accuracy",
    summary="Share of queries whose nearest candidate is a right one.",
    columns=("correct", "n"),
    stats=_stats,
    reduce=share,
    cite="XTREME, evaluate.py: accuracy of Tatoeba",
)
