"""nlpaug's KeyboardAug: a letter becomes one that nlpaug's table puts beside it on the keyboard, in either case.

Of its tables (de en es fr he it nl pl th tr uk) Thai's is refused: its keys are vowel signs and tone marks, which would
be separated from their letters. In pointed words of Hebrew only letters without points change. Of each table only the
letters of the language's own alphabet are used, no digits and signs. How words are drawn: `_library`.
"""

from __future__ import annotations

from collections.abc import Callable
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
