"""Punctuation as hasty writers have it: marks left out, doubled, taken for others, quotes typed as on a typewriter.

The marks are those of the language (CLDR); a mark beside a digit stays. A stop is taken for another stop, a pause for
another pause, a quote for another quote, so that a sentence still reads as one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from robust_xtreme import languages
from robust_xtreme.noise._slips import Slip, slips

_CLASSES: Final = (".!?…。！？؟۔।॥။", ",;:،؛、，；：၊", '"“”„«»‹›「」『』《》', "'‘’‚", "-‐‑–—", "·・")
_PLAIN: Final = {**dict.fromkeys("“”„«»", '"'), **dict.fromkeys("‘’‚", "'"), **dict.fromkeys("‐‑–—", "-"), "…": "..."}
_DOUBLED: Final = frozenset("".join(_CLASSES[:2]))


@slips(
    strength="share of punctuation marks changed",
    rates={"drop": "3", "double": "1", "wrong": "2", "plain": "2", "add": "0"},
    marked=False,
    unit="mark",
    packs=lambda code: (f"alphabets/{code}",),
)
def punctuation(language: str) -> Iterator[Slip]:
    """Drop, double and confuse punctuation marks; @add= puts commas before spaces."""
    marks = languages.language(language).punctuation
    for mark in marks:
        yield Slip(mark, "drop", "")
        if mark in _DOUBLED:
            yield Slip(mark, "double", mark * 2)
        if mark in _PLAIN:
            yield Slip(mark, "plain", _PLAIN[mark])
        for other in _others(mark, marks):
            yield Slip(mark, "wrong", other)
    for comma in ("،", "、", "၊", ","):
        if comma in marks:
            yield Slip(" ", "add", f"{comma} ")
            break


def _others(mark: str, marks: tuple[str, ...]) -> Iterator[str]:
    """The language's other marks of the same class and width."""
    alike = next((one for one in _CLASSES if mark in one), "")
    yield from (other for other in alike if other != mark and other in marks and _wide(other) == _wide(mark))


def _wide(mark: str) -> bool:
    return unicodedata.east_asian_width(mark) in "WF"
