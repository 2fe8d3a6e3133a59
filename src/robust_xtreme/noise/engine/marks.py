"""The punctuation marks of a language by function: end of sentence, pause, quotation, joining."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from robust_xtreme.core import languages

STOPS: Final = ".!?…‥。．｡！？؟۔।॥။"
PAUSES: Final = ",;:،؛、､，；：၊"
_CLASSES: Final = (STOPS, PAUSES, '"“”„«»‹›「」『』《》〈〉｢｣״', "'‘’‚׳", "-‐‑–—―־", "·・･")
_NEVER: Final = frozenset("॥‐‑")
"""Marks that nobody puts by mistake: the one that ends a verse, and hyphens that no keyboard has."""
_OWN: Final[Mapping[str, tuple[str, ...]]] = {"el": (".!;\u037e…", ",:\u00b7\u0387")}
"""Classes of languages in which a mark does something else: a Greek question ends with ;, and a raised dot is its
semicolon. Both have code points of their own, too, which are the same to Unicode (canonically equivalent)."""


def marks(code: str) -> tuple[str, ...]:
    """The language's punctuation marks by CLDR, and those of its own classes, which are not all in CLDR."""
    return tuple(dict.fromkeys((*languages.language(code).punctuation, *"".join(_OWN.get(code, ())))))


def stops(code: str) -> frozenset[str]:
    """The language's marks that end a sentence."""
    return frozenset(marks(code)) & frozenset(_classes(code)[0])


def pauses(code: str) -> frozenset[str]:
    """The language's marks of a pause within a sentence."""
    return frozenset(marks(code)) & frozenset(_classes(code)[1])


def _classes(code: str) -> tuple[str, ...]:
    own_marks = _OWN.get(code, ())
    return (*own_marks, *_CLASSES[len(own_marks) :])


def others(code: str, mark: str) -> Iterator[str]:
    """The language's marks in CLDR with the same function and width as a mark, of those that people put by mistake."""
    alike = next((mark_class for mark_class in _classes(code) if mark in mark_class), "")
    same = unicodedata.normalize("NFC", mark)
    known = frozenset(languages.language(code).punctuation) - _NEVER - {same}
    yield from (other for other in alike if other in known and _width(other) == _width(mark))


def _width(mark: str) -> str:
    """Whether a mark is as wide as a Chinese character (W), half of that by its name (H), or neither."""
    return {"W": "W", "F": "W", "H": "H"}.get(unicodedata.east_asian_width(mark), "")
