"""Strings as a trie that is searched from all positions of an array of code points at once, and what it is for.

Text written without spaces is divided into the words of a list, for input methods that convert words: from left to
right, the longest word of the list is a segment; what no word of the list begins with is in none.

Shapes: n positions in the array searched, s symbols, k nodes, z strings; m clusters in a batch, s segments.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core.edits import Array, at, ragged
from robust_xtreme.core.graphemes import code_points
from robust_xtreme.noise.engine.runs import any_in

_DENSE: Final = 1 << 22
"""The most entries of a table of all steps; a larger trie has a hash table of those that exist."""

EDGE: Final = 0
UNKNOWN: Final = 1
"""The symbols of what is around words, the code point 0, and of code points that no string has."""

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_SPARE: Final = 4
_FIRST_IDEOGRAPH, _LAST_IDEOGRAPH, _REPEATED = 0x3400, 0x9FFF, 0x3005


class Index(NamedTuple):
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
        slots = slots[waiting]
        while len(waiting):  # the slot of a key has another key: it may be in the next one
            slots = _after(slots, len(self.entries))
            there = at(self.entries, slots)
            hit = there >> self.bits == asked[waiting]
            numbers[waiting[hit]] = there[hit] & (1 << self.bits) - 1
            beyond = ~hit & (there >= 0)
            waiting, slots = waiting[beyond], slots[beyond]
        return numbers


def index(keys: Array) -> Index:
    """The table of distinct keys (k,) int64 from 0 on, numbered in their order; with its number a key has 63 bits."""
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


class Reached(NamedTuple):
    """Where strings end: after `length` symbols from `positions` (r,), of the strings numbered `strings` (r,)."""

    length: int
    positions: Array
    strings: Array


@dataclass(frozen=True, slots=True)
class Trie:
    """The trie of distinct strings.

    `symbols` is the symbol of each code point, the last one also of those beyond its end.
    `steps` is the node after each node and symbol, `node * width + symbol`, 0 where there is none. In a large trie it
    is empty, and `sparse` has the numbers of the keys `node * width + symbol` of the nodes 1, 2, ... `first` (s,) is
    the node after the root and each symbol. `ends` (k,) is the number of the string that ends at a node, or -1. The
    root is node 0.
    """

    symbols: Array
    width: int
    steps: Array
    sparse: Index
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
        return self.sparse.numbers_of(keys) + 1


def trie(strings: Sequence[str], others: Iterable[str] = ()) -> Trie:
    """The trie of distinct strings that are not empty; the code points of `others` have symbols too."""
    known = sorted({point for string in (*strings, *others) for point in string})
    symbols = np.full(max(map(ord, known), default=0) + 2, UNKNOWN, np.int64)
    symbols[0] = EDGE
    symbols[[ord(point) for point in known]] = np.arange(len(known)) + UNKNOWN + 1
    width = len(known) + UNKNOWN + 1
    lengths = np.array(list(map(len, strings)), np.int64)
    points = code_points("".join(strings))
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
    steps, sparse = np.zeros(0, np.int32), index(flat[:0])
    if count * width <= _DENSE:
        steps = np.zeros(count * width, np.int32)
        steps[flat] = np.arange(1, count)
    else:
        sparse = index(flat)
    return Trie(symbols, width, steps, sparse, first, np.concatenate(ends), depth)


class Word(NamedTuple):
    """A word that is converted as a whole: `letters`, where the `tail` follows them, which stays as it is.

    A word of one letter that is `apart` counts only where no ideograph is beside it.
    """

    letters: str
    tail: str = ""
    apart: bool = False


class Segments(NamedTuple):
    """A list of words (z,), each with the slot of its key errors, or 0, its size without its tail, and `apart`."""

    words: Trie
    slots: Array
    sizes: Array
    apart: Array

    def units(self, first: Array, longer: Array, free: Array, edge: Array | None) -> tuple[Array, Array]:
        """The first cluster of each segment that is a unit (s,), and its slot (s,).

        `first` (m,) are the first code points of clusters, `longer` the numbers of those that have several. A segment
        is not a unit if one of its clusters has several or is not `free` (m,), if a span has an `edge` (m,) within it,
        if it has no slot, or beside a digit: it may count what the digits number. Nor is one of one letter beside an
        ideograph that is in no segment.
        """
        points, blocked = first.copy(), ~free
        points[longer], blocked[longer] = 0, True
        longest = np.full(len(points), -1, np.int64)
        for reached in self.words.search(self.words.symbols_of(points)):
            longest[reached.positions] = reached.strings
        starts = chained(np.where(longest < 0, 1, at(self.sizes, longest)))
        starts = starts[at(longest, starts) >= 0]
        words = at(longest, starts)
        size, slot, apart = at(self.sizes, words), at(self.slots, words), at(self.apart, words)
        inside = np.zeros(len(points), np.bool_)
        inside[ragged(starts, size)] = True
        kept = (slot > 0) & ~any_in(blocked, starts, starts + size)
        if edge is not None:
            kept &= ~any_in(edge, starts + 1, starts + size)
        ideograph = is_ideograph(points)
        kept &= ~_beside(starts, size, at(digits(), points))
        kept &= (size > 1) | ~_beside(starts, size, ideograph & ~inside)
        kept &= (size > 1) | ~apart | ~_beside(starts, size, ideograph)
        return starts[kept], slot[kept]


def segments(words: Sequence[Word], slots: Sequence[int]) -> Segments | None:
    """The trie of words, each with its slot, or 0; None without words."""
    if not words:
        return None
    sizes = np.array([len(word.letters) for word in words], np.int64)
    apart = np.array([word.apart for word in words], np.bool_)
    return Segments(trie([word.letters + word.tail for word in words]), np.array(slots, np.int64), sizes, apart)


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


def _beside(starts: Array, size: Array, flags: Array) -> Array:
    """Whether the cluster before or after each segment (s,) has a flag (m,)."""
    padded = np.zeros(len(flags) + 2, np.bool_)
    padded[1:-1] = flags
    return np.asarray(at(padded, starts) | at(padded, starts + size + 1))


def is_ideograph(points: Array) -> Array:
    """Whether code points (m,) are Han characters of the basic plane, or the sign that repeats one."""
    return np.asarray((points >= _FIRST_IDEOGRAPH) & (points <= _LAST_IDEOGRAPH) | (points == _REPEATED))


@cache
def digits() -> Array:
    """Whether each code point is a decimal digit, (0x110000,)."""
    flags = np.zeros(0x110000, np.bool_)
    flags[[point for point in range(0x110000) if chr(point).isdecimal()]] = True
    return flags
