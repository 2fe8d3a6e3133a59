"""The device that a run computes on: the kind that is asked for, and its name in the manifest."""

from __future__ import annotations

import torch

from robust_xtreme.core.errors import SpecError
from robust_xtreme.models.predictors.batches import BATCH_TOKENS


def device_of(name: str) -> str:
    """`cpu` or `cuda`; `auto` is CUDA where there is one. Raises SpecError."""
    if name not in ("auto", *BATCH_TOKENS):
        raise SpecError(f"The device {name!r} is none of: auto, {', '.join(BATCH_TOKENS)}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise SpecError("There is no CUDA device here. Leave --device out, or name cpu.")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def device_name(device: str) -> str:
    """The name of the device in the manifest; results are the same bytes on the same device."""
    return f"cuda: {torch.cuda.get_device_name()}" if device == "cuda" else device
