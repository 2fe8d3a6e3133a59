"""What grammars share: texts as words, and names as words."""

from __future__ import annotations

from collections.abc import Iterable

from tools.mini.meaning import Word


def plain(text: str, part: str = "", name: str = "") -> list[Word]:
    """A text as words, cut at its spaces."""
    return [Word(word, part, name) for word in text.split()]


def bound(text: str, part: str = "", name: str = "") -> Word:
    """An ending, particle or mark written without a space before it."""
    return Word(text, part, name, bound=True)


def apart(text: str, part: str = "", name: str = "") -> Word:
    """A word with a space before it in a language that writes its words together."""
    return Word(text, part, name, apart=True)


def joined(*parts: Iterable[Word]) -> list[Word]:
    """Words of several parts in a row."""
    return [word for part in parts for word in part]


def capitalised(words: list[Word]) -> list[Word]:
    """The words of a sentence whose first letter is a capital."""
    first = words[0]
    return [Word(first.text[:1].upper() + first.text[1:], first.part, first.name, first.bound), *words[1:]]
