"""The one LightningDataModule: a plan of batches that is a pure function of the seed, entered at any step."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
import torch
from lightning.pytorch import LightningDataModule

from robust_xtreme.families._batch import collate
from robust_xtreme.training.objective import Batch, Objective

_SORTED_TOGETHER: Final = 50
_PLAN, _MASKS = 1, 2


def epoch_batches(
    lengths: Sequence[int], batch_size: int, seed: int, epoch: int, starts: Sequence[int] = (0,)
) -> list[tuple[int, ...]]:
    """One pass over the units: each exactly once, in shuffled batches of units of like length.

    A unit is a window, or all windows of an example. `starts` are the places where each task's units begin: a batch is
    of one task, and tasks take turns in proportion to their units. A pure function of its arguments.
    """
    generator = np.random.default_rng((seed, _PLAN, epoch))
    orders = [start + generator.permutation(count) for start, count in _parts(lengths, starts)]
    size = batch_size * _SORTED_TOGETHER
    chunks = [order[start : start + size] for order in orders for start in range(0, len(order), size)]
    by_length = [sorted(chunk.tolist(), key=lambda place: (lengths[place], place)) for chunk in chunks]
    batches = [
        tuple(chunk[start : start + batch_size]) for chunk in by_length for start in range(0, len(chunk), batch_size)
    ]
    return [batches[place] for place in generator.permutation(len(batches))]


def _parts(lengths: Sequence[int], starts: Sequence[int]) -> list[tuple[int, int]]:
    """Where each task's units begin, and how many there are."""
    return [(start, stop - start) for start, stop in zip(starts, (*starts[1:], len(lengths)), strict=True)]


@final
@dataclass(frozen=True, slots=True)
class Plan:
    """Which units of an objective each step sees: `steps` batches, one epoch after another.

    `starts` are the places where each task's units begin.
    """

    lengths: tuple[int, ...]
    batch_size: int
    seed: int
    steps: int
    starts: tuple[int, ...] = (0,)

    @property
    def epoch_steps(self) -> int:
        """Steps of one pass over the units."""
        return sum(-(-count // self.batch_size) for _, count in _parts(self.lengths, self.starts))

    @property
    def epochs(self) -> float:
        """Passes over the units."""
        return self.steps / self.epoch_steps if self.steps else 0.0

    def at(self, step: int) -> tuple[int, ...]:
        """The units of a step."""
        epoch, place = divmod(step, self.epoch_steps)
        return _epoch(self.lengths, self.batch_size, self.seed, epoch, self.starts)[place]

    def part(self, step: int) -> int:
        """The task of a step, by its number."""
        return bisect_right(self.starts, self.at(step)[0]) - 1

    def seen(self) -> int:
        """Units seen over all steps."""
        if not self.steps:
            return 0
        whole, rest = divmod(self.steps, self.epoch_steps)
        last = [self.at(step) for step in range(self.steps - rest, self.steps)]
        return whole * len(self.lengths) + sum(map(len, last))


@lru_cache(maxsize=2)
def _epoch(
    lengths: tuple[int, ...], batch_size: int, seed: int, epoch: int, starts: tuple[int, ...]
) -> list[tuple[int, ...]]:
    return epoch_batches(lengths, batch_size, seed, epoch, starts)


@final
class Loader:
    """The batches of a plan from step `start` on."""

    def __init__(self, objective: Objective, plan: Plan, pad_id: int, start: int) -> None:
        self.objective = objective
        self.plan = plan
        self.pad_id = pad_id
        self.start = start

    def __len__(self) -> int:
        return self.plan.steps - self.start

    def __iter__(self) -> Iterator[Batch]:
        return (self.batch(step) for step in range(self.start, self.plan.steps))

    def batch(self, step: int) -> Batch:
        """The batch of a step; what is masked in it depends on seed and step only."""
        windows = tuple(window for place in self.plan.at(step) for window in self.objective.units[place])
        ids, mask = collate(windows, self.pad_id)
        if self.objective.masking is None:
            return Batch(ids, mask, windows, part=self.plan.part(step))
        generator = np.random.default_rng((self.plan.seed, _MASKS, step))
        hidden, targets = self.objective.masking(ids.numpy(), generator)
        return Batch(torch.from_numpy(hidden), mask, windows, torch.from_numpy(targets))


class TrainingData(LightningDataModule):
    """Hands a loader to Lightning, and its batches to the device."""

    def __init__(self, loader: Loader) -> None:
        LightningDataModule.__init__(self)
        self.loader = loader

    def train_dataloader(self) -> Loader:
        """The loader."""
        return self.loader

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Batch:
        """The batch on the device; its windows stay on the CPU."""
        moved: Batch = batch.to(device)
        return moved
