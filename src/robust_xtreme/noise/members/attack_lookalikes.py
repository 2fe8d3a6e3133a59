"""Search for the look-alike letters with which a model answers worst: the moves are those of `confusables`."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import attack

attack_lookalikes = attack(
    "attack_lookalikes",
    "Search for the look-alike letters with which a model answers worst.",
    moves=("confusables",),
)
