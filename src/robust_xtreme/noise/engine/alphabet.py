"""The letters of a language as arrays: which letters can replace one of the same script and case."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from robust_xtreme import graphemes, languages, packs
from robust_xtreme.noise.engine.case import cased

Array = npt.NDArray[Any]

_LONGEST: Final = 3
_POINT_BITS: Final = 21


@final
@dataclass(frozen=True, slots=True)
class Alphabet:
    """A language's letters, sorted by group, a group being one script in one case.

    `pool` contains the code points of all letters twice, composed (NFC) and decomposed (NFD); `start` and `length`
    (2, k) locate a letter in it; `decomposes` (k,) says whose two forms differ. `group_of` (512,) is the group of
    `script * 2 + upper`, -1 where there is none; `first` and `size` (g,) are the groups' letters. `keys` are the packed
    letters, sorted, and `rank` (len(keys),) the number of each letter. `matches` are the (mask, bits) of the properties
    of letters that another letter can replace.
    """

    pool: Array
    start: Array
    length: Array
    decomposes: Array
    group_of: Array
    first: Array
    size: Array
    keys: Array
    rank: Array
    matches: tuple[tuple[int, int], ...]

    def replaceable(self, props: Array) -> Array:
        """Whether another letter can replace clusters of these properties (m,)."""
        matching = np.zeros(len(props), np.bool_)
        for mask, bits in self.matches:
            matching |= (props & np.uint16(mask)) == np.uint16(bits)
        return matching


@packs.cached
def alphabet(code: str) -> Alphabet:
    """The letters of the language of that code, in lower and upper case. Raises UnknownName."""
    letters = tuple(dict.fromkeys(filter(_usable, cased(code, languages.language(code).alphabet))))
    order = sorted(letters, key=lambda letter: (_group(letter), letter))
    composed, decomposed = order, [unicodedata.normalize("NFD", letter) for letter in order]
    lengths = np.array([[len(letter) for letter in form] for form in (composed, decomposed)]).reshape(2, -1)
    starts = np.cumsum(lengths.reshape(-1)) - lengths.reshape(-1)
    groups, first, size = np.unique([_group(letter) for letter in order], return_index=True, return_counts=True)
    group_of = np.full(512, -1, np.int16)
    group_of[groups.astype(np.int64)] = np.arange(len(groups))
    packed = np.array([_packed(letter) for form in (composed, decomposed) for letter in form], np.uint64)
    keys, index = np.unique(packed, return_index=True)
    return Alphabet(
        pool=np.array(
            [ord(point) for form in (composed, decomposed) for letter in form for point in letter], np.uint32
        ),
        start=starts.reshape(2, -1),
        length=lengths,
        decomposes=np.array([form != other for form, other in zip(composed, decomposed, strict=True)], np.bool_),
        group_of=group_of,
        first=first,
        size=size,
        keys=keys,
        rank=index % max(len(order), 1),
        matches=_matches(groups[size > 1]),
    )


def packed(points: Array, starts: Array, lengths: Array) -> Array:
    """Clusters of up to three code points as numbers (m,) uint64, equal iff the clusters are; 0 for longer ones."""
    if not (lengths > 1).any():
        return points[starts].astype(np.uint64)
    key = np.zeros(len(starts), np.uint64)
    for offset in range(_LONGEST):
        there = np.minimum(starts + offset, len(points) - 1)
        point = np.where(offset < lengths, points[there], 0).astype(np.uint64)
        key |= point << np.uint64(_POINT_BITS * offset)
    key[lengths > _LONGEST] = 0
    return key


def _packed(letter: str) -> int:
    return sum(ord(point) << (_POINT_BITS * index) for index, point in enumerate(letter))


def _usable(letter: str) -> bool:
    """Whether a letter is one cluster that joins with no neighbour and is in NFKC."""
    if not letter or unicodedata.normalize("NFKC", letter) != letter:
        return False
    longest = len(unicodedata.normalize("NFD", letter))
    return longest <= _LONGEST and _is_letter(letter) and stands_alone(letter)


def _is_letter(letter: str) -> bool:
    return bool(_props(letter)[0] & graphemes.LETTER)


def stands_alone(letter: str) -> bool:
    """Whether a string is one cluster that joins with no neighbour."""
    starts = graphemes.clusters(np.append(_props(letter), _props(graphemes.SEPARATOR)))
    return len(starts.starts) == 2 and not (starts.open_after == 0).any() and not (starts.open_before == 0).any()


def _props(text: str) -> Array:
    return graphemes.properties(np.array([ord(point) for point in text]))


def _group(letter: str) -> int:
    return int(group_index(_props(letter)[:1])[0])


def group_index(props: Array) -> Array:
    """`script * 2 + upper` of letters given by their properties."""
    return (props >> graphemes.SCRIPT_SHIFT).astype(np.int64) * 2 + ((props & graphemes.UPPER) > 0)


def _matches(groups: Array) -> tuple[tuple[int, int], ...]:
    """For each group the mask and the value of a letter's property bits; two cases of one script share a pair."""
    script = ((1 << 16) - 1) >> graphemes.SCRIPT_SHIFT << graphemes.SCRIPT_SHIFT
    known = {int(group) for group in groups}
    both = {group // 2 for group in known if {group, group ^ 1} <= known}
    single = [group for group in sorted(known) if group // 2 not in both]
    whole = [
        (script | graphemes.LETTER, script_number << graphemes.SCRIPT_SHIFT | graphemes.LETTER)
        for script_number in sorted(both)
    ]
    mask = script | graphemes.LETTER | graphemes.UPPER
    return (
        *whole,
        *(
            (mask, (key // 2 << graphemes.SCRIPT_SHIFT) | graphemes.LETTER | key % 2 * graphemes.UPPER)
            for key in single
        ),
    )
