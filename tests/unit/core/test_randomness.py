"""Draws are hashes of what they are for, and of nothing else."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robust_xtreme.core import graphemes, randomness
from robust_xtreme.core.examples import digest
from robust_xtreme.noise.engine.rewriter import lent

_PROGRAM = """
import random
from robust_xtreme.noise.engine.rewriter import lent
from robust_xtreme.core.randomness import *
print(flat_draws(text_keys(salt('0', 'n'), ['a', 'é']), np.array([0, 3]), np.array([0, 3]), 5).tolist())
with lent() as seed:
    seed(2**63 + 5)
    print(random.random(), np.random.random())
"""


def _keys(*ids: str) -> graphemes.Array:
    return randomness.text_keys(randomness.salt("0", "char_noise", "1"), ids)


def test_draws_never_change() -> None:
    """The draws on which stored results depend are fixed: another version of Python or numpy must give the same."""
    keys = _keys("a", "b")
    assert keys.tolist() == [10935309155947937639, 1022533853186933820]
    drawn = randomness.draws(keys, np.array([0, 7]))
    assert drawn.tolist() == [10536676873719947333, 8772852789715439945]


@pytest.mark.process
def test_another_process_draws_the_same() -> None:
    """Python's own randomised hashing plays no part, in our draws and in the generators that libraries draw from."""
    expected = randomness.flat_draws(
        randomness.text_keys(randomness.salt("0", "n"), ["a", "é"]), np.array([0, 3]), np.array([0, 3]), 5
    )
    other = "0" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    environment = {**os.environ, "PYTHONHASHSEED": other}
    done = subprocess.run([sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=True)
    with lent() as seed:
        seed(2**63 + 5)
        drawn = f"{random.random()} {np.random.random()}"  # noqa: NPY002 - as a library does
    assert done.stdout.splitlines() == [str(expected.tolist()), drawn]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_a_batch_draws_what_each_text_draws_alone(sizes: list[int]) -> None:
    """Where a text is in a batch, and beside which others, does not enter."""
    keys, lengths = _keys(*map(str, range(len(sizes)))), np.array(sizes)
    offsets = np.cumsum(lengths) - lengths
    together = randomness.flat_draws(keys, offsets, offsets, int(lengths.sum()))
    alone = [randomness.draws(np.repeat(key, size), np.arange(size)) for key, size in zip(keys, sizes, strict=True)]
    assert together.tolist() == np.concatenate(alone).tolist()
    positions = np.arange(int(lengths.sum()))
    assert randomness.flat_draws(keys, offsets, offsets, len(positions), positions).tolist() == together.tolist()


def test_draws_are_spread_evenly_over_places_and_texts() -> None:
    """Whether places of one text or the first places of many, each tenth of the range gets its share."""
    single = randomness.draws(np.repeat(_keys("a"), 50_000), np.arange(50_000))
    many = randomness.draws(_keys(*map(str, range(50_000))), np.zeros(50_000))
    for drawn in (single, many):
        counts = np.histogram(drawn.astype(float) / 2**64, bins=10, range=(0, 1))[0]
        assert counts.min() > 4_700
        assert counts.max() < 5_300


def test_streams_of_a_draw_do_not_follow_it_or_each_other() -> None:
    """Small draws, which are those chosen, say nothing about the operator or the replacement."""
    drawn = randomness.draws(np.repeat(_keys("a"), 50_000), np.arange(50_000))
    small = drawn[randomness.chosen(drawn, "0.1")]
    for number in (randomness.OPERATOR, randomness.REPLACEMENT):
        counts = np.bincount(randomness.below(randomness.stream(small, number), 4), minlength=4)
        assert counts.min() > len(small) / 4 * 0.9
    first, second = (randomness.below(randomness.stream(small, number), 2) for number in (1, 2))
    assert abs(float(np.mean(first == second)) - 0.5) < 0.03


def test_strengths_nest_and_reach_both_ends() -> None:
    """What is chosen at a strength is chosen at any higher one; 0 chooses none, 1 chooses all."""
    drawn = randomness.draws(np.repeat(_keys("a"), 1_000), np.arange(1_000))
    chosen = [randomness.chosen(drawn, strength) for strength in ("0", "0.05", "0.1", "0.999999", "1")]
    assert not chosen[0].any()
    assert chosen[-1].all()
    for low, high in pairwise(chosen):
        assert not (low & ~high).any()


@given(st.text(max_size=8), st.text(max_size=3))
def test_a_bare_string_has_the_id_that_its_language_and_value_give(value: str, code: str) -> None:
    """The quick way to the ids of strings gives the ids of the slow one."""
    assert randomness.bare_ids(code, [value]) == [digest(code, value)]


@given(st.lists(st.text(max_size=8), min_size=1, max_size=4), st.text(max_size=3))
def test_a_bare_string_has_the_key_that_its_id_gives(values: list[str], code: str) -> None:
    """The quick way from strings to keys, without ids, gives the keys of their ids."""
    keys = randomness.keyed(7, randomness.bare_hashes(code, values))
    assert keys.tolist() == randomness.text_keys(7, randomness.bare_ids(code, values)).tolist()


def test_ids_that_differ_in_one_place_have_unlike_keys() -> None:
    """The keys of ids that count up, swap letters, or end in nulls are all different."""
    ids = [f"xnli/test/en/{n}" for n in range(20_000)] + ["ab", "ba", "a", "a\0", "a\0\0", "", "é", "e\u0301"]
    keys = _keys(*ids)
    assert len(set(keys.tolist())) == len(ids)
    share = np.unpackbits(keys.view(np.uint8)).mean()
    assert abs(float(share) - 0.5) < 0.005


def test_below_reaches_every_index_and_no_other() -> None:
    """An index drawn below n is in [0, n), whatever n is."""
    drawn = randomness.draws(np.repeat(_keys("a"), 1_000), np.arange(1_000))
    assert set(randomness.below(drawn, 3).tolist()) == {0, 1, 2}
    assert set(randomness.below(drawn, 1).tolist()) == {0}


def test_salts_keep_their_parts_apart() -> None:
    """The parts of a salt are not just joined."""
    assert randomness.salt("a", "bc") != randomness.salt("ab", "c")
