"""The letters of a language as arrays: which letters can replace one of the same script and case."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress
from typing import Final, final

import numpy as np

from robust_xtreme.core import graphemes, languages, packs
from robust_xtreme.core.edits import Array
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
    known = languages.language(code)
    letters, groups, pool, length = _usable(*_grouped(cased(code, known.alphabet)))
    start = np.cumsum(length).reshape(length.shape) - length
    groups, first, size = np.unique(groups, return_index=True, return_counts=True)
    group_of = np.full(512, -1, np.int16)
    group_of[groups] = np.arange(len(groups))
    keys, index = np.unique(graphemes.packed(pool, start.reshape(-1), length.reshape(-1)), return_index=True)
    return Alphabet(
        letters=letters,
        pool=pool,
        start=start,
        length=length,
        decomposes=length[0] != length[1],  # composing shortens: forms of one length are equal.
        group_of=group_of,
        first=first,
        size=size,
        keys=keys,
        rank=index % max(len(letters), 1),
        replaceable=graphemes.letters_in(np.append(size, 0)[group_of] > 1),
        **_spacing(known),
    )


def _grouped(forms: Iterable[str]) -> tuple[list[str], Array]:
    """The forms that are in NFKC, once each, sorted by group and code points, and the groups (n,) of their first."""
    # A dict keeps the order of the long lists, which is that of code points: so sorting compares each letter once.
    listed = sorted(dict.fromkeys(form for form in forms if unicodedata.is_normalized("NFKC", form)))
    groups = graphemes.group(graphemes.string_properties("".join([letter[0] for letter in listed])))
    order = np.argsort(groups, kind="stable")
    return [listed[number] for number in order.tolist()], groups[order]


def _usable(letters: list[str], groups: Array) -> tuple[tuple[str, ...], Array, Array, Array]:
    """The k usable letters of n composed ones, their groups (k,), and the pool and length (2, k) of their two forms.

    A letter is usable if it is one cluster that joins with no neighbour, and not too long to be packed.
    """
    text = graphemes.SEPARATOR.join((*letters, ""))
    points = np.frombuffer((text + unicodedata.normalize("NFD", text)).encode("utf-32-le"), np.uint32)
    stops = np.flatnonzero(points == ord(graphemes.SEPARATOR))
    length = (np.diff(stops, prepend=-1) - 1).reshape(2, -1)
    usable = _are_closed(points[: len(text)], stops[: len(letters)]) & (length[1] <= graphemes.PACKED)
    kept = np.repeat(np.tile(usable, 2), length.reshape(-1))
    pool = points[points != ord(graphemes.SEPARATOR)][kept]
    return tuple(compress(letters, usable.tolist())), groups[usable], pool, length.compress(usable, axis=1)


def _are_closed(points: Array, stops: Array) -> Array:
    """Whether each text (n,) in code points is a letter and one cluster that joins with no neighbour.

    `stops` (n,) are the positions of the separators, one after each text.
    """
    props = graphemes.properties(points)
    divided = graphemes.clusters(props)
    is_open = np.zeros(len(divided.starts), np.bool_)
    is_open[divided.open_after] = is_open[divided.open_before] = True
    starts, cluster = np.append(0, stops + 1)[:-1], np.cumsum(divided.breaks) - 1
    closed: Array = (cluster[stops] - cluster[starts] == 1) & ~is_open[cluster[starts]]
    closed &= props[starts] & graphemes.LETTER > 0
    return closed


def _spacing(known: languages.Language) -> dict[str, Array]:
    """The spacing signs of a language, and what they follow."""
    signs = [sign for sign in known.signs if unicodedata.category(sign)[0] == "M"]
    pairs = sorted(pair for pair in known.combinations if pair[1] in signs)
    return {
        "signs": np.array([ord(sign) for sign in signs], np.uint32),
        "combinations": np.array([ord(pair[0]) << POINT_BITS | ord(pair[1]) for pair in pairs], np.int64),
    }
