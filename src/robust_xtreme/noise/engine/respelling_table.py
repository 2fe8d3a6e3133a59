"""Compiles rules of respelling to arrays: from letters, under conditions, to weighted forms.

Shapes: r rules in the order of the strings that they match, f forms, n code points searched.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

from robust_xtreme.core.edits import Array, at
from robust_xtreme.core.graphemes import code_points
from robust_xtreme.noise.engine._segments import EDGE, Reached, Trie, trie
from robust_xtreme.noise.engine.case import capital, has_case, upper

_START, _END = 1, 2
CONDITIONS: Final = {"start": (_START, _START), "end": (_END, _END), "inside": (3, 0), "word": (3, 3)}
"""The conditions about where in its word a rule applies: the bits of start and end that are asked for, and their
values. `word`: it is the whole word; `inside`: neither at its start nor at its end."""

OF_WORDS: Final = ("with", "without")
"""The conditions about the letters of the whole word."""

_BETWEEN: Final = "\0"
_POINTS: Final = 0x20000
"""Code points from here on have no case and are not decomposed."""


class RuleForm(NamedTuple):
    """What letters become, with its weight relative to the other forms of its rule."""

    text: str
    weight: int = 1


class RuleCondition(NamedTuple):
    """A condition of a rule: a name of CONDITIONS, or one about a class of letters.

    `after` and `before` ask that the code point there is the last or the first of a letter of that class, `not-after`
    and `not-before` that it is not; `with` and `without`, that the word has such a letter, or none.
    """

    name: str
    label: str = ""


class RespellingRule(NamedTuple):
    """Letters, what they may become, and the conditions under which they do, all of which must be true."""

    letters: str
    forms: tuple[RuleForm, ...]
    where: tuple[RuleCondition, ...] = ()


class Rules(NamedTuple):
    """Rules, the first of those with the same letters tried first, and the letters of each class that they name.

    If `decomposed`, they match words in NFD, else words as they are written, in either form.
    """

    rules: tuple[RespellingRule, ...]
    classes: Mapping[str, frozenset[str]]
    decomposed: bool = False


@dataclass(frozen=True, slots=True)
class Respeller:
    """Rules as arrays: r rules in the order of the strings that they match, f forms.

    `low` and `many` (strings,) are the rules of each string of the trie. A sign is what conditions know of a code
    point: whether it is around words, and the classes of which it begins or ends a letter. `signs` (symbols,) is the
    number of the sign of each symbol, below `kinds`; `true` says of each set of conditions, sign before, and sign after
    (flat) whether they are true, and `where` (r,) is where those of a rule begin in it. `letters` (symbols,) are the
    classes, as bits, of which a code point ends a letter, and `wanted` and `unwanted` (r,) those that a rule asks
    for and excludes in the word; without such rules `letters` is empty. Of a rule: `plain` says that it
    has no conditions, `several` that it has several forms; `first` is its first form, `total` the sum of their weights,
    and `before` the sum of those of all forms before them. `aligned`: there are rules of several letters, and each rule
    has one form of as many letters, without conditions. `upto` (f,) are cumulated weights; `source`, `length`
    (f,) the forms in `pool`, or (3 * f,), as they are, with a capital, in capitals, if `cased`: the rules' letters have
    case.
    """

    strings: Trie
    low: Array
    many: Array
    signs: Array
    kinds: int
    true: Array
    where: Array
    plain: Array
    several: Array
    first: Array
    before: Array
    total: Array
    upto: Array
    source: Array
    length: Array
    pool: Array
    letters: Array
    wanted: Array
    unwanted: Array
    decomposed: bool
    cased: bool
    aligned: bool

    def matched(self, symbols: Array) -> tuple[Array, Array]:
        """How many code points the longest rule has that applies at each of `symbols` (n,), and its number.

        Where none applies these are 1 and -1. The first and the last symbol are edges.
        """
        length, rule = np.ones(len(symbols), np.int64), np.full(len(symbols), -1, np.int64)
        signs, within = at(self.signs, symbols), self._within(symbols)
        for reached in self.strings.search(symbols):
            chosen = self._first_true(signs, within, reached)
            applies = np.flatnonzero(chosen >= 0)
            positions = reached.positions[applies]
            length[positions], rule[positions] = reached.length, chosen[applies]
        return length, rule

    def _within(self, symbols: Array) -> Array:
        """The classes of all letters of the word of each symbol (n,); empty where no rule asks for them."""
        if not len(self.letters):
            return self.letters
        edges = np.flatnonzero(symbols == EDGE)
        known = np.bitwise_or.reduceat(at(self.letters, symbols), edges)
        return np.repeat(known, np.diff(edges, append=len(symbols)))

    def _first_true(self, signs: Array, within: Array, reached: Reached) -> Array:
        """The first rule of each string reached whose conditions are true, or -1; `signs` (n,) are those searched."""
        rules = at(self.low, reached.strings)
        pending = np.flatnonzero(~at(self.plain, rules))
        if not len(pending):
            return rules
        chosen, left = rules, at(self.many, reached.strings[pending])
        asked, positions = rules[pending], reached.positions[pending]
        beside = at(signs, positions - 1) * self.kinds + at(signs, positions + reached.length)
        chosen[pending] = -1
        while len(pending):
            true = at(self.true, at(self.where, asked) + beside)
            if len(within):
                classes, wanted = at(within, positions), at(self.wanted, asked)
                true &= (classes & wanted == wanted) & (classes & at(self.unwanted, asked) == 0)
            chosen[pending[true]] = asked[true]
            left -= 1
            more = np.flatnonzero(~true & (left > 0))
            pending, asked, beside, left = pending[more], asked[more] + 1, beside[more], left[more]
            positions = positions[more]
        return chosen


def respeller(rules: Rules) -> Respeller:
    """The arrays of some rules."""
    by_letters: dict[str, list[RespellingRule]] = {}
    for rule, written in zip(rules.rules, _written(rules), strict=True):
        for letters in written:
            by_letters.setdefault(letters, []).append(rule)
    strings = trie(list(by_letters), [letter for letters in rules.classes.values() for letter in letters])
    many = np.array(list(map(len, by_letters.values())), np.int64)
    ordered = [rule for listed in by_letters.values() for rule in listed]
    sets = {where: number for number, where in enumerate(dict.fromkeys(rule.where for rule in ordered))}
    where = np.array([sets[rule.where] for rule in ordered], np.int64)
    sizes = np.array([len(rule.forms) for rule in ordered], np.int64)
    weights = np.array([form.weight for rule in ordered for form in rule.forms], np.int64)
    cased = has_case("".join(by_letters))
    upto, first = np.cumsum(weights), np.cumsum(sizes) - sizes
    bounds = np.append(0, upto)
    return Respeller(
        strings=strings,
        low=np.cumsum(many) - many,
        many=many,
        plain=np.array([not conditions for conditions in sets], np.bool_)[where],
        several=sizes > 1,
        first=first,
        before=bounds[first],
        total=bounds[first + sizes] - bounds[first],
        upto=upto,
        decomposed=rules.decomposed,
        cased=cased,
        aligned=not (rules.decomposed or cased) and _aligned(by_letters),
        **_conditions(strings, list(sets), where, rules.classes),
        **_of_words(strings, list(sets), where, rules.classes),
        **_pooled([form.text for rule in ordered for form in rule.forms], cased),
    )


def _aligned(by_letters: Mapping[str, Sequence[RespellingRule]]) -> bool:
    """Whether there are rules of several letters, and each has one form of as many letters, without conditions."""
    alike = all(
        not rule.where and [len(form.text) for form in rule.forms] == [len(letters)]
        for letters, listed in by_letters.items()
        for rule in listed
    )
    return alike and max(map(len, by_letters), default=0) > 1


def _written(rules: Rules) -> Iterator[Iterable[str]]:
    """The ways to write the letters of each rule: composed, decomposed, and by code points that NFC replaces."""
    joined = _BETWEEN.join(rule.letters for rule in rules.rules)
    texts = [unicodedata.normalize("NFD", joined)]
    if not rules.decomposed:
        replaced = joined
        for parts, point in _excluded().items():
            replaced = replaced.replace(parts, point)
        texts = [joined, *texts, replaced]
    return map(dict.fromkeys, zip(*(text.split(_BETWEEN) for text in texts), strict=True))


@cache
def _excluded() -> Mapping[str, str]:
    """The code points of letters with a mark that no normal form has, such as U+0958, by what they become in NFC."""
    points = (chr(point) for point in range(0x0900, 0xFB50) if not 0x1F00 <= point < 0x2000)
    known = {unicodedata.normalize("NFC", point): point for point in points if unicodedata.category(point) == "Lo"}
    return {parts: point for parts, point in known.items() if len(parts) > 1}


def _conditions(
    strings: Trie, sets: Sequence[tuple[RuleCondition, ...]], where: Array, classes: Mapping[str, frozenset[str]]
) -> dict[str, Any]:
    """The columns of a Respeller about conditions: distinct `sets`, and `where` (r,), the number of each rule's."""
    edge = np.zeros((strings.width, 1), np.bool_)
    edge[EDGE] = True
    # known (signs, 1 + 2 * classes): whether each sign is around words, ends a letter of each class, begins one.
    columns = [edge, *(_members(strings, letters, end) for end in (-1, 0) for letters in classes.values())]
    known, signs = np.unique(np.concatenate(columns, axis=1), axis=0, return_inverse=True)
    true = np.ones((len(sets), len(known), len(known)), np.bool_)
    for number, conditions in enumerate(sets):
        for condition in conditions:
            true[number] &= _true(condition, known, tuple(classes))
    return {"signs": signs.reshape(-1), "kinds": len(known), "true": true.reshape(-1), "where": where * len(known) ** 2}


def _of_words(
    strings: Trie, sets: Sequence[tuple[RuleCondition, ...]], where: Array, classes: Mapping[str, frozenset[str]]
) -> dict[str, Any]:
    """The columns of a Respeller about letters anywhere in the word: `letters`, `wanted` and `unwanted`."""
    labels = dict.fromkeys(label for conditions in sets for name, label in conditions if name in OF_WORDS)
    bits = {label: 1 << number for number, label in enumerate(labels)}
    letters = np.zeros(strings.width if bits else 0, np.int64)
    for label, bit in bits.items():
        letters |= _members(strings, classes[label], -1)[:, 0] * bit
    wanted, unwanted = (
        np.array([sum(bits[label] for name, label in {*conditions} if name == asked) for conditions in sets], np.int64)
        for asked in OF_WORDS
    )
    return {"letters": letters, "wanted": wanted[where], "unwanted": unwanted[where]}


def _members(strings: Trie, letters: frozenset[str], end: int) -> Array:
    """Which symbols (symbols, 1) are the first (0) or last (-1) code point of one of the letters."""
    flags = np.zeros((strings.width, 1), np.bool_)
    flags[strings.symbols_of(np.array(sorted({ord(letter[end]) for letter in letters}), np.int64))] = True
    return flags


def _true(condition: RuleCondition, known: Array, labels: Sequence[str]) -> Array:
    """Whether a condition is true between each sign before and each sign after (signs, signs)."""
    name, label = condition
    if name in OF_WORDS:
        return np.ones((len(known), len(known)), np.bool_)
    if name in CONDITIONS:
        edges = known[:, :1] * _START + known[:, 0] * _END
        mask, value = CONDITIONS[name]
        return np.asarray((edges & mask) == value)
    column = 1 + labels.index(label) + (len(labels) if name.endswith("before") else 0)
    beside = known[:, column] ^ name.startswith("not-")
    return np.broadcast_to(beside if name.endswith("before") else beside[:, None], (len(known), len(known)))


def _pooled(texts: Sequence[str], cased: bool) -> dict[str, Any]:
    """The forms as they are, and if `cased` with a capital and in capitals: columns `source`, `length` and `pool`."""
    raised = [*(capital(text, "") for text in texts), *(upper(text, "") for text in texts)] if cased else []
    ways = [*texts, *raised]
    length = np.array(list(map(len, ways)), np.int64)
    return {"source": np.cumsum(length) - length, "length": length, "pool": code_points("".join(ways))}


@cache
def capitals() -> tuple[Array, Array]:
    """By code point below 0x20000 the small letter of a capital (else itself), and which are small letters."""
    small = np.arange(_POINTS, dtype=np.uint32)
    lower = np.zeros(_POINTS, np.bool_)
    for point in range(_POINTS):
        letter = chr(point)
        if letter.isupper() or letter.istitle():
            small[point] = ord(letter.lower()) if len(letter.lower()) == 1 else point
        else:
            lower[point] = letter.islower()
    return small, lower


@cache
def parts() -> tuple[Array, Array, Array]:
    """By code point below 0x20000 where its canonical decomposition is in a pool, and how long; the pool."""
    texts = [unicodedata.normalize("NFD", chr(point)) for point in range(_POINTS) if not 0xD800 <= point < 0xE000]
    texts[0xD800:0xD800] = ["\0"] * 0x800
    length = np.array(list(map(len, texts)), np.int64)
    return np.cumsum(length) - length, length, code_points("".join(texts))


@cache
def composing() -> Array:
    """Whether a code point below 0x20000 may be composed with one before it."""
    flags = np.zeros(_POINTS, np.bool_)
    length = parts()[1]
    for point in np.flatnonzero(length > 1).tolist():
        flags[ord(unicodedata.normalize("NFD", chr(point))[-1])] = True
    return flags
