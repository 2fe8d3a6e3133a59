"""F1 of the words of answers, by the clean text that the prediction points at."""

from __future__ import annotations

from robust_xtreme.metric import Metric, share
from robust_xtreme.metrics._squad import answer_clean, golds_clean, overlap, scoped

squad_f1 = Metric(
    name="squad_f1",
    summary="F1 of the words of answers; a prediction on noisy text is mapped back to the clean text.",
    columns=("f1", "n"),
    stats=scoped(answer_clean, golds_clean, overlap),
    reduce=share,
    cite="SQuAD v1.1, evaluate-v1.1.py: f1_score",
)
