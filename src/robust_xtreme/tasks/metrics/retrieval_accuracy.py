"""Accuracy of retrieval: the first document found is a right one."""

from __future__ import annotations

import numpy as np

from robust_xtreme.core.columns import Names
from robust_xtreme.core.examples import Document
from robust_xtreme.core.metric import Metric, Responses, Sums, each, share, targets, whole
from robust_xtreme.tasks.metrics._names import right_keys


def _sums(responses: Responses) -> Sums:
    _, predicted = targets(responses, Document, Names)
    some = np.flatnonzero(np.diff(predicted.bounds))
    correct = np.zeros(len(responses))
    correct[some] = right_keys(responses)[1][predicted.bounds[some]]
    return whole(correct, np.ones(len(responses)))


retrieval_accuracy = Metric(
    name="retrieval_accuracy",
    summary="Share of queries whose nearest candidate is a right one.",
    columns=("correct", "n"),
    stats=each(_sums),
    reduce=share,
    cite="XTREME, evaluate.py: accuracy of Tatoeba",
    sums=_sums,
)
