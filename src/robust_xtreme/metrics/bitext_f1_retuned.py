"""F1 of mined translation pairs, with a threshold tuned again for each condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from robust_xtreme.examples import Document, Scored
from robust_xtreme.metric import ALL, Metric, targets
from robust_xtreme.metrics._pairs import counts
from robust_xtreme.metrics.span_f1 import reduce


def _stats(scored: Scored) -> Mapping[str, tuple[float, ...]]:
    """The counts of the prediction with the threshold tuned again, where there is one, else of the prediction."""
    retuned = scored if scored.retuned is None else replace(scored, prediction=scored.retuned)
    return {ALL: counts(*targets(retuned, Document))}


bitext_f1_retuned = Metric(
    name="bitext_f1_retuned",
    summary="F1 of the translation pairs found, with the threshold tuned again for each condition.",
    columns=("tp", "fp", "fn"),
    stats=_stats,
    reduce=reduce,
    cite="XTREME, evaluate.py: bucc_f1",
)
