"""Respells whole words by rules from letters to forms: the longest rule at each position, by arrays over a batch.

A chosen word is divided from left to right: at each position the rule with the most letters whose conditions are true
replaces them by one of its forms, drawn by weight with a hash of the word's draw and the position. Letters without a
rule stay; a mark or joiner without a rule goes with the letter before it where that was replaced. Rules are matched in
small letters, and a form takes the case of what it replaces: Щука, ЩУКА become Shchuka, SHCHUKA.

A word is eligible if its respelling differs from it, is not empty, and begins and ends with clusters that join with
nothing beside them. Every cluster of a word counts as changed, or of its respelling where that has more.

Shapes: w words, n code points in words with a separator after each word, u units (rules applied, letters that stay).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple, final

import numpy as np

from robust_xtreme.edits import Array
from robust_xtreme.noise.engine._trie import Trie, trie
from robust_xtreme.noise.engine.case import capital, upper

_START, _END = 1, 2
CONDITIONS: Final = {"start": (_START, _START), "end": (_END, _END), "inside": (3, 0), "word": (3, 3)}
"""The conditions about where in its word a rule applies: the bits of start and end that are asked for, and their
values. `word`: it is the whole word; `inside`: neither its start nor its end."""

_BESIDE: Final = ("after", "before", "not-after", "not-before")
_POINTS: Final = 0x20000
"""Code points from here on have no case and are not decomposed."""


class Form(NamedTuple):
    """What letters become, with its weight relative to the other forms of its rule."""

    text: str
    weight: int = 1


class Condition(NamedTuple):
    """A condition of a rule: a name of CONDITIONS, or one about the code point beside it and a class of letters.

    `after` and `before` ask that it is the last or the first of a letter of that class, `not-after`, `not-before` that
    it is not.
    """

    name: str
    label: str = ""


class Rule(NamedTuple):
    """Letters, what they may become, and the conditions under which they do, all of which must be true."""

    letters: str
    forms: tuple[Form, ...]
    where: tuple[Condition, ...] = ()


class Rules(NamedTuple):
    """Rules, the first of those with the same letters tried first, and the letters of each class that they name.

    If `decomposed`, they match words in NFD, else words as they are written, in either form.
    """

    rules: tuple[Rule, ...]
    classes: Mapping[str, frozenset[str]]
    decomposed: bool = False


@final
@dataclass(frozen=True, slots=True)
class Respeller:
    """Rules as arrays: r rules in the order of the strings that they match, f forms, c classes as bits.

    `low` and `many` (strings,) are the rules of each string of the trie. Of a rule: `plain` says that it has no
    conditions; `mask` and `value` are the bits of start and end that it asks for; `wanted` and `unwanted` (2, r) the
    classes of the code points before and after it; `first` its first form, `total` the sum of their weights, and
    `before` the sum of those of all forms before them. `lasts` and `firsts` (symbols,) are the classes of which a code
    point ends or begins a letter. `upto` (f,) are cumulated weights; `source`, `length` (3, f) the forms in `pool`, as
    they are, with a capital, in capitals.
    """

    strings: Trie
    low: Array
    many: Array
    plain: Array
    mask: Array
    value: Array
    wanted: Array
    unwanted: Array
    first: Array
    before: Array
    total: Array
    lasts: Array
    firsts: Array
    upto: Array
    source: Array
    length: Array
    pool: Array
    decomposed: bool


def respeller(rules: Rules) -> Respeller:
    """The arrays of some rules."""
    by_letters: dict[str, list[Rule]] = {}
    for rule in rules.rules:
        for letters in _written(rule.letters, rules.decomposed):
            by_letters.setdefault(letters, []).append(rule)
    strings = trie(list(by_letters), [letter for letters in rules.classes.values() for letter in letters])
    many = np.array(list(map(len, by_letters.values())), np.int64)
    ordered = [rule for listed in by_letters.values() for rule in listed]
    labels = {label: 1 << number for number, label in enumerate(rules.classes)}
    columns = [_asked(rule.where, labels) for rule in ordered]
    mask, value, after, before, not_after, not_before = np.array(columns, np.int64).reshape(-1, 6).T
    sizes = np.array([len(rule.forms) for rule in ordered], np.int64)
    weights = np.array([form.weight for rule in ordered for form in rule.forms], np.int64)
    upto, first = np.cumsum(weights), np.cumsum(sizes) - sizes
    bounds = np.append(0, upto)
    return Respeller(
        strings=strings,
        low=np.cumsum(many) - many,
        many=many,
        plain=np.array([not rule.where for rule in ordered], np.bool_),
        mask=mask,
        value=value,
        wanted=np.stack((after, before)),
        unwanted=np.stack((not_after, not_before)),
        first=first,
        before=bounds[first],
        total=bounds[first + sizes] - bounds[first],
        lasts=_members(strings, rules.classes, -1),
        firsts=_members(strings, rules.classes, 0),
        upto=upto,
        decomposed=rules.decomposed,
        **_pooled([form.text for rule in ordered for form in rule.forms]),
    )


def _written(letters: str, decomposed: bool) -> Iterator[str]:
    """The ways to write the letters of a rule: composed, decomposed, and by code points that NFC replaces."""
    if decomposed:
        yield unicodedata.normalize("NFD", letters)
        return
    replaced = letters
    for parts, point in _excluded().items():
        replaced = replaced.replace(parts, point)
    yield from dict.fromkeys((letters, unicodedata.normalize("NFD", letters), replaced))


@cache
def _excluded() -> Mapping[str, str]:
    """The code points of letters with a mark that no normal form has, such as U+0958, by what they become in NFC."""
    points = (chr(point) for point in range(0x0900, 0xFB50) if not 0x1F00 <= point < 0x2000)
    known = {unicodedata.normalize("NFC", point): point for point in points if unicodedata.category(point) == "Lo"}
    return {parts: point for parts, point in known.items() if len(parts) > 1}


def _asked(where: Sequence[Condition], labels: Mapping[str, int]) -> tuple[int, ...]:
    """Mask and value of start and end, and the classes that are wanted and unwanted before and after."""
    mask = value = 0
    beside = dict.fromkeys(_BESIDE, 0)
    for name, label in where:
        if name in CONDITIONS:
            mask, value = CONDITIONS[name]
        else:
            beside[name] |= labels[label]
    return mask, value, *beside.values()


def _members(strings: Trie, classes: Mapping[str, frozenset[str]], end: int) -> Array:
    """By symbol the classes, as bits, of which it is the first (0) or last (-1) code point of a letter."""
    bits = np.zeros(strings.width, np.int64)
    for number, letters in enumerate(classes.values()):
        points = np.array(sorted({ord(letter[end]) for letter in letters}), np.int64)
        bits[strings.symbols_of(points)] |= 1 << number
    return bits


def _pooled(texts: Sequence[str]) -> dict[str, Array]:
    """The forms as they are, with a capital, and in capitals: the columns `source`, `length` and `pool`."""
    ways = [*texts, *(capital(text, "") for text in texts), *(upper(text, "") for text in texts)]
    length = np.array(list(map(len, ways)), np.int64)
    pool = np.frombuffer("".join(ways).encode("utf-32-le"), np.uint32)
    return {"source": (np.cumsum(length) - length).reshape(3, -1), "length": length.reshape(3, -1), "pool": pool}


@cache
def _cases() -> tuple[Array, Array]:
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
def _parts() -> tuple[Array, Array, Array]:
    """By code point below 0x20000 where its canonical decomposition is in a pool, and how long; the pool."""
    texts = [unicodedata.normalize("NFD", chr(point)) for point in range(_POINTS) if not 0xD800 <= point < 0xE000]
    texts[0xD800:0xD800] = ["\0"] * 0x800
    length = np.array(list(map(len, texts)), np.int64)
    return np.cumsum(length) - length, length, np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)


@cache
def _composing() -> Array:
    """Whether a code point below 0x20000 may be composed with one before it."""
    flags = np.zeros(_POINTS, np.bool_)
    _, length, _ = _parts()
    for point in np.flatnonzero(length > 1).tolist():
        flags[ord(unicodedata.normalize("NFD", chr(point))[-1])] = True
    return flags
