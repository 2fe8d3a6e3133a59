"""F1 of the words of answers as they are in the noisy text, on both sides."""

from __future__ import annotations

from dataclasses import replace

from robust_xtreme.metric import each
from robust_xtreme.metrics._answers import Lexicon, answers_noisy, compared, golds_noisy
from robust_xtreme.metrics._squad import words
from robust_xtreme.metrics.squad_f1 import squad_f1

_sums = compared(words, answers_noisy, golds_noisy, Lexicon.overlap)

surface_f1_noisy_gold = replace(
    squad_f1,
    name="surface_f1_noisy_gold",
    summary="F1 of the words of answers as the noisy text shows them, against the noisy gold answers.",
    stats=each(_sums),
    sums=_sums,
)
