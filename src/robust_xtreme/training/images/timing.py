"""The time of an image tower's passes on this machine, for the plan of a stage."""

from __future__ import annotations

import time
from typing import Final

import torch

from robust_xtreme.training.device import device_of, own_random
from robust_xtreme.training.images.towers import new_tower, read_tower, vision_folder
from robust_xtreme.training.spec import StageSpec, TrainSpec

_PASSES: Final = 3
_MOST: Final = 32
"""The most images of a timed pass on a CPU, where time is proportional to them."""


def tower_seconds(stage: StageSpec, spec: TrainSpec) -> float:
    """The seconds of a step in the image tower: a forward and a backward pass over a batch. Raises ModelError."""
    device = torch.device(device_of(spec.device))
    with own_random(0):
        tower = read_tower(vision_folder(stage.vision, offline=True)) if stage.vision else new_tower()
    tower = tower.to(device).train()
    rows = stage.batch_size if device.type == "cuda" else min(stage.batch_size, _MOST)
    pixels = torch.zeros((rows, tower.size, tower.size, 3), dtype=torch.uint8, device=device)
    spent = []
    for _ in range(_PASSES):
        start = time.perf_counter()
        torch.autograd.backward(tower(pixels).float().pow(2).mean())
        if device.type == "cuda":
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - start)
    return min(spent) * stage.batch_size / rows
