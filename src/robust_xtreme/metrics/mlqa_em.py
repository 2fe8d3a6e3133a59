"""Exact match of answers by MLQA's rule, by the clean text that the prediction points at."""

from __future__ import annotations

from robust_xtreme.metric import Metric, share
from robust_xtreme.metrics._mlqa import exact, in_its_language

mlqa_em = Metric(
    name="mlqa_em",
    summary="Share of answers equal to a gold answer by the rule of their language, mapped back to the clean text.",
    columns=("exact", "n"),
    stats=in_its_language(exact),
    reduce=share,
    cite="MLQA, mlqa_evaluation_v1.py: exact_match_score",
)
