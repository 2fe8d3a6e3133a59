"""The letters of a language as arrays: which letters can replace one of the same script and case."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from robust_xtreme import graphemes, languages, packs
from robust_xtreme.edits import Array
from robust_xtreme.noise.engine.case import cased


@final
@dataclass(frozen=True, slots=True)
class Alphabet:
    """A language's letters, sorted by group, a group being one script in one case.

    `letters` are the k letters, composed (NFC). `pool` contains the code points of all letters twice, composed and
    decomposed (NFD); `start` and `length` (2, k) locate a letter in it; `decomposes` (k,) says whose two forms differ.
    `group_of` (512,) is the group of `script * 2 + upper`, -1 where there is none; `first` and `size` (g,) are the
    groups' letters. `keys` are the packed letters, sorted, and `rank` (len(keys),) the number of each letter.
    `replaceable` (65536,) says by its properties whether another letter can replace a cluster. `signs` are the spacing
    signs, marks that are clusters of their own, and `combinations` the keys `point << 21 | sign` of what they follow.
    """

    letters: tuple[str, ...]
    pool: Array
    start: Array
    length: Array
    decomposes: Array
    group_of: Array
    first: Array
    size: Array
    keys: Array
    rank: Array
    replaceable: Array
    signs: Array
    combinations: Array


POINT_BITS: Final = 21


@packs.cached
def alphabet(code: str) -> Alphabet:
    """The letters of the language of that code, in lower and upper case. Raises UnknownName."""
    letters = set(filter(_usable, cased(code, languages.language(code).alphabet)))
    groups_of = {letter: int(graphemes.group(graphemes.string_properties(letter)[:1])[0]) for letter in letters}
    composed = sorted(letters, key=lambda letter: (groups_of[letter], letter))
    decomposed = [unicodedata.normalize("NFD", letter) for letter in composed]
    length = np.array([len(form) for form in (*composed, *decomposed)], np.int64)
    start = np.cumsum(length) - length
    pool = np.frombuffer("".join((*composed, *decomposed)).encode("utf-32-le"), np.uint32)
    groups, first, size = np.unique(
        np.array([groups_of[letter] for letter in composed], np.int64), return_index=True, return_counts=True
    )
    group_of = np.full(512, -1, np.int16)
    group_of[groups] = np.arange(len(groups))
    keys, index = np.unique(graphemes.packed(pool, start, length), return_index=True)
    props = np.arange(1 << 16, dtype=np.uint16)
    others = np.append(size, 0)[group_of[graphemes.group(props)]] > 1
    return Alphabet(
        letters=tuple(composed),
        pool=pool,
        start=start.reshape(2, -1),
        length=length.reshape(2, -1),
        decomposes=np.array([form != other for form, other in zip(composed, decomposed, strict=True)], np.bool_),
        group_of=group_of,
        first=first,
        size=size,
        keys=keys,
        rank=index % max(len(composed), 1),
        replaceable=others & ((props & graphemes.LETTER) > 0),
        **_spacing(languages.language(code)),
    )


def _spacing(known: languages.Language) -> dict[str, Array]:
    """The spacing signs of a language, and what they follow."""
    signs = [sign for sign in known.signs if unicodedata.category(sign)[0] == "M"]
    pairs = sorted(pair for pair in known.combinations if pair[1] in signs)
    return {
        "signs": np.array([ord(sign) for sign in signs], np.uint32),
        "combinations": np.array([ord(pair[0]) << POINT_BITS | ord(pair[1]) for pair in pairs], np.int64),
    }


def _usable(letter: str) -> bool:
    """Whether a letter is one cluster that joins with no neighbour and is in NFKC."""
    if unicodedata.normalize("NFKC", letter) != letter or len(graphemes.split(letter)) != 1:
        return False
    longest = len(unicodedata.normalize("NFD", letter))
    is_letter = graphemes.string_properties(letter)[0] & graphemes.LETTER > 0
    return longest <= graphemes.PACKED and is_letter and not graphemes.open_ends(letter)
