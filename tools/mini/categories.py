"""Categories of words that are richer than parts of speech: what a word says of the clause, and what a verb takes.

A word of a part has its part of speech and that part (`NOUN/object`), a word before a part that of the part which
follows (`ADP>place`), and a verb the parts of its clause (`VERB(object-place)`), as in categorial grammar.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tools.mini import tags
from tools.mini.meaning import PARTS, Clause
from tools.mini.rows import Row
from tools.mini.statements import Statement


def categories(language: str, clause: Clause) -> list[tuple[str, str]]:
    """The words of a statement, each with its category."""
    words = tags.placed(language, clause)
    following, labelled = "", []
    for text, tag, part in reversed(words):
        labelled.append((text, _category(clause, tag, part, following)))
        following = part or following
    return labelled[::-1]


def _category(clause: Clause, tag: str, part: str, following: str) -> str:
    if part:
        return f"{tag}/{part}"
    if tag == "VERB":
        return f"{tag}({'-'.join(name for name in PARTS[1:] if getattr(clause, name))})"
    return f"{tag}>{following}" if following and tag != "PUNCT" else tag


def category_rows(language: str, several: Iterable[Statement]) -> Iterator[Row]:
    """One row of each statement: its words with their categories."""
    for index, statement in enumerate(several):
        words, kinds = zip(*categories(language, statement.clause), strict=True)
        yield {"id": f"{index:04d}", "cluster": statement.template, "tokens": list(words), "tags": list(kinds)}
