"""Search for the errors in letters with which a model answers worst: the moves are those of `char_noise`."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import attack

attack_letters = attack(
    "attack_letters",
    "Search for the errors in letters with which a model answers worst.",
    moves=("char_noise",),
)
