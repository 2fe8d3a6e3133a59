"""F1 of the words of noisy answers against the clean gold answers."""

from __future__ import annotations

from dataclasses import replace

from robust_xtreme.metric import each
from robust_xtreme.metrics._answers import Lexicon, answers_noisy, compared, golds_clean
from robust_xtreme.metrics._squad import words
from robust_xtreme.metrics.squad_f1 import squad_f1

_sums = compared(words, answers_noisy, golds_clean, Lexicon.overlap)

surface_f1_clean_gold = replace(
    squad_f1,
    name="surface_f1_clean_gold",
    summary="F1 of the words of answers as the noisy text shows them, against the clean gold answers.",
    stats=each(_sums),
    sums=_sums,
)
