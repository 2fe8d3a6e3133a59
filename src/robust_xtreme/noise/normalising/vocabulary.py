"""The words that a normaliser knows: those of a task's training texts, and those that packs have of a language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from robust_xtreme.core import packs
from robust_xtreme.noise.engine.realised import KIND, texts
from robust_xtreme.noise.members.natural_typo import misspelt
from robust_xtreme.noise.normalising.corrector import Spelling
from robust_xtreme.noise.normalising.words import counted

ENGLISH = "en"


def spelling_of(code: str, english: Counter[str]) -> Spelling:
    """The normaliser of a language, for a task whose English training texts have these words.

    A word of another language than English becomes a word of that language only; English ones stay there.
    """
    counts = Counter(dict.fromkeys(_listed(code), 1)) + counted(_texts(code), code)
    if code == ENGLISH:
        counts += english
    return Spelling(code, dict(counts), frozenset(english))


def _texts(code: str) -> Iterable[str]:
    return texts(code) if packs.has(KIND, code) else ()


def _listed(code: str) -> Iterable[str]:
    return misspelt(code) if packs.has("misspellings", code) else ()
