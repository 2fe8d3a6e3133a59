"""The official rule of MLQA for comparing answers, frozen, its extension to other languages, and the metrics.

MLQA's script uses the language of the answer, which is that of the context. Text is lower-cased; punctuation is removed
(every code point of the Unicode categories P, and ASCII's punctuation), then the articles of the language. Words are
separated by blanks; in Chinese each of the characters U+4E00 to U+9FA5 is a word too. In Arabic every `ال` is removed,
also inside a word: that is the script's rule.

The script refuses a language that MLQA does not have. Here no article is removed in such a language, and each character
of a script that is written without blanks between words is a word, with its marks.
Source: facebookresearch/MLQA, mlqa_evaluation_v1.py, which XTREME uses unchanged.
"""

import re
import string
import unicodedata
from collections.abc import Mapping
from typing import Final

import regex

from robust_xtreme.core.metric import Responses, Sums
from robust_xtreme.tasks.metrics._answers import AnswerLexicon, compared
from robust_xtreme.tasks.metrics._labels import summed

LANGUAGES: Final = ("ar", "de", "en", "es", "hi", "vi", "zh")
"""The languages of MLQA, those of the official rule."""

_ARTICLES: Final[Mapping[str, re.Pattern[str]]] = {
    "ar": re.compile("ال"),
    "de": re.compile(r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "en": re.compile(r"\b(?:a|an|the)\b"),
    "es": re.compile(r"\b(?:un|una|unos|unas|el|la|los|las)\b"),
    "vi": re.compile(r"\b(?:của|là|cái|chiếc|những)\b"),
}
_CHINESE: Final = re.compile(r"[\u4e00-\u9fa5]|[^\s\u4e00-\u9fa5]+")
_UNSPACED: Final = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}--\p{M}]"
_ANY: Final = regex.compile(rf"{_UNSPACED}\p{{M}}*|(?:(?!{_UNSPACED}).)+", regex.V1 | regex.S)


class _Letters(dict[int, int | None]):
    """What a code point becomes: nothing where it is punctuation. Filled as code points occur."""

    def __missing__(self, point: int) -> int | None:
        letter = chr(point)
        dropped = letter in string.punctuation or unicodedata.category(letter).startswith("P")
        self[point] = None if dropped else point
        return self[point]


_LETTERS: Final = _Letters()


def words(answer: str, language: str) -> tuple[str, ...]:
    """The words of an answer in a language: lower case, without punctuation, then without articles."""
    text = answer.lower().translate(_LETTERS)
    if language in _ARTICLES:
        text = _ARTICLES[language].sub(" ", text)
    if language == "zh":
        return tuple(_CHINESE.findall(text))
    parts = text.split()
    return tuple(parts if language in LANGUAGES else [word for part in parts for word in _ANY.findall(part)])


@summed("exact n", cite="MLQA, mlqa_evaluation_v1.py: exact_match_score")
def mlqa_em(responses: Responses) -> Sums:
    """Share of answers equal to a gold answer by the rule of their language, mapped back to the clean text."""
    return compared(responses, words, AnswerLexicon.exact)


@summed("f1 n", cite="MLQA, mlqa_evaluation_v1.py: f1_score")
def mlqa_f1(responses: Responses) -> Sums:
    """F1 of the words of answers by the rule of their language, mapped back to the clean text."""
    return compared(responses, words, AnswerLexicon.overlap)
