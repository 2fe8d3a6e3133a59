"""The universal part of speech of each word of a clause.

Words of names and days are PROPN, years NUM, marks PUNCT; what an adjective adds to a noun is ADJ, and other words of
a part are NOUN. Of the words beside the parts `tags.toml` lists those that are not verbs (adjectives, where a quality
is stated); a table `LANGUAGE.parts` is of words inside parts, `LANGUAGE.VERB` of words beside those of one verb.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from tools.mini.grammar import UNSPACED, sentence
from tools.mini.meaning import Clause, Thing, Word


def tagged(language: str, clause: Clause) -> list[tuple[str, str]]:
    """The words of a statement and their tags; an ending is of the word before it, an adposition of the next one."""
    words = sentence(language, clause)
    plain = Counter(word.text for word in sentence(language, _bare(clause)) if word.part)
    tagged_words: list[tuple[str, str]] = []
    before = ""
    for word in words:
        added = bool(word.part) and not plain[word.text]
        plain[word.text] -= bool(word.part)
        tag = _tag(language, clause, word, added)
        if _ends(language, word, before):
            text, first = tagged_words.pop()
            tagged_words.append((text + word.text, tag if first == "ADP" else first))
        else:
            tagged_words.append((word.text, tag))
        before = word.text
    return tagged_words


def _ends(language: str, word: Word, before: str) -> bool:
    """Whether a word is written as the ending of the one before."""
    glued = word.bound and language not in UNSPACED
    return glued and _lettered(word.text) and _lettered(before)


def _lettered(text: str) -> bool:
    return any(map(str.isalnum, text))


def _bare(clause: Clause) -> Clause:
    """The clause without its adjective."""
    target = clause.object
    return replace(clause, object=replace(target, adjective="")) if isinstance(target, Thing) else clause


def _tag(language: str, clause: Clause, word: Word, added: bool) -> str:
    if not _lettered(word.text):
        return "PUNCT"
    if word.name or word.part == "day":
        return "PROPN"
    if word.part == "year":
        return "NUM"
    code, _, number = language.partition("/")
    text = word.text.lower()
    if word.part:
        return _listed(code, "parts").get(text) or ("ADJ" if added else "NOUN")
    others = _listed("orders", "") if number else {}
    listed = {**others, **_listed(code, ""), **_listed(code, clause.verb)}
    return listed.get(text) or ("ADJ" if clause.verb == "be_adjective" else "VERB")


@cache
def _listed(code: str, table: str) -> Mapping[str, str]:
    """Word to tag as a table lists them."""
    tables: Mapping[str, Any] = _tables()[code]
    listed = tables.get(table, {}) if table else tables
    return {word: tag for tag, words in listed.items() if isinstance(words, str) for word in words.lower().split()}


@cache
def _tables() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "tags.toml").read_text(encoding="utf-8"))
