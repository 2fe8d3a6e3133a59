"""Exact match of answers by MLQA's rule, by the clean text that the prediction points at."""

from __future__ import annotations

from robust_xtreme.metric import Metric, each, share
from robust_xtreme.metrics._answers import Lexicon, answers_clean, compared, golds_clean
from robust_xtreme.metrics._mlqa import words

_sums = compared(words, answers_clean, golds_clean, Lexicon.exact)

mlqa_em = Metric(
    name="mlqa_em",
    summary="Share of answers equal to a gold answer by the rule of their language, mapped back to the clean text.",
    columns=("exact", "n"),
    stats=each(_sums),
    reduce=share,
    cite="MLQA, mlqa_evaluation_v1.py: exact_match_score",
    sums=_sums,
)
