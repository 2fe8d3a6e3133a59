"""TextBugger of TextAttack (arXiv 1812.05271), which needs word vectors and a sentence encoder."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import recipe
from robust_xtreme.noise.members.textattack._latin import lacks

textbugger = recipe(
    "textbugger",
    "TextBugger: letters changed, words split, and words with near vectors.",
    lacks=lacks,
    beside="char_noise",
)
