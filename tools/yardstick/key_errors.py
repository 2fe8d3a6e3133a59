"""The key errors of a word: its edits, the kind of each, the position in the word, and the distance of the keys.

The same rules sort real typos and those of every generator, so that a rule's error falls on all alike.
"""

from __future__ import annotations

from functools import cache
from math import hypot
from typing import Final, NamedTuple

from robust_xtreme.noise.input import keyboards

MECHANICAL: Final = ("neighbour", "insert", "delete", "double", "swap", "shift")
SPELLING: Final = ("other letter", "other insert", "missed double", "mark", "capital")
KINDS: Final = (*MECHANICAL, *SPELLING)
"""Kinds of edits: key errors of the hand, and what is as well or rather a matter of spelling."""
POSITIONS: Final = ("first", "second", "middle", "last but one", "last")
DISTANCES: Final = (1.25, 2.25, 3.25, 4.25)
"""Upper bounds of the classes of key distances, in pitches; what is further apart is one class more."""
LAYOUT: Final = "us"
LEAST: Final = 5

_MARKS: Final = frozenset(" '-")


class Edit(NamedTuple):
    """One edit at a position of the right word: the old letters ("" for an insertion) and the new ones."""

    at: int
    old: str
    new: str


def edits(right: str, wrong: str, most: int, at: int = 0) -> tuple[Edit, ...] | None:
    """The fewest edits that lead from one word to the other, leftmost unequal letter first; None above `most`."""
    if right == wrong:
        return ()
    if most < max(1, abs(len(right) - len(wrong))):
        return None
    same = _same(right, wrong)
    right, wrong, at = right[same:], wrong[same:], at + same
    variants = []
    for old, new in ((2, 2), (1, 1), (1, 0), (0, 1)):
        if _possible(right, wrong, old, new):
            rest = edits(right[old:], wrong[new:], most - 1, at + old)
            if rest is not None:
                variants.append((Edit(at, right[:old], wrong[:new]), *rest))
    return min(variants, key=len, default=None)


def _same(right: str, wrong: str) -> int:
    """How many letters two words begin with alike."""
    for index, (letter, other) in enumerate(zip(right, wrong, strict=False)):
        if letter != other:
            return index
    return min(len(right), len(wrong))


def _possible(right: str, wrong: str, old: int, new: int) -> bool:
    """Whether so many letters are left on both sides; two on each are a swap."""
    if len(right) < old or len(wrong) < new:
        return False
    return old < 2 or right[:2] == wrong[1::-1]


def kind(word: str, edit: Edit) -> str:
    """The kind of an edit of a word."""
    if len(edit.old) == 2:
        return "mark" if _MARKS & set(edit.old) else "swap"
    if _MARKS & {edit.old, edit.new}:
        return "mark"
    if not edit.new:
        return "missed double" if edit.old in _beside(word, edit.at) else "delete"
    if not edit.old:
        return _inserted(word, edit)
    if edit.old.lower() == edit.new.lower():
        return "shift" if edit.at else "capital"
    return "neighbour" if _near(edit.old, edit.new) else "other letter"


def _beside(word: str, at: int) -> str:
    """The letters on both sides of a letter."""
    return word[max(0, at - 1) : at] + word[at + 1 : at + 2]


def _inserted(word: str, edit: Edit) -> str:
    around = word[max(0, edit.at - 1) : edit.at + 1]
    if edit.new in around:
        return "double"
    return "insert" if any(_near(letter, edit.new) for letter in around) else "other insert"


def _near(first: str, other: str) -> bool:
    apart = distance(first, other)
    return apart is not None and apart <= keyboards.REACH


def distance(sign: str, other: str) -> float | None:
    """How far apart the keys of two signs are, in pitches; None where one has no key."""
    first, second = _centre(sign), _centre(other)
    return None if first is None or second is None else hypot(first[0] - second[0], first[1] - second[1])


@cache
def _centre(sign: str) -> tuple[float, float] | None:
    strokes = keyboards.layout(LAYOUT).strokes(sign)
    return (strokes[0].key.x, strokes[0].key.y) if strokes and len(strokes) == 1 else None


def stretch(edit: Edit) -> int | None:
    """The class of distance of a letter struck instead of another one."""
    if len(edit.old) != 1 or len(edit.new) != 1 or edit.old.lower() == edit.new.lower():
        return None
    apart = distance(edit.old, edit.new)
    return None if apart is None else sum(apart > bound for bound in DISTANCES)


def letter(word: str, edit: Edit) -> int:
    """The letter that an edit is at; an insertion belongs to the letter before it."""
    return min(len(word) - 1, max(0, edit.at - 1) if not edit.old else edit.at)


def position(word: str, edit: Edit) -> int | None:
    """Which of POSITIONS an edit is at; None in words too short to distinguish them."""
    at = letter(word, edit)
    if len(word) < LEAST:
        return None
    return at if at < 2 else max(2, 4 - (len(word) - 1 - at))


def tenth(word: str, edit: Edit) -> int | None:
    """Which tenth of the word an edit is in."""
    return None if len(word) < LEAST else int(10 * (letter(word, edit) + 0.5) / len(word))
