"""Spaces in the wrong places: two words written as one, a word written as two.

A word is joined with the next one where only white space within a line stands between them (5 km and 10 000 stay), or
split at one place, between two letters of the language. Scripts that write no spaces get some, too. Where words are
read one by one, as in tagging, the noise has no meaning.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Final

from robust_xtreme.languages import belongs
from robust_xtreme.noise._case import clusters
from robust_xtreme.noise._words import Form, words

_APOSTROPHES: Final = ("'", "’")
_MOST: Final = 40
"""Of so many places, evenly spread, a very long word is split at one."""


@words(
    strength="share of words joined with the next one, or split",
    rates={"join": "2", "split": "1"},
    refuses=("tagging",),
    packs=lambda code: (f"alphabets/{code}",),
)
def spacing(word: str, language: str) -> Iterator[Form]:
    """Join words and split them: the space before the next one left out, or one put where none belongs."""
    places = _places(word, language)
    few = min(len(places), _MOST)
    for number in range(few):
        place = places[number * len(places) // few]
        yield Form(f"{word[:place]} {word[place:]}", "split")


def _places(word: str, code: str) -> list[int]:
    """Where a word can be split: between two letters, both of the language."""
    found = clusters(word)
    own = [one not in _APOSTROPHES and belongs(code, one) for one in found]
    return [place for place, both in zip(accumulate(map(len, found)), pairwise(own), strict=False) if all(both)]
