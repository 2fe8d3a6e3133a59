"""Words that a masked language model expects, searched for; the moves are those of `masked_words`."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import attack

attack_words = attack(
    "attack_words",
    "Search for words that a masked language model expects with which a model answers worst.",
    moves=("masked_words",),
)
