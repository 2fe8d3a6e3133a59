"""Finds many keys at once: a hash table with linear probing, at most a quarter full.

A binary search of each key would take five times as long: every step of it is a branch that cannot be predicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from robust_xtreme.edits import Array, at

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
