"""Typing errors on the language's keyboard, searched for; the moves are those of `keyboard_typo`."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import attack

attack_keys = attack(
    "attack_keys",
    "Search for the typing errors on the language's keyboard with which a model answers worst.",
    moves=("keyboard_typo",),
)
