"""Where a stage is computed, and the random numbers that it draws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from robust_xtreme.errors import ModelError
from robust_xtreme.examples import digest


def place(name: str) -> str:
    """`cpu` or `cuda`; `auto` is cuda where there is one. Raises ModelError where cuda is asked for in vain."""
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ModelError("There is no CUDA device here. Use --device cpu.")
    return "cuda" if there and name != "cpu" else "cpu"


@contextmanager
def own_random(seed: int) -> Iterator[None]:
    """Torch's generators, seeded, for a while; the caller's state comes back after.

    CUDA is left asleep where it sleeps: several processes can only be forked before it is awake.
    """
    awake = torch.cuda.device_count() if torch.cuda.is_initialized() else 0  # type: ignore[no-untyped-call]  # torch has no types there
    with torch.random.fork_rng(devices=range(awake)):
        torch.manual_seed(seed)
        yield


def seed_place(seed: int, step: int, position: int) -> None:
    """Seed one of several forked processes for what it draws at a step, the same on every machine."""
    torch.manual_seed(int(digest("place", str(seed), str(step), str(position)), 16) % 2**63)
