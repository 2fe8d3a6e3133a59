"""The letters of a language as arrays: which letters can replace one of the same script and case.

Spacing signs are marks that are clusters of their own and follow a letter, as Burmese vowel signs do.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress
from typing import Final, NamedTuple, final

import numpy as np

from robust_xtreme.core import graphemes, languages, packs
from robust_xtreme.core.edits import Array, Batch, Edits, at
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
    signs = [sign for sign in known.signs if unicodedata.category(sign)[0] == "M"]
    pairs = sorted(pair for pair in known.combinations if pair[1] in signs)
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
        signs=np.array([ord(sign) for sign in signs], np.uint32),
        combinations=np.array([ord(pair[0]) << POINT_BITS | ord(pair[1]) for pair in pairs], np.int64),
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
    """Whether each text (n,), before its separator at `stops` (n,), is a letter and one cluster that joins no other."""
    props = graphemes.properties(points)
    divided = graphemes.clusters(props)
    is_open = np.zeros(len(divided.starts), np.bool_)
    is_open[divided.open_after] = is_open[divided.open_before] = True
    starts, cluster = np.append(0, stops + 1)[:-1], np.cumsum(divided.breaks) - 1
    closed: Array = (cluster[stops] - cluster[starts] == 1) & ~is_open[cluster[starts]]
    closed &= props[starts] & graphemes.LETTER > 0
    return closed


def bearing(batch: Batch, alphabet: Alphabet) -> Array | None:
    """Whether a spacing sign follows each cluster (m,); None where the language has no such signs."""
    if not len(alphabet.signs):
        return None
    followed = np.zeros(len(batch.clusters.starts), np.bool_)
    followed[:-1] = np.isin(batch.firsts(batch.points)[1:], alphabet.signs)
    return followed


def combined(batch: Batch, alphabet: Alphabet, edits: Edits, draws: Array) -> Edits:
    """The edits without those that put a spacing sign after what the language does not combine with it.

    Of edits that do so together, that with the largest draw is left out; `draws` (m,) are those of the clusters. A sign
    that follows the same code point as before stays possible.
    """
    if not len(alphabet.signs) or not len(edits):
        return edits
    ends = _ends(batch, edits)
    alone = _combine(alphabet, ends.last, ends.after) | (ends.last == at(batch.points, edits.stop - 1))
    alone &= _combine(alphabet, ends.before, ends.first) | (ends.first == at(batch.points, edits.start)) | ~ends.leaves
    edits = edits.take(np.flatnonzero(alone))
    together = np.ones(len(edits), np.bool_)
    together[_clashing(batch, alphabet, edits, at(draws, batch.units(edits.start)))] = False
    return edits.take(np.flatnonzero(together))


class _Ends(NamedTuple):
    """The code points at the ends of edits, all (k,): before the edit, the first and the last new ones, and after it.

    Of an edit that `leaves` no code point, the last is the one before it, and the first the one after it.
    """

    before: Array
    first: Array
    last: Array
    after: Array
    leaves: Array


def _ends(batch: Batch, edits: Edits) -> _Ends:
    points = np.concatenate((batch.points, edits.pool))
    before, after = at(batch.points, edits.start - 1), at(batch.points, edits.stop)
    before[edits.start == 0] = 0
    (front, back), stops = edits.length.T > 0, edits.source + edits.length - 1
    first = at(points, np.where(front, edits.source[:, 0], edits.source[:, 1]))
    last = at(points, np.where(back, stops[:, 1], stops[:, 0]))
    leaves = front | back
    return _Ends(before, np.where(leaves, first, after), np.where(leaves, last, before), after, leaves)


def _clashing(batch: Batch, alphabet: Alphabet, edits: Edits, draws: Array) -> Array:
    """The edits that together with some of smaller draws, right beside them, put a sign after a wrong code point.

    Whether the others are left out, too, does not matter: so strengths nest.
    """
    # begin (w,): the first edits of runs of `size` adjacent edits; of those between the first and the last nothing is
    # left, so that the last code point of the first edit meets the first one of the last edit.
    ends = _ends(batch, edits)
    met = np.where(ends.leaves, edits.start, edits.stop)
    size, begin, clashing = 2, np.flatnonzero(edits.stop[:-1] == edits.start[1:]), []
    while len(begin):
        end = begin + size - 1
        last, first = ends.last[begin], ends.first[end]
        same = (last == at(batch.points, met[end] - 1)) & (first == at(batch.points, met[end]))
        wrong = begin[~_combine(alphabet, last, first) & ~same]
        clashing.append(wrong + draws[wrong[:, None] + np.arange(size)].argmax(axis=1))
        begin = begin[~ends.leaves[end] & (end + 1 < len(met))]
        begin = begin[edits.stop[begin + size - 1] == edits.start[begin + size]]
        size += 1
    return np.concatenate((np.zeros(0, np.int64), *clashing))


def _combine(alphabet: Alphabet, points: Array, others: Array) -> Array:
    """Whether each of the others (k,) can follow the point before it (k,): it is not a spacing sign, or is listed."""
    keys = points.astype(np.int64) << POINT_BITS | others
    return np.asarray(~np.isin(others, alphabet.signs) | np.isin(keys, alphabet.combinations))
