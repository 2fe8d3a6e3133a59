"""Search for the spaces lost or put in with which a model answers worst: the moves are those of `spacing`."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import attack

attack_spacing = attack(
    "attack_spacing",
    "Search for the spaces lost or put in with which a model answers worst.",
    moves=("spacing",),
)
