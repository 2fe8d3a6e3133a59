"""The words of texts: letters with their marks, and apostrophes between two of them."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from robust_xtreme.noise.engine.case import lower


@functools.cache
def pattern() -> re.Pattern[str]:
    """A word. Python's own classes have no marks."""
    marks = "".join(sign for sign in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(sign)[0] == "M")
    letter = rf"(?:[^\W\d_]|[{marks}])"
    return re.compile(rf"{letter}+(?:['’]{letter}+)*")


def key_of(word: str, code: str) -> str:
    """A word in small letters of its language, with the plain apostrophe."""
    return lower(word, code).replace("’", "'")


def words_of(text: str, code: str) -> Iterator[str]:
    """The words of a text in small letters."""
    return (key_of(match[0], code) for match in pattern().finditer(text))


def counted(texts: Iterable[str], code: str) -> Counter[str]:
    """How often each word is in some texts."""
    return Counter(word for text in texts for word in words_of(text, code))
