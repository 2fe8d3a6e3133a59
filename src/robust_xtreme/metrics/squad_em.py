"""Exact match of answers, by the clean text that the prediction points at."""

from __future__ import annotations

from robust_xtreme.metric import Metric, each, share
from robust_xtreme.metrics._answers import Lexicon, answers_clean, compared, golds_clean
from robust_xtreme.metrics._squad import words

_sums = compared(words, answers_clean, golds_clean, Lexicon.exact)

squad_em = Metric(
    name="squad_em",
    summary="Share of answers equal to a gold answer; a prediction on noisy text is mapped back to the clean text.",
    columns=("exact", "n"),
    stats=each(_sums),
    reduce=share,
    cite="SQuAD v1.1, evaluate-v1.1.py: exact_match_score",
    sums=_sums,
)
