"""Letters and signs repeated for emphasis: sooo, !!!

A letter occurs three to five times, an exclamation mark, a question mark or a stop two or three times; shorter runs are
more frequent. A letter with marks of its own, as in scripts whose vowels are signs, is not repeated.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from robust_xtreme.noise.engine.case import cases
from robust_xtreme.noise.engine.key_errors import KeyingError, key_errors
from robust_xtreme.noise.engine.marks import stops
from robust_xtreme.noise.engine.perturbation import alphabet_pack

_LONGER: Final = ((3, 4), (4, 2), (5, 1))
_MARKS: Final = ((2, 2), (3, 3))


@key_errors(
    strength="share of letters and emphatic marks repeated",
    rates={"letter": "1", "mark": "1"},
    marked=False,
    packs=alphabet_pack,
)
def repetition(language: str) -> Iterator[KeyingError]:
    """Repeat letters and marks for emphasis, as in sooo and !!!."""
    for letter in cases(language):
        for times, weight in _LONGER:
            yield KeyingError(letter, "letter", letter * times, weight)
    for mark in sorted(stops(language)):
        for times, weight in _MARKS:
            yield KeyingError(mark, "mark", unicodedata.normalize("NFC", mark) * times, weight)
