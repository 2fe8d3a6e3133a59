"""Accuracy of a choice."""

from __future__ import annotations

from collections.abc import Mapping

from robust_xtreme.examples import Choice, Scored
from robust_xtreme.metric import ALL, Metric, share, targets


def _stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
    gold, predicted = targets(scored, Choice)
    return {ALL: (float(gold == predicted), 1.0)}


accuracy = Metric(
    name="accuracy",
    summary="Share of examples whose label is right.",
    columns=("correct", "n"),
    stats=_stats,
    reduce=share,
    cite="XTREME, evaluate.py: accuracy",
)
