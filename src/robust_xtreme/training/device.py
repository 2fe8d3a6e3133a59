"""Where a stage is computed, and the random numbers that it draws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from robust_xtreme.errors import ModelError


def place(name: str) -> str:
    """`cpu` or `cuda`; `auto` is cuda where there is one. Raises ModelError where cuda is asked for in vain."""
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ModelError("There is no CUDA device here. Use --device cpu.")
    return "cuda" if there and name != "cpu" else "cpu"


@contextmanager
def own_random(seed: int) -> Iterator[None]:
    """Torch's generators, seeded, for a while; the caller's state comes back behind."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield
