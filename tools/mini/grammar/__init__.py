"""One file a language: `sentence(clause)` and `question(clause, asked)`, each a list of Words.

`en/7` are English words in the seventh of many other orders.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from tools.mini.grammar._orders import ordered
from tools.mini.meaning import Clause, Word

UNSPACED = ("zh", "ja", "th")
"""Languages whose words are written together; a few words are apart."""


def sentence(language: str, clause: Clause) -> list[Word]:
    """The clause as a statement, with its full stop where the language writes one."""
    code, _, number = language.partition("/")
    grammar = cast(Callable[[Clause], list[Word]], importlib.import_module(f"tools.mini.grammar.{code}").sentence)
    return ordered(grammar(clause), number)


def question(language: str, clause: Clause, asked: str) -> list[Word]:
    """The question whose answer is the clause's part `asked`; the other parts that the clause has are mentioned."""
    code, _, number = language.partition("/")
    grammar = cast(Callable[[Clause, str], list[Word]], importlib.import_module(f"tools.mini.grammar.{code}").question)
    return ordered(grammar(clause, asked), number)


def written(language: str, words: list[Word]) -> str:
    """The words as text."""
    return "".join(text for text, _ in placed(language, words))


def placed(language: str, words: list[Word]) -> list[tuple[str, Word]]:
    """Each word with the space before it, where the language writes one: the pieces of the text in order."""
    glued = language in UNSPACED
    bound = [word.bound or (glued and not word.apart) or index == 0 for index, word in enumerate(words)]
    return [(word.text if bare else f" {word.text}", word) for bare, word in zip(bound, words, strict=True)]
