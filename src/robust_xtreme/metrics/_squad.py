"""The official rule of SQuAD v1.1 for comparing answers, frozen.

XTREME uses it unchanged for XQuAD and TyDiQA in every language: English articles and ASCII punctuation are removed, and
words are separated by blanks. So an answer in Chinese or Thai is usually one word.
"""

from __future__ import annotations

import re
import string
from typing import Final

_ARTICLES: Final = re.compile(r"[at](?:(?<=\ba)n?|(?<=\bt)he)\b")
"""The words a, an and the. The letters come first: the search for them takes half the time of one for boundaries."""

_PUNCTUATION: Final = re.compile(f"[{re.escape(string.punctuation)}]+")


def words(answer: str, _: str = "") -> tuple[str, ...]:
    """The words of an answer: lower case, without ASCII punctuation, then without a, an and the."""
    return tuple(_ARTICLES.sub(" ", _PUNCTUATION.sub("", answer.lower())).split())
