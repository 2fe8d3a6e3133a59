"""The device of a stage, and its random state."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.predictors.loaded import device_of


def check_devices(name: str, count: int) -> None:
    """Raise ModelError where this machine has fewer devices, or cores for processes on the CPU."""
    device = device_of(name)
    there = torch.cuda.device_count() if device == "cuda" else os.cpu_count() or 1
    if count > max(there, 1):
        what = "CUDA devices" if device == "cuda" else "cores"
        raise ModelError(f"--devices {count} is more than the {there} {what} of this machine. Name at most {there}.")


@contextmanager
def own_random(seed: int) -> Iterator[None]:
    """Seed torch's generators within the context; the caller's state is restored after it.

    CUDA is not initialised here: processes can only be forked before it is.
    """
    awake = torch.cuda.device_count() if torch.cuda.is_initialized() else 0  # type: ignore[no-untyped-call]  # torch has no types there
    with torch.random.fork_rng(devices=range(awake)):
        torch.manual_seed(seed)
        yield
