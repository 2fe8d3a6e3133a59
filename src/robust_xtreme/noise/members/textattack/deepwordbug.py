"""DeepWordBug of TextAttack (arXiv 1801.04354)."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import recipe
from robust_xtreme.noise.members.textattack._latin import lacks

deepwordbug = recipe(
    "deepwordbug",
    "DeepWordBug: letters swapped, substituted, deleted and inserted in the most important words.",
    lacks=lacks,
    beside="char_noise",
)
