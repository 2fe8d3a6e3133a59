"""Words that are written by their readings: Japanese words with kanji, by the rows of the table for their kana.

A table names lists of words in its header, as in `# readings: ja-words ja-readings`: packs `input/NAME.tsv` with the
columns `word` and `reading`, and if they like `weight` and `where`. A word that is read in several ways has the forms
of each, by its weight. A reading has two forms: the likeliest of each of its letters, and the shortest of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from robust_xtreme import pack_files, packs
from robust_xtreme.errors import DataError
from robust_xtreme.noise.engine.respelling import spelt
from robust_xtreme.noise.engine.respelling_table import OF_WORDS, Condition, Form, Rule, Rules, respeller

_WORD: Final = Condition("word")
_OF_WHOLE_WORDS: Final = ("word", *OF_WORDS)
_SHARES: Final = (5, 3)
"""The weights of the likeliest and of the shortest form of a reading."""

_RAREST: Final = 0.2
"""The least weight of a reading relative to the most frequent one of its word."""

Choice = Callable[[Sequence[Form]], Form]
Readings = Mapping[str, int]
"""The readings of a word by weight."""


def with_readings(known: Rules, names: Sequence[str]) -> Rules:
    """Rules with one more for each word of some lists, which is written as its readings are by the rules.

    Raises DataError at a row of a list without a word, or with a weight that is not a number.
    """
    if not names:
        return known
    words: dict[tuple[str, str], Readings] = {}
    for name in names:
        words = _words(packs.table("input", name)) | words
    readings = list(dict.fromkeys(reading for counts in words.values() for reading in counts))
    ways = zip(*(_spelt(readings, known, choose) for choose in (_likeliest, _shortest)), strict=True)
    texts = dict(zip(readings, ways, strict=True))
    latest = reversed(words.items())
    rules = [Rule(word, _forms(counts, texts), (_WORD,) if where else ()) for (word, where), counts in latest]
    return known._replace(rules=(*known.rules, *sorted(rules, key=lambda rule: not rule.where)))


def _words(table: pack_files.Table) -> dict[tuple[str, str], Readings]:
    """The readings of each word of a list that has some, by the word and its condition."""
    table.need("word", "reading", optional=("weight", "where", "whole"))
    weighted = "weight" in table.rows[0]
    readings: dict[tuple[str, str], dict[str, int]] = {}
    for row in table.rows:
        word, reading, weight, where = row["word"], row["reading"], row.get("weight") or "1", row.get("where", "")
        if not word or not weight.isdecimal() or where not in ("", "word"):
            what = f"the row of {word!r:.40} is not a word, its reading, a whole number as weight, and where: word"
            raise DataError(table.path, what)
        if reading:
            one_word = where or ("word" if weighted and len(word) == 1 else "")
            counts = readings.setdefault((word, one_word), {})
            counts[reading] = counts.get(reading, 0) + int(weight)
    return {**readings}


def _forms(readings: Readings, texts: Mapping[str, tuple[str, ...]]) -> tuple[Form, ...]:
    """The forms of a word that is read in some ways, by weight; `texts` are the likeliest and shortest of each."""
    weights: dict[str, int] = {}
    least = _RAREST * max(readings.values())
    for reading, weight in readings.items():
        if weight >= least:
            for text, share in zip(texts[reading], _SHARES, strict=True):
                weights[text] = weights.get(text, 0) + share * weight
    return tuple([Form(text, weight) for text, weight in weights.items() if text])


def _likeliest(forms: Sequence[Form]) -> Form:
    return max(forms, key=lambda form: form.weight)


def _shortest(forms: Sequence[Form]) -> Form:
    return min(forms, key=lambda form: (len(form.text), -form.weight)) if forms[0].text else forms[0]


def _spelt(readings: Sequence[str], known: Rules, choose: Choice) -> list[str]:
    """Readings by one form of each rule, as parts of words; letters without a rule stay."""
    rules = (rule for rule in known.rules if not any(condition.name in _OF_WHOLE_WORDS for condition in rule.where))
    chosen = tuple(rule._replace(forms=(choose(rule.forms),)) for rule in rules)
    return spelt(readings, respeller(known._replace(rules=chosen)))
