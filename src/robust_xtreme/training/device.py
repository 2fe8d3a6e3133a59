"""Where a stage is computed."""

from __future__ import annotations

import torch

from robust_xtreme.errors import ModelError


def place(name: str) -> str:
    """`cpu` or `cuda`; `auto` is cuda where there is one. Raises ModelError where cuda is asked for in vain."""
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise ModelError("There is no CUDA device here. Use --device cpu.")
    return "cuda" if there and name != "cpu" else "cpu"
