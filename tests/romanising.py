"""Romanised words by the rules of a pack, letter by letter in plain Python: the engine's arrays must agree with it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, log
from typing import Final

import regex

from robust_xtreme.noise.engine.case import capital, upper
from robust_xtreme.noise.engine.respelling_table import RespellingRule, RuleCondition, RuleForm, Rules

_LETTERS: Final = r"(?:[\p{L}\p{M}\u200c\u200d၌-၏]|(?<=[א-ת])׳|(?<=[גזץצ])['’])+"
WORD: Final = regex.compile(rf"""{_LETTERS}(?:(?:['’]|(?<=[א-ת])["״](?=[א-ת])){_LETTERS})*""")
"""A word as the engine divides text, without its spans."""

_MARK: Final = regex.compile(r"[\p{M}\u200c\u200dำ]")

Part = tuple[RuleForm, ...]


@dataclass(frozen=True, slots=True)
class Speller:
    """The rules of a pack, the same by their letters, and how many those that begin with a letter are at most."""

    rules: Rules
    by_letters: dict[str, list[RespellingRule]] = field(default_factory=dict)
    longest: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for rule in self.rules.rules:
            self.by_letters.setdefault(rule.letters, []).append(rule)
            self.longest[rule.letters[0]] = max(len(rule.letters), self.longest.get(rule.letters[0], 0))

    def likely(self, text: str) -> str:
        """A text with each part of each word in its most likely form."""
        pieces = (max(part, key=lambda form: form.weight).text for part in self.parts(text))
        return unicodedata.normalize("NFC", "".join(pieces))

    def draws(self, text: str, spelling: str) -> bool:
        """Whether a spelling of a text is one that can be drawn."""
        return self.chance(text, spelling) > -inf

    def chance(self, text: str, spelling: str) -> float:
        """The logarithm of the largest chance with which one division of a spelling is drawn; -inf if it cannot be."""
        reached, target = {0: 0.0}, unicodedata.normalize("NFD", spelling)
        for part in self.parts(text):
            total, following = sum(form.weight for form in part), dict[int, float]()
            for position, score in reached.items():
                for form in part:
                    drawn = unicodedata.normalize("NFD", form.text)
                    if target.startswith(drawn, position):
                        end, better = position + len(drawn), score + log(form.weight / total)
                        following[end] = max(following.get(end, -inf), better)
            reached = following
        return reached.get(len(target), -inf)

    def parts(self, text: str) -> Iterator[Part]:
        """The forms of each part of each word of a text in turn; what has no rule, and no word, is a part of one."""
        last = 0
        for match in WORD.finditer(text):
            yield (RuleForm(text[last : match.start()]),)
            yield from self.of_word(match[0])
            last = match.end()
        yield (RuleForm(text[last:]),)

    def of_word(self, word: str) -> Iterator[Part]:
        """The forms of each part of a word in turn, in its case; letters without a rule are a part with one form."""
        written = unicodedata.normalize("NFD" if self.rules.decomposed else "NFC", word)
        small = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in written)
        capitals = sum(letter.isupper() for letter in written)
        shouted = capitals > 1 and not any(letter.islower() for letter in written)
        position, replaced = 0, False
        while position < len(small):
            rule = self._rule(small, position)
            if rule:
                is_sign, is_capital = written[position] in "ʹʺ", written[position].isupper()
                how = upper if shouted and (is_sign or is_capital) else capital if is_capital else _same
                yield tuple(RuleForm(how(form.text, ""), form.weight) for form in rule.forms)
                replaced = True
            elif not (replaced and _MARK.fullmatch(small[position])):
                yield (RuleForm(written[position]),)
                replaced = False
            position += len(rule.letters) if rule else 1

    def _rule(self, word: str, position: int) -> RespellingRule | None:
        """The rule of the longest letters at a position whose conditions are true."""
        for size in range(min(self.longest.get(word[position], 0), len(word) - position), 0, -1):
            for rule in self.by_letters.get(word[position : position + size], ()):
                if all(self._true(condition, word, position, position + size) for condition in rule.where):
                    return rule
        return None

    def _true(self, condition: RuleCondition, word: str, start: int, stop: int) -> bool:
        """Whether a condition is true of the letters from `start` to `stop` of a word."""
        letters = self.rules.classes.get(condition.label, frozenset[str]())
        before, after = word[start - 1 : start] if start else "", word[stop : stop + 1]
        last, first = {letter[-1] for letter in letters}, {letter[0] for letter in letters}
        truths = {
            "start": start == 0,
            "with": not last.isdisjoint(word),
            "without": last.isdisjoint(word),
            "end": stop == len(word),
            "inside": start > 0 and stop < len(word),
            "word": (start, stop) == (0, len(word)),
            "after": before in last,
            "before": after in first,
            "not-after": before not in last,
            "not-before": after not in first,
        }
        return truths[condition.name]


def _same(text: str, _: str) -> str:
    return text
