"""F1 of the words of answers as they are in the noisy text, on both sides."""

from __future__ import annotations

from robust_xtreme.metric import Metric, share
from robust_xtreme.metrics._squad import answer_noisy, golds_noisy, overlap, scoped

surface_f1_noisy_gold = Metric(
    name="surface_f1_noisy_gold",
    summary="F1 of the words of answers as the noisy text shows them, against the noisy gold answers.",
    columns=("f1", "n"),
    stats=scoped(answer_noisy, golds_noisy, overlap),
    reduce=share,
    cite="SQuAD v1.1, evaluate-v1.1.py: f1_score",
)
