"""The one LightningModule: an encoder, a head, and AdamW with a linear rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from robust_xtreme.families._batch import encoder_inputs
from robust_xtreme.training.objective import Batch, Objective

EPSILON: Final = 1e-8


@final
@dataclass(frozen=True, slots=True)
class Schedule:
    """The learning rate over `steps`: up in a line over `warmup` steps, then down in a line to 0."""

    lr: float
    steps: int
    warmup: int
    weight_decay: float

    def at(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        return self.lr * (self.steps - step) / max(1, self.steps - self.warmup)


class TrainingModule(LightningModule):
    """Encoder and head under one objective; `begin` is the step that training enters at."""

    def __init__(self, encoder: nn.Module, objective: Objective, schedule: Schedule) -> None:
        LightningModule.__init__(self)
        self.encoder = encoder
        self.head = objective.head
        self.objective = objective
        self.schedule = schedule
        self.optimizer_state: dict[str, Any] | None = None

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss of one batch."""
        inputs = encoder_inputs(self.encoder, batch.ids, batch.mask, batch.windows)
        hidden = self.encoder(**inputs).last_hidden_state
        return self.objective.loss(self.head, hidden, batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; biases and norms do not decay. A resumed run continues with its moments."""
        named = dict(self.named_parameters())
        decayed = [one for one in named.values() if one.ndim > 1]
        others = [one for one in named.values() if one.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.schedule.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.schedule.lr, eps=EPSILON)
        if self.optimizer_state is not None:
            optimizer.load_state_dict(self.optimizer_state)
        return optimizer
