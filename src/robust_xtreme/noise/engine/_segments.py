"""Divides text written without spaces into the words of a list, for input methods that convert words.

From left to right, the longest word of the list is a segment; what no word of the list begins with is in none. The
words are a trie, one level per letter, that is searched for all clusters of a batch at once.

Shapes: m clusters in a batch, w words in a list, k nodes in a level, s segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple, final

import numpy as np

from robust_xtreme.core.edits import Array, at, ragged

# Strings as a trie that is searched from all positions of an array of code points at once.
#
# Shapes: n positions in the array searched, s symbols, k nodes, z strings.

_DENSE: Final = 1 << 22
"""The most entries of a table of all steps; a larger trie has only those that exist, sorted."""


EDGE: Final = 0
UNKNOWN: Final = 1
"""The symbols of what is around words, the code point 0, and of code points that no string has."""


_SHARED: Final = -1
_MIXED: Final = np.uint64(0x9E3779B97F4A7C15)


class Reached(NamedTuple):
    """Where strings end: after `length` symbols from `positions` (r,), of the strings numbered `strings` (r,)."""

    length: int
    positions: Array
    strings: Array


@final
@dataclass(frozen=True, slots=True)
class Trie:
    """The trie of distinct strings.

    `symbols` is the symbol of each code point, the last one also of those beyond its end.
    `steps` is the node after each node and symbol, `node * width + symbol`, 0 where there is none. In a large trie it
    is empty: `keys` (k - 1,) are the sorted `node * width + symbol` of the nodes 1, 2, ..., and `likely` is a hash
    table with the number of a key, or -1 where several share a hash. `first` (s,) is the node after the root and each
    symbol. `ends` (k,) is the number of the string that ends
    at a node, or -1. The root is node 0.
    """

    symbols: Array
    width: int
    steps: Array
    keys: Array
    likely: Array
    first: Array
    ends: Array
    depth: int

    def symbols_of(self, points: Array) -> Array:
        """The symbol of each code point (n,) int64."""
        return at(self.symbols, points)

    def search(self, symbols: Array, positions: Array | None = None) -> Iterator[Reached]:
        """All strings that begin at some positions, or at any of the array `symbols` (n,), shorter ones first.

        The last symbol of the array must be EDGE.
        """
        alive = np.flatnonzero(symbols > UNKNOWN) if positions is None else positions
        node = np.zeros(len(alive), np.int64)
        for length in range(1, self.depth + 1):
            symbol = at(symbols, alive + (length - 1))
            node = at(self.first, symbol) if length == 1 else self._next(node, symbol)
            there = np.flatnonzero(node)
            alive, node = alive[there], node[there]
            if not len(alive):
                return
            strings = at(self.ends, node)
            ended = np.flatnonzero(strings >= 0)
            if len(ended):
                yield Reached(length, alive[ended], strings[ended])

    def _next(self, node: Array, symbols: Array) -> Array:
        """The node after each node (n,) and symbol, 0 where there is none."""
        keys = node * self.width + symbols
        if len(self.steps):
            return at(self.steps, keys)
        index = at(self.likely, _hashed(keys, len(self.likely)))
        shared = np.flatnonzero(index == _SHARED)
        index[shared] = np.searchsorted(self.keys, keys[shared])
        return np.where(at(self.keys, index) == keys, index + 1, 0)


def trie(strings: Sequence[str], others: Iterable[str] = ()) -> Trie:
    """The trie of distinct strings that are not empty; the code points of `others` have symbols too."""
    known = sorted({point for string in (*strings, *others) for point in string})
    symbols = np.full(max(map(ord, known), default=0) + 2, UNKNOWN, np.int64)
    symbols[0] = EDGE
    symbols[[ord(point) for point in known]] = np.arange(len(known)) + UNKNOWN + 1
    width = len(known) + UNKNOWN + 1
    lengths = np.array(list(map(len, strings)), np.int64)
    points = np.frombuffer("".join(strings).encode("utf-32-le"), np.uint32)
    begins, depth = np.cumsum(lengths) - lengths, int(lengths.max(initial=0))
    # node (z,): the node that each string has reached; nodes are numbered level by level, so that keys are sorted.
    node, count, keys, ends = np.zeros(len(strings), np.int64), 1, [np.zeros(0, np.int64)], [np.full(1, -1, np.int64)]
    for level in range(depth):
        alive = np.flatnonzero(lengths > level)
        new, number = np.unique(node[alive] * width + symbols[points[begins[alive] + level]], return_inverse=True)
        node[alive] = count + number
        ended, level_ends = np.flatnonzero(lengths == level + 1), np.full(len(new), -1, np.int64)
        level_ends[node[ended] - count] = ended
        keys.append(new)
        ends.append(level_ends)
        count += len(new)
    flat = np.concatenate(keys)
    first = np.zeros(width, np.int64)
    first[flat[flat < width]] = np.arange(1, np.searchsorted(flat, width) + 1)
    steps, likely = np.zeros(0, np.int64), np.zeros(0, np.int64)
    if count * width <= _DENSE:
        steps = np.zeros(count * width, np.int32)
        steps[flat] = np.arange(1, count)
    else:
        likely = _likely(flat)
    return Trie(symbols, width, steps, flat, likely, first, np.concatenate(ends), depth)


def _likely(keys: Array) -> Array:
    """A hash table with the number of each key, _SHARED where several have a hash, and 0 where none has."""
    table = np.zeros(1 << (8 * len(keys)).bit_length(), np.int32)
    slots = _hashed(keys, len(table))
    table[slots] = np.arange(len(keys), dtype=np.int32)
    table[slots[np.bincount(slots)[slots] > 1]] = _SHARED
    return table


def _hashed(keys: Array, size: int) -> Array:
    """A hash of each key (n,) below `size`, a power of two."""
    mixed = keys.astype(np.uint64) * _MIXED
    mixed >>= np.uint64(65 - size.bit_length())
    return mixed.astype(np.int64)


_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_SPARE: Final = 4


@final
@dataclass(frozen=True, slots=True)
class Index:
    """By slot (p,), a power of two: a key with its number in the lowest `bits`, int64, or -1.

    Both are in one array, since most of the time goes into reading memory that no cache has.
    """

    entries: Array
    bits: int

    def numbers_of(self, asked: Array) -> Array:
        """The number of each of some keys (k,) int64, or -1 where the table has it not."""
        slots = _first_slots(asked, len(self.entries))
        there = at(self.entries, slots)
        hit = there >> self.bits == asked
        numbers: Array = np.where(hit, there & (1 << self.bits) - 1, -1)
        waiting = np.flatnonzero(~hit & (there >= 0))
        if len(waiting):
            numbers[waiting] = self._further(asked[waiting], slots[waiting])
        return numbers

    def _further(self, asked: Array, slots: Array) -> Array:
        """The numbers of keys whose first slot has another key."""
        numbers, waiting = np.full(len(asked), -1, np.int64), np.arange(len(asked))
        while len(waiting):
            slots = _after(slots, len(self.entries))
            there = at(self.entries, slots)
            hit = there >> self.bits == asked[waiting]
            numbers[waiting[hit]] = there[hit] & (1 << self.bits) - 1
            beyond = ~hit & (there >= 0)
            waiting, slots = waiting[beyond], slots[beyond]
        return numbers


def index(keys: Array) -> Index:
    """The table of distinct keys (k,) int64 of at least 0, numbered in their order.

    A key and a number have 63 bits at most.
    """
    size, bits = 1 << (_SPARE * len(keys)).bit_length(), len(keys).bit_length()
    entries = np.full(size, -1, np.int64)
    packed = keys << bits | np.arange(len(keys))
    waiting, slots = np.arange(len(keys)), _first_slots(keys, size)
    while len(waiting):
        # Of several keys in one slot the last stays; the others, and those whose slot was taken, try the next.
        free = at(entries, slots) < 0
        entries[slots[free]] = packed[waiting[free]]
        beyond = at(entries, slots) != packed[waiting]
        waiting, slots = waiting[beyond], _after(slots[beyond], size)
    return Index(entries, bits)


def _first_slots(keys: Array, size: int) -> Array:
    """The first slot of each key in a table: the upper bits of a product (Fibonacci hashing)."""
    shift = np.uint64(65 - size.bit_length())
    return ((keys.view(np.uint64) * _GOLDEN) >> shift).view(np.int64)


def _after(slots: Array, size: int) -> Array:
    return (slots + 1) & (size - 1)


_POINT_BITS: Final = 21
_SLOT_AT: Final = 32
_SIZES: Final = (1 << _SLOT_AT - 1) - 1
_FIRST_IDEOGRAPH, _LAST_IDEOGRAPH, _REPEATED = 0x3400, 0x9FFF, 0x3005


class Word(NamedTuple):
    """A word that is converted as a whole: `letters`, where the `tail` follows them, which stays as it is.

    A word of one letter that is `apart` counts only where no ideograph is beside it.
    """

    letters: str
    tail: str = ""
    apart: bool = False


class TrieLevel(NamedTuple):
    """The nodes of a trie at one depth: the index of their keys `parent << 21 | point`, and what ends there (k,).

    `ends` is `slot << 32 | size << 1 | apart` of the word that ends at a node, 0 where none does: its slot, or 0, and
    the number of its letters without its tail.
    """

    nodes: Index
    ends: Array


@final
@dataclass(frozen=True, slots=True)
class Segments:
    """A list of words as a trie, with the slot of each word that has key errors."""

    levels: tuple[TrieLevel, ...]

    def units(self, points: Array, blocked: Array, edge: Array | None) -> tuple[Array, Array]:
        """The first cluster of each segment that is a unit (s,), and its slot (s,).

        `points` (m,) are the code points of clusters, 0 where a cluster has several. A segment is not a unit if one of
        its clusters is `blocked` (m,), if a span has an `edge` (m,) within it, if it has no slot, or beside a digit: it
        may count what the digits number. Nor is one of one letter beside an ideograph that is in no segment.
        """
        starts, size, slot, apart = self._segments(points)
        inside = np.zeros(len(points), np.bool_)
        inside[ragged(starts, size)] = True
        # before (m + 1,): how many clusters before each one are blocked; cut: how many have an edge before them.
        before = _cumulated(blocked)
        free = (slot > 0) & (at(before, starts) == at(before, starts + size))
        if edge is not None:
            cut = _cumulated(edge)
            free &= at(cut, starts + 1) == at(cut, starts + size)
        ideograph = is_ideograph(points)
        free &= ~_beside(starts, size, at(digits(), points))
        free &= (size > 1) | ~_beside(starts, size, ideograph & ~inside)
        free &= (size > 1) | ~apart | ~_beside(starts, size, ideograph)
        return starts[free], slot[free]

    def _segments(self, points: Array) -> tuple[Array, Array, Array, Array]:
        """The first clusters of the segments, their sizes, slots, and whether they count only apart, all (s,)."""
        ends = self._longest(points)
        starts = chained(np.maximum(_size(ends), 1))
        ends = at(ends, starts)
        starts, ends = starts[ends > 0], ends[ends > 0]
        return starts, _size(ends), ends >> _SLOT_AT, (ends & 1).astype(np.bool_)

    def _longest(self, points: Array) -> Array:
        """What ends with the longest word that begins at each cluster (m,), as in a level; 0 where none begins."""
        longest = np.zeros(len(points), np.int64)
        # No word goes beyond the last cluster: 0 is in none.
        padded = np.concatenate((points, np.zeros(len(self.levels), points.dtype))).astype(np.int64)
        # alive: the clusters from which a longer word is still possible; node: the node that each has reached.
        alive, node = np.arange(len(points)), np.zeros(len(points), np.int64)
        for depth, level in enumerate(self.levels):
            node = level.nodes.numbers_of(node << _POINT_BITS | at(padded[depth:], alive))
            hit = node >= 0
            alive, node = alive[hit], node[hit]
            ends = at(level.ends, node)
            longest[alive[ends > 0]] = ends[ends > 0]
        return longest


def word_units(
    known: Segments | None, masks: Array, kinds: np.uint16, first: Array, longer: Array, free: Array, edge: Array | None
) -> tuple[Array, Array]:
    """The first clusters of the words that are units (k,), and their slots (k,).

    `first` (m,) are the first code points of clusters, `longer` the numbers of those that have several; `free` (m,) may
    be edited. `masks` are the kinds of each slot as bits: a unit has at least one of `kinds`.
    """
    if known is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    points, blocked = first.copy(), ~free
    points[longer], blocked[longer] = 0, True
    words, slots = known.units(points, blocked, edge)
    active = at(masks, slots) & kinds > 0
    return words[active], slots[active]


def segments(words: Sequence[Word], slots: Sequence[int]) -> Segments | None:
    """The trie of words, each with its slot, or 0; None without words."""
    lengths = np.array([len(word.letters) + len(word.tail) for word in words], np.int64)
    sizes = np.array([len(word.letters) for word in words], np.int64)
    apart = np.array([word.apart for word in words], np.int64)
    ends = np.array(slots, np.int64) << _SLOT_AT | sizes << 1 | apart
    joined = "".join(word.letters + word.tail for word in words).encode("utf-32-le")
    points, begins = np.frombuffer(joined, np.uint32).astype(np.int64), np.cumsum(lengths) - lengths
    node, levels = np.zeros(len(words), np.int64), []
    for depth in range(int(lengths.max(initial=0))):
        alive = np.flatnonzero(lengths > depth)
        keys, node[alive] = np.unique(node[alive] << _POINT_BITS | points[begins[alive] + depth], return_inverse=True)
        ended = np.flatnonzero(lengths == depth + 1)
        there = np.zeros(len(keys), np.int64)
        there[node[ended]] = ends[ended]
        levels.append(TrieLevel(index(keys), there))
    return Segments(tuple(levels)) if levels else None


def chained(steps: Array) -> Array:
    """The positions (s,) that are reached from the first one by steps (m,), each at least 1, from where they lead."""
    # forced: positions that no step from before them goes beyond; from each of them the chain is followed to the next.
    positions = np.arange(len(steps))
    furthest = np.maximum.accumulate(positions + steps)
    reached = np.ones(len(steps), np.bool_)
    reached[1:] = furthest[:-1] <= positions[1:]
    current = np.flatnonzero(reached)
    while len(current):
        current = current + at(steps, current)
        current = current[current < len(steps)]
        current = current[~at(reached, current)]
        reached[current] = True
    return np.flatnonzero(reached)


def _size(ends: Array) -> Array:
    """The number of letters of words, 0 where none ends."""
    return ends >> 1 & _SIZES


def _cumulated(flags: Array) -> Array:
    """How many flags (m,) are set before each position, and in all (m + 1,)."""
    counts = np.zeros(len(flags) + 1, np.int32)
    np.cumsum(flags, dtype=np.int32, out=counts[1:])
    return counts


def _beside(starts: Array, size: Array, flags: Array) -> Array:
    """Whether the cluster before or after each segment (s,) has a flag (m,)."""
    padded = np.zeros(len(flags) + 2, np.bool_)
    padded[1:-1] = flags
    beside: Array = at(padded, starts) | at(padded, starts + size + 1)
    return beside


def is_ideograph(points: Array) -> Array:
    """Whether code points (m,) are Han characters of the basic plane, or the sign that repeats one."""
    ideographs: Array = (points >= _FIRST_IDEOGRAPH) & (points <= _LAST_IDEOGRAPH) | (points == _REPEATED)
    return ideographs


@cache
def digits() -> Array:
    """Whether each code point is a decimal digit, (0x110000,)."""
    flags = np.zeros(0x110000, np.bool_)
    flags[[point for point in range(0x110000) if chr(point).isdecimal()]] = True
    return flags
