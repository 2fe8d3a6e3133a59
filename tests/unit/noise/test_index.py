"""The hash table of the engine: the number of each key, and -1 for every other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from robust_xtreme.noise.engine._segments import index

_KEYS = st.one_of(st.integers(0, 40), st.integers(0, (1 << 42) - 1))


@given(st.lists(_KEYS, unique=True, max_size=60), st.lists(_KEYS, max_size=30))
def test_keys_have_their_numbers_and_others_have_none(keys: list[int], others: list[int]) -> None:
    """Every key is there under its number, however few or near each other they are."""
    numbers = {key: number for number, key in enumerate(keys)}
    asked = [*others, *keys[::-1], *keys]
    known = index(np.array(keys, np.int64)).numbers_of(np.array(asked, np.int64))
    assert known.tolist() == [numbers.get(key, -1) for key in asked]


def test_keys_that_share_a_place_are_all_there() -> None:
    """Of a hundred keys whose first slot is the same each takes one further on."""
    size = len(index(np.arange(100)).entries)
    inverse = pow(0x9E3779B97F4A7C15, -1, 1 << 64)
    every = [(number * inverse) % (1 << 64) for number in range(1 << 15)]
    keys = np.array([key for key in every if key < 1 << 56][:100], np.int64)
    table = index(keys)
    assert len(table.entries) == size
    assert np.flatnonzero(table.entries >= 0).tolist() == list(range(100))
    assert table.numbers_of(keys).tolist() == list(range(100))
    assert table.numbers_of(keys + 1).max() == -1
