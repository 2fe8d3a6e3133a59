"""MultiCheckList's rule for comparing answers, implemented again.

Articles of the language become a blank; then blanks, commas, full stops and marks of the language are removed from both
ends. The results must be equal, also in case. Source: google-research/xtreme,
multichecklist/generate_test_utils.py, `clean` and `expect_squad`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

WHOLE: Final[Mapping[str, str]] = {
    "de": "ein eine einen",
    "el": "Ο ένα μια",
    "en": "a an the in at",
    "es": "un una unos unas el la los las",
    "eu": "bat",
    "fa": "یک",
    "fr": "un une le la en",
    "hu": "egy",
    "it": "un una",
    "nl": "een",
    "pt": "um uma",
    "tl": "Si",
    "tr": "bir",
    "vi": "một",
    "wo": "dafa",
    "yo": "kan",
}
"""Articles, and words that the rule treats as such; they match whole words only."""

OPEN: Final[Mapping[str, str]] = {
    "bn": "একটি একজন",
    "hi": "एक",
    "ml": "ഒരു",
    "mr": "एक",
    "my": "တစ်ဦး",
    "pa": "ਇੱਕ ਇਕ",
    "ta": "ஒரு",
}
"""Articles that match at the beginning of a word, whatever follows."""

_MARKS: Final[Mapping[str, str]] = {"bn": "৷", "hi": "৷", "pa": "।", "pl": "„”", "ur": "\u200f"}
_ENDS: Final = ",. "


def clean(text: str, language: str) -> str:
    """An answer without articles and ignored characters at its ends."""
    articles = _articles(language)
    return (articles.sub(" ", text) if articles else text).strip(_ENDS + _MARKS.get(language, ""))


@cache
def _articles(language: str) -> re.Pattern[str] | None:
    if language == "af":
        return re.compile(r"’n\b")
    if language == "ar":
        return re.compile("ال")
    words = "|".join((WHOLE.get(language) or OPEN.get(language, "")).split())
    end = r"\b" if language in WHOLE else ""
    return re.compile(rf"\b(?:{words}){end}") if words else None


def answered(answer: str, golds: Sequence[str], language: str) -> float:
    """1.0 where the answer, cleaned, is a gold answer, cleaned."""
    return float(any(clean(answer, language) == clean(gold, language) for gold in golds))
