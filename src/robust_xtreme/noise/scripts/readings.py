"""Words that are written by their readings: Japanese words with kanji, by the rows of the table for their kana.

A table names lists of words in its header, as in `# readings: ja-words ja-readings`: packs `input/NAME.tsv` with the
columns `word` and `reading`, and if they like `weight` and `where`. A word that is read in several ways has the forms
of each, by its weight. A reading has two forms: the likeliest of each of its letters, and the shortest of each.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from robust_xtreme import packs
from robust_xtreme.errors import DataError
from robust_xtreme.noise.engine.respelling_table import Condition, Form, Rule, Rules

_WORD: Final = Condition("word")
_LIKELY, _SHORT = 5, 3
"""The weights of the likeliest and of the shortest form of a reading."""

_RAREST: Final = 0.2
"""The least weight of a reading relative to the most frequent one of its word."""

Choice = Callable[[Sequence[Form]], Form]


class Letters(NamedTuple):
    """The rules by their letters, and by class the code points that its letters begin and end with."""

    rules: Mapping[str, Sequence[Rule]]
    longest: int
    firsts: Mapping[str, frozenset[str]]
    lasts: Mapping[str, frozenset[str]]


def with_readings(known: Rules, names: Sequence[str]) -> Rules:
    """Rules with one more for each word of some lists, which is written as its readings are by the rules.

    Raises DataError at a row of a list without a word, or with a weight that is not a number.
    """
    if not names:
        return known
    letters = _letters(known)
    words = [rule for name in names for rule in _words(packs.table("input", name), letters)]
    first = {(rule.letters, rule.where): rule for rule in reversed(words)}
    return known._replace(rules=(*known.rules, *sorted(first.values(), key=lambda rule: not rule.where)))


def _words(table: packs.Table, letters: Letters) -> Sequence[Rule]:
    table.need("word", "reading", optional=("weight", "where", "whole"))
    readings: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in table.rows:
        word, reading, weight, where = row["word"], row["reading"], row.get("weight") or "1", row.get("where", "")
        if not word or not weight.isdecimal() or where not in ("", "word"):
            what = f"the row of {word!r:.40} is not a word, its reading, a whole number as weight, and where: word"
            raise DataError(table.path, what)
        if reading:
            one_word = where or ("word" if len(word) == 1 and "weight" in row else "")
            readings[word, one_word][reading] += int(weight)
    return [
        Rule(word, _forms(counts, letters), (_WORD,) if where else ()) for (word, where), counts in readings.items()
    ]


def _forms(readings: Mapping[str, int], letters: Letters) -> tuple[Form, ...]:
    """The forms of a word that is read in some ways, by weight."""
    weights: Counter[str] = Counter()
    for reading, weight in readings.items():
        if weight >= _RAREST * max(readings.values()):
            weights[_spelt(reading, letters, _likeliest)] += _LIKELY * weight
            weights[_spelt(reading, letters, _shortest)] += _SHORT * weight
    return tuple(Form(text, weight) for text, weight in weights.items() if text)


def _likeliest(forms: Sequence[Form]) -> Form:
    return max(forms, key=lambda form: form.weight)


def _shortest(forms: Sequence[Form]) -> Form:
    return min(forms, key=lambda form: (len(form.text), -form.weight)) if forms[0].text else forms[0]


def _letters(known: Rules) -> Letters:
    by_letters: defaultdict[str, list[Rule]] = defaultdict(list)
    for rule in known.rules:
        by_letters[rule.letters].append(rule)
    firsts = {label: frozenset(letter[0] for letter in letters) for label, letters in known.classes.items()}
    lasts = {label: frozenset(letter[-1] for letter in letters) for label, letters in known.classes.items()}
    return Letters(by_letters, max(map(len, by_letters)), firsts, lasts)


def _spelt(reading: str, letters: Letters, choose: Choice) -> str:
    """A reading by the longest rules at each position, as a part of a word; letters without a rule stay."""
    text, index = "", 0
    while index < len(reading):
        for size in range(min(letters.longest, len(reading) - index), 0, -1):
            rule = _rule(reading, index, index + size, letters)
            if rule is not None:
                text, index = text + choose(rule.forms).text, index + size
                break
        else:
            text, index = text + reading[index], index + 1
    return text


def _rule(reading: str, start: int, stop: int, letters: Letters) -> Rule | None:
    before, after = reading[start - 1 : start] if start else "", reading[stop : stop + 1]
    for rule in letters.rules.get(reading[start:stop], ()):
        if all(_true(condition, before, after, letters) for condition in rule.where):
            return rule
    return None


def _true(condition: Condition, before: str, after: str, letters: Letters) -> bool:
    """Whether a condition is true within a word; what is the whole word is not a reading."""
    name, label = condition
    match name:
        case "after" | "not-after":
            return (before in letters.lasts[label]) is (name == "after")
        case "before" | "not-before":
            return (after in letters.firsts[label]) is (name == "before")
        case "start":
            return not before
        case "end":
            return not after
        case _:
            return name == "inside" and bool(before and after)
