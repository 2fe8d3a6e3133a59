"""TextFooler of TextAttack (arXiv 1907.11932), which needs word vectors, a sentence encoder and a tagger."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import recipe
from robust_xtreme.noise.members.textattack._latin import lacks

textfooler = recipe(
    "textfooler",
    "TextFooler: words with near vectors for the most important words.",
    lacks=lacks,
    beside="char_noise",
)
