"""Accuracy of a choice."""

from __future__ import annotations

import numpy as np

from robust_xtreme.core.columns import Choices
from robust_xtreme.core.examples import Choice
from robust_xtreme.core.metric import Metric, Responses, Sums, each, share, targets, whole


def _sums(responses: Responses) -> Sums:
    gold, predicted = targets(responses, Choice, Choices)
    return whole(gold.index == predicted.index, np.ones(len(responses)))


accuracy = Metric(
    name="accuracy",
    summary="Share of examples whose label is right.",
    columns=("correct", "n"),
    stats=each(_sums),
    reduce=share,
    cite="XTREME, evaluate.py: accuracy",
    sums=_sums,
)
