"""F1 of the words of answers by MLQA's rule, by the clean text that the prediction points at."""

from __future__ import annotations

from robust_xtreme.metric import Metric, each, share
from robust_xtreme.metrics._answers import Lexicon, answers_clean, compared, golds_clean
from robust_xtreme.metrics._mlqa import words

_sums = compared(words, answers_clean, golds_clean, Lexicon.overlap)

mlqa_f1 = Metric(
    name="mlqa_f1",
    summary="F1 of the words of answers by the rule of their language, mapped back to the clean text.",
    columns=("f1", "n"),
    stats=each(_sums),
    reduce=share,
    cite="MLQA, mlqa_evaluation_v1.py: f1_score",
    sums=_sums,
)
