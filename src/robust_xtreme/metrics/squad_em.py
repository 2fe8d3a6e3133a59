"""Exact match of answers, by the clean text that the prediction points at."""

from __future__ import annotations

from robust_xtreme.metric import Metric, share
from robust_xtreme.metrics._squad import answer_clean, exact, golds_clean, scoped

squad_em = Metric(
    name="squad_em",
    summary="Share of answers equal to a gold answer; a prediction on noisy text is mapped back to the clean text.",
    columns=("exact", "n"),
    stats=scoped(answer_clean, golds_clean, exact),
    reduce=share,
    cite="SQuAD v1.1, evaluate-v1.1.py: exact_match_score",
)
