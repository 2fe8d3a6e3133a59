"""The noise seed of a pass over training data, so that passes differ and the same pass is the same."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.examples import digest

_SEEDS: Final = 2**31
_HEX: Final = 16


def seed_of_pass(seed: int, turn: int) -> int:
    """The noise seed of a pass, counted from 0, of a training with a seed.

    It is far from the seeds of evaluation, which are small.
    """
    return int(digest("noise of a pass", str(seed), str(turn)), _HEX) % _SEEDS
