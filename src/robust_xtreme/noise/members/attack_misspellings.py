"""Misspellings that people make, searched for; the moves are those of `natural_typo`."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import attack

attack_misspellings = attack(
    "attack_misspellings",
    "Search for the misspellings that people make with which a model answers worst.",
    moves=("natural_typo",),
)
