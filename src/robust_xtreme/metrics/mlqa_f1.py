"""F1 of the words of answers by MLQA's rule, by the clean text that the prediction points at."""

from __future__ import annotations

from robust_xtreme.metric import Metric, share
from robust_xtreme.metrics._mlqa import in_its_language, overlap

mlqa_f1 = Metric(
    name="mlqa_f1",
    summary="F1 of the words of answers by the rule of their language, mapped back to the clean text.",
    columns=("f1", "n"),
    stats=in_its_language(overlap),
    reduce=share,
    cite="MLQA, mlqa_evaluation_v1.py: f1_score",
)
