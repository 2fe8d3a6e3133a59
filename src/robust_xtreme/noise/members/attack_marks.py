"""Search for the marks that are lost or wrong with which a model answers worst: the moves are those of `diacritics`."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import attack

attack_marks = attack(
    "attack_marks",
    "Search for the marks that are lost or wrong with which a model answers worst.",
    moves=("diacritics",),
)
