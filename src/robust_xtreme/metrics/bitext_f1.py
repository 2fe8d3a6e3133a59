"""F1 of mined translation pairs, with the threshold that was tuned on clean data."""

from __future__ import annotations

from collections.abc import Mapping

from robust_xtreme.examples import Document, Scored
from robust_xtreme.metric import ALL, Metric, targets
from robust_xtreme.metrics.span_f1 import reduce


def stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
    """True positives, false positives and false negatives of one query's pairs; a repeated pair counts once."""
    gold, predicted = (set(target.ids) for target in targets(scored, Document))
    return {ALL: (float(len(gold & predicted)), float(len(predicted - gold)), float(len(gold - predicted)))}


bitext_f1 = Metric(
    name="bitext_f1",
    summary="F1 of the translation pairs found, with the threshold tuned on clean data.",
    columns=("tp", "fp", "fn"),
    stats=stats,
    reduce=reduce,
    cite="XTREME, evaluate.py: bucc_f1",
)
