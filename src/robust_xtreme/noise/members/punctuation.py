"""Punctuation errors: marks left out, doubled, replaced by others, quotes typed as on a typewriter.

The marks are those of the language (CLDR); a mark beside a digit stays. A stop is replaced by another stop, a pause by
another pause, a quote by another quote, so that the sentence stays readable.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from robust_xtreme.noise.engine.key_errors import KeyingError, key_errors
from robust_xtreme.noise.engine.marks import marks, others, pauses, stops
from robust_xtreme.noise.engine.perturbation import alphabet_pack

_PLAIN: Final = {
    **dict.fromkeys("“”„«»״", '"'),
    **dict.fromkeys("‘’‚׳", "'"),
    **dict.fromkeys("‐‑–—־", "-"),
    "…": "...",
}


@key_errors(
    strength="share of punctuation marks changed",
    rates={"drop": "3", "double": "1", "wrong": "2", "plain": "2", "add": "0"},
    marked=False,
    unit="mark",
    packs=alphabet_pack,
)
def punctuation(language: str) -> Iterator[KeyingError]:
    """Drop, double and confuse punctuation marks; @add= puts commas before spaces."""
    known = marks(language)
    doubled = stops(language) | pauses(language)
    for mark in known:
        yield KeyingError(mark, "drop", "")
        if mark in doubled:
            yield KeyingError(mark, "double", unicodedata.normalize("NFC", mark) * 2)
        if mark in _PLAIN:
            yield KeyingError(mark, "plain", _PLAIN[mark])
        for other in others(language, mark):
            yield KeyingError(mark, "wrong", other)
    for comma in ("،", "、", "၊", ","):
        if comma in known:
            yield KeyingError(" ", "add", f"{comma} ")
            break
