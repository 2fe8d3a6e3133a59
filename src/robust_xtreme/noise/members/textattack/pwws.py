"""PWWS of TextAttack (ACL 2019, P19-1103), which needs NLTK's WordNet."""

from __future__ import annotations

from robust_xtreme.noise.engine.attack import recipe
from robust_xtreme.noise.members.textattack._latin import lacks

pwws = recipe(
    "pwws",
    "PWWS: synonyms of WordNet for the words with the most effect.",
    lacks=lacks,
    beside="char_noise",
)
