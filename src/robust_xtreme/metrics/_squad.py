"""The official rule of SQuAD v1.1 for comparing answers, frozen.

XTREME uses it unchanged for XQuAD and TyDiQA in every language: English articles and ASCII punctuation are removed, and
words are separated by blanks. So an answer in Chinese or Thai is usually one word.
"""

from __future__ import annotations

import re
import string
from typing import Final

_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


def words(answer: str, _: str = "") -> tuple[str, ...]:
    """The words of an answer: lower case, without ASCII punctuation, then without a, an and the."""
    return tuple(_ARTICLES.sub(" ", answer.lower().translate(_NO_PUNCTUATION)).split())
