"""Input reduction of TextAttack (arXiv 1804.07781): it keeps right answers right, so that its texts have no success."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import recipe
from robust_xtreme.noise.members.textattack._latin import lacks

input_reduction = recipe(
    "input_reduction",
    "Words left out, as many as the answer survives: what remains shows what it rests on.",
    lacks=lacks,
    beside="word_drop",
)
