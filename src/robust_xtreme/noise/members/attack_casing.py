"""Search for the words in other case with which a model answers worst: the moves are those of `casing`."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import attack

attack_casing = attack(
    "attack_casing",
    "Search for the words in other case with which a model answers worst.",
    moves=("casing",),
)
