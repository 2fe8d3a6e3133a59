"""nlpaug's RandomCharAug: letters substituted, inserted, swapped with a neighbour or deleted at random.

nlpaug draws ASCII letters, digits and signs; here it is given the small letters of the language's own alphabet.
Languages whose letters need combining marks, or that are written without spaces, are refused. A swap spares capitals,
because nlpaug changes the case by rules that are wrong in Turkish and German; swaps and deletions need words of two
letters. A letter may be drawn for itself, or swapped with an equal one. How words are drawn: `_library`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from robust_xtreme.core import languages
from robust_xtreme.noise.engine.rewriter import rewriter
from robust_xtreme.noise.members.nlpaug._library import (
    UNCAPPED,
    LongestRuns,
    cased,
    characters,
    lacks_letters,
    on_words,
)

_SHORTEST: Final[Mapping[str, int]] = MappingProxyType({"substitute": 1, "insert": 1, "swap": 2, "delete": 2})


@rewriter(
    library="nlpaug",
    strength="share of words edited",
    lacks=lacks_letters,
    choices={"action": lambda: tuple(_SHORTEST)},
)
def random(language: str, strength: float, action: str) -> Callable[[str], str]:
    """Substitute, insert, swap or delete letters at random, with letters of the language's own alphabet."""
    small, shortest = languages.language(language).alphabet, _SHORTEST[action]
    letters = frozenset(small) if action == "swap" else cased(small)
    drawn = {"action": action, "candidates": list(small), "aug_word_p": strength, "min_char": shortest}
    return on_words(characters().RandomCharAug(**drawn, **UNCAPPED), LongestRuns(letters, letters, shortest))
