"""Spacing errors: two words written as one, a word written as two.

A word is joined with the next one where only white space within a line is between them (5 km and 10 000 stay), or split
at one position, between two letters of the language, in Thai never between a consonant and a vowel written beside it.
Texts in scripts without spaces get some, too. The noise has no meaning for tasks that label single words, as tagging.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Final

from robust_xtreme.core.graphemes import split
from robust_xtreme.core.languages import belongs
from robust_xtreme.noise.engine.inserting import THAI_AFTER, THAI_BEFORE
from robust_xtreme.noise.engine.perturbation import alphabet_pack
from robust_xtreme.noise.engine.words import Form, words

_APOSTROPHES: Final = ("'", "’")
_MOST: Final = 40
"""How many positions, evenly spread, a very long word can be split at."""


@words(
    strength="share of words joined with the next one, or split",
    rates={"join": "2", "split": "1"},
    refuses=("tagging",),
    packs=alphabet_pack,
)
def spacing(word: str, language: str) -> Iterator[Form]:
    """Join words and split them: the space before the next one left out, or one put where none belongs."""
    # A word can be split between two letters, both of the language; a Thai vowel stays with its consonant.
    clusters = split(word)
    letters = [cluster not in _APOSTROPHES and belongs(language, cluster) for cluster in clusters]
    ends = accumulate(map(len, clusters))
    apart = [
        not left.endswith(tuple(THAI_BEFORE)) and not right.startswith(tuple(THAI_AFTER))
        for left, right in pairwise(clusters)
    ]
    splits = [end for end, both, free in zip(ends, pairwise(letters), apart, strict=False) if all(both) and free]
    few = min(len(splits), _MOST)
    for number in range(few):
        end = splits[number * len(splits) // few]
        yield Form(f"{word[:end]} {word[end:]}", "split")
