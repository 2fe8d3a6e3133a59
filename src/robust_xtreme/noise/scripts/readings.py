"""Words that are written by their readings: Japanese words with kanji, by the rows of the table for their kana.

A table names lists of words in its header, as in `# readings: ja-readings ja-words`: packs `input/NAME.tsv` with the
columns `word` and `reading`, and if they like `weight` and `where`: the condition `word`, `start` or `end`. Where lists
have the same word the first one counts. A word that is read in several ways has the forms of each, by its weight. A
reading has two forms: the likeliest of each of its letters, and the shortest of each.

Vowels are not joined over a blank in a reading, nor between kanji and the kana after them: 思う is おも う. The last
kana of a word is left to the rules of kana where it depends on what follows: っ, and o before う.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, islice
from typing import Final

from robust_xtreme.core import pack_files, packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.respelling import spelt
from robust_xtreme.noise.engine.respelling_table import (
    CONDITIONS,
    OF_WORDS,
    RespellingRule,
    RuleCondition,
    RuleForm,
    Rules,
    respeller,
)

WORD: Final = "word"
PLACES: Final = (WORD, "start", "end")
"""Where a row of a list counts: as a word, or where its word is at the start or end of a longer one."""

OPEN: Final = "っおこそとのほもよろごぞどぼぽ"
"""Kana that what follows a word lengthens or doubles."""

_DOUBLING: Final = "っ"
_LENGTHENING: Final = "あうえお"
_KANA: Final = "".join(map(chr, range(0x3041, 0x3097)))
_OF_WHOLE_WORDS: Final = (*CONDITIONS, *OF_WORDS)
_SHARES: Final = (5, 3)
"""The weights of the likeliest and of the shortest form of a reading."""

_RAREST: Final = 0.2
"""The least weight of a reading relative to the most frequent one of its word."""

Placed = tuple[str, RuleCondition | None]
"""A word, and where it counts."""

Choice = Callable[[Sequence[RuleForm]], RuleForm]
Readings = Mapping[str, int]
"""The readings of a word by weight."""


def with_readings(known: Rules, names: Sequence[str]) -> Rules:
    """Rules with one more for each word of some lists, which is written as its readings are by the rules.

    Raises DataError at a row of a list without a word, or with a weight that is not a number.
    """
    if not names:
        return known
    words: dict[Placed, Readings] = {}
    for name in names:
        words = _words(packs.table("input", name)) | words
    readings = list(dict.fromkeys(reading for counts in words.values() for reading in counts))
    ways = zip(*(_spelt(readings, known, choose) for choose in (_likeliest, _shortest)), strict=True)
    texts = dict(zip(readings, ways, strict=True))
    latest = reversed(words.items())
    rules = [RespellingRule(word, _forms(counts, texts), (where,) if where else ()) for (word, where), counts in latest]
    classes = {**known.classes, **{kana: frozenset(kana) for kana in OPEN}}
    return known._replace(rules=(*known.rules, *sorted(rules, key=_rank)), classes=classes)


def _rank(rule: RespellingRule) -> int:
    """The order in which rules of the same letters are tried: by what is after them, by place, anywhere."""
    names = ["before", *PLACES]
    return names.index(rule.where[0].name) if rule.where else len(names)


def _words(table: pack_files.PackTable) -> dict[Placed, Readings]:
    """The readings of each word of a list that has some, by the word and its condition."""
    table.need("word", "reading", optional=("weight", "where", "whole"))
    weighted = "weight" in table.rows[0]
    readings: dict[Placed, dict[str, int]] = {}
    for row in table.rows:
        word, reading, weight, where = row["word"], row["reading"], row.get("weight") or "1", row.get("where", "")
        if not word or not weight.isdecimal() or where not in ("", *PLACES):
            what = f"the row of {word!r:.40} is not a word, its reading, a whole number as weight, and where"
            raise DataError(table.path, f"{what}: {', '.join(PLACES)}")
        if reading:
            condition = where or (WORD if weighted and len(word) == 1 else "")
            placed, reading = _placed(word, reading, condition)
            counts = readings.setdefault(placed, {})
            counts[reading] = counts.get(reading, 0) + int(weight)
    return {**readings}


def _placed(word: str, reading: str, where: str) -> tuple[Placed, str]:
    """A word, its condition, and its reading: without the last kana where a rule of kana writes it (っ has no form)."""
    if where:
        return (word, RuleCondition(where)), reading
    if word[-1] in OPEN and len(word) > 1 and reading[-1] == word[-1]:
        left = reading[:-1] if word[-1] != _DOUBLING else reading
        return (word[:-1], RuleCondition("before", word[-1])), _divided(word[:-1], left)
    return (word, None), _divided(word, reading)


def _divided(word: str, reading: str) -> str:
    """A reading with a blank between the kanji and the vowel in kana after them."""
    ending = len(word) - len(word.rstrip(_KANA))
    vowel = 0 < ending < len(word) and word[-ending] in _LENGTHENING and reading[-ending:] == word[-ending:]
    return f"{reading[:-ending]} {reading[-ending:]}" if vowel else reading


def _forms(readings: Readings, texts: Mapping[str, tuple[str, ...]]) -> tuple[RuleForm, ...]:
    """The forms of a word that is read in some ways, by weight; `texts` are the likeliest and shortest of each."""
    weights: dict[str, int] = {}
    least = _RAREST * max(readings.values())
    for reading, weight in readings.items():
        if weight >= least:
            for text, share in zip(texts[reading], _SHARES, strict=True):
                weights[text] = weights.get(text, 0) + share * weight
    return tuple([RuleForm(text, weight) for text, weight in weights.items() if text])


def _likeliest(forms: Sequence[RuleForm]) -> RuleForm:
    return max(forms, key=lambda form: form.weight)


def _shortest(forms: Sequence[RuleForm]) -> RuleForm:
    return min(forms, key=lambda form: (len(form.text), -form.weight)) if forms[0].text else forms[0]


def _spelt(readings: Sequence[str], known: Rules, choose: Choice) -> list[str]:
    """Readings by one form of each rule, as parts of words, each part by itself; letters without a rule stay."""
    rules = (rule for rule in known.rules if not any(condition.name in _OF_WHOLE_WORDS for condition in rule.where))
    chosen = tuple(rule._replace(forms=(choose(rule.forms),)) for rule in rules)
    parts = [reading.split(" ") for reading in readings]
    texts = iter(spelt(list(chain.from_iterable(parts)), respeller(known._replace(rules=chosen))))
    return ["".join(islice(texts, len(part))) for part in parts]
