"""The attack of Pruthi et al. of TextAttack (arXiv 1905.11268): one error of a word at a time, at most one word."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import recipe
from robust_xtreme.noise.members.textattack._latin import lacks

pruthi = recipe(
    "pruthi",
    "One typing error a word, by all words in turn.",
    lacks=lacks,
    beside="char_noise",
)
