"""BAE of TextAttack (arXiv 2004.01970), which needs BERT, a sentence encoder and a tagger."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import recipe
from robust_xtreme.noise.members.textattack._latin import lacks

bae = recipe(
    "bae",
    "BAE: words that BERT expects for the most important words.",
    lacks=lacks,
    beside="char_noise",
)
