"""Search for the transliterated words with which a model answers worst: the moves are those of `transliterate`."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import attack

attack_transliteration = attack(
    "attack_transliteration",
    "Search for the transliterated words with which a model answers worst.",
    moves=("transliterate",),
)
