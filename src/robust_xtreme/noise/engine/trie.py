"""Strings as a trie that is searched from all positions of an array of code points at once.

Shapes: n positions in the array searched, s symbols, k nodes, z strings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np

from robust_xtreme.core.edits import Array, at

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
