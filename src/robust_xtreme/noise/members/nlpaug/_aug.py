"""Augmenters of nlpaug that edit letters: keyboards, OCR and random letters."""

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

# nlpaug's KeyboardAug: a letter becomes one that nlpaug's table puts beside it on the keyboard, in either case.
#
# Of its tables (de en es fr he it nl pl th tr uk) Thai's is refused: its keys are vowel signs and tone marks, which
# would be separated from their letters. In pointed words of Hebrew only letters without points change. Of each table
# only the letters of the language's own alphabet are used, no digits and signs. How words are drawn: `_library`.

TABLES: Final = ("de", "en", "es", "fr", "he", "it", "nl", "pl", "th", "tr", "uk")
"""The languages of nlpaug's keyboards."""


def lacks(code: str) -> str:
    """Why a language is not served; "" where it is."""
    return lacks_letters(code) or ("" if code in TABLES else f"nlpaug has no keyboard of it (only {' '.join(TABLES)})")


@rewriter(library="nlpaug", strength="share of words mistyped", lacks=lacks)
def keyboard(language: str, strength: float) -> Callable[[str], str]:
    """Mistype words by nlpaug's keyboards: letters become their neighbours."""
    letters = cased(languages.language(language).alphabet)
    augmenter = characters().KeyboardAug(lang=language, aug_word_p=strength, min_char=1, **UNCAPPED)
    near = {key: [letter for letter in values if letter in letters] for key, values in augmenter.model.model.items()}
    augmenter.model.model = {key: values for key, values in near.items() if values and key in letters}
    return on_words(augmenter, LongestRuns(letters, frozenset(augmenter.model.model)))


# nlpaug's OcrAug: a letter becomes one of the few letters and digits that scanners take it for (l and 1, O and D).
#
# Its table is English, and contains 20 letters (BCDEGIOSUZ bgkloqrsuz). Digits do not change, because that would change
# a text's meaning, but letters become digits. How words are drawn: `_library`.


@rewriter(
    library="nlpaug",
    strength="share of words with such letters misread",
    lacks=lambda code: lacks_letters(code) or ("" if code == "en" else "nlpaug's table of misread letters is English"),
)
def ocr(language: str, strength: float) -> Callable[[str], str]:
    """Misread letters of English the way nlpaug's table says that scanners do."""
    augmenter = characters().OcrAug(aug_word_p=strength, aug_char_min=1, min_char=1, **UNCAPPED)
    return on_words(
        augmenter, LongestRuns(cased(languages.language(language).alphabet), frozenset(augmenter.model.model))
    )


# nlpaug's RandomCharAug: letters substituted, inserted, swapped with a neighbour or deleted at random.
#
# nlpaug draws ASCII letters, digits and signs; here it is given the small letters of the language's own alphabet.
# Languages whose letters need combining marks, or that are written without spaces, are refused. A swap spares capitals,
# because nlpaug changes the case by rules that are wrong in Turkish and German; swaps and deletions need words of two
# letters. A letter may be drawn for itself, or swapped with an equal one. How words are drawn: `_library`.

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
