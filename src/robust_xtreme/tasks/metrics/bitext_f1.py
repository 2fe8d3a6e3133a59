"""F1 of mined translation pairs, with the threshold that was tuned on clean data."""

from __future__ import annotations

import numpy as np

from robust_xtreme.core.columns import Names, TargetColumn
from robust_xtreme.core.examples import Document
from robust_xtreme.core.metric import Array, Metric, Responses, Sums, each, targets, whole
from robust_xtreme.tasks.metrics._names import SIZE, gold_keys, keys
from robust_xtreme.tasks.metrics.span_f1 import reduce


def pairs_counted(responses: Responses, answers: TargetColumn | None = None) -> Sums:
    """True positives, false positives and false negatives of each query's pairs; a repeated pair counts once."""
    _, names = targets(responses, Document, Names, answers)
    gold, predicted = gold_keys(responses.clean), np.unique(keys(responses.clean, names))
    right = _counted(np.intersect1d(gold, predicted, assume_unique=True), len(responses))
    return whole(right, _counted(predicted, len(responses)) - right, _counted(gold, len(responses)) - right)


def _counted(pairs: Array, queries: int) -> Array:
    return np.bincount(pairs // SIZE, minlength=queries)


bitext_f1 = Metric(
    name="bitext_f1",
    summary="F1 of the translation pairs found, with the threshold tuned on clean data.",
    columns=("tp", "fp", "fn"),
    stats=each(pairs_counted),
    reduce=reduce,
    cite="XTREME, evaluate.py: bucc_f1",
    sums=pairs_counted,
    empty=True,
)
