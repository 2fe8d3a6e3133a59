"""The loss of each part of a stage with several: over the shares of a step, then over the steps of a row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

import torch


@final
class PartLosses:
    """Losses by part; empty for a stage of one part, whose loss is the stage's.

    A part's loss is the mean over its terms, so the shares of a step, over devices and accumulation, are weighted.
    `waiting` are the losses of the steps since the last row.
    """

    def __init__(self, names: Sequence[str], waiting: Mapping[str, Sequence[float]]) -> None:
        self.names = tuple(names) if len(names) > 1 else ()
        self.waiting: dict[str, list[float]] = {name: list(waiting.get(name, ())) for name in self.names}
        # (parts, 2): the weighted sum of losses of a step, and the sum of weights.
        self.sums = torch.zeros(len(self.names), 2, dtype=torch.float64)

    def note(self, pieces: Sequence[tuple[int, torch.Tensor, float]]) -> None:
        """Add what one pass computed: the number of a part, its loss, its weight."""
        for part, loss, weight in pieces if self.names else ():
            self.sums[part] += torch.tensor((float(loss) * weight, weight), dtype=torch.float64)

    def step(self, trainer: Any) -> None:
        """End a step; all of several processes call it."""
        sums, self.sums = self.sums, torch.zeros_like(self.sums)
        if trainer.world_size > 1 and self.names:
            sums = trainer.strategy.reduce(sums.to(trainer.strategy.root_device), reduce_op="sum").cpu()
        for name, (loss, weight) in zip(self.names, sums.tolist(), strict=True):
            if weight > 0:
                self.waiting[name].append(loss / weight)

    def columns(self) -> str:
        """The columns of the parts in metrics.csv, after the others."""
        return "".join(f",loss_{name}" for name in self.names)

    def row(self) -> dict[str, float]:
        """The mean loss of each part with a step since the last row; starts the next row."""
        means = {f"loss_{name}": math.fsum(losses) / len(losses) for name, losses in self.waiting.items() if losses}
        for losses in self.waiting.values():
            losses.clear()
        return means

    def cells(self, means: Mapping[str, float]) -> str:
        """A row's cells after the others; empty where a part had no step."""
        values = (means.get(f"loss_{name}") for name in self.names)
        return "".join("," if value is None else f",{value:.6g}" for value in values)
