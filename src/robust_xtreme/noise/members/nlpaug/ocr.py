"""nlpaug's OcrAug: a letter becomes one of the few letters and digits that scanners take it for (l and 1, O and D).

Its table is English, and contains 20 letters (BCDEGIOSUZ bgkloqrsuz). Digits do not change, because that would change a
text's meaning, but letters become digits. How words are drawn: `_library`.
"""

from __future__ import annotations

from collections.abc import Callable

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
