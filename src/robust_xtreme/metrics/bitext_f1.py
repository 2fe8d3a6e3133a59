"""F1 of mined translation pairs, with the threshold that was tuned on clean data."""

from __future__ import annotations

from collections.abc import Mapping

from robust_xtreme.examples import Document, Scored
from robust_xtreme.metric import ALL, Metric, targets
from robust_xtreme.metrics._pairs import counts
from robust_xtreme.metrics.span_f1 import reduce


def _stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
    return {ALL: counts(*targets(scored, Document))}


bitext_f1 = Metric(
    name="bitext_f1",
    summary="F1 of the translation pairs found, with the threshold tuned on clean data.",
    columns=("tp", "fp", "fn"),
    stats=_stats,
    reduce=reduce,
    cite="XTREME, evaluate.py: bucc_f1",
)
