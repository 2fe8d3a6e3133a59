"""The LightningModule: an encoder, heads, and AdamW with a scheduled rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from robust_xtreme.models.tensors import encoder_inputs
from robust_xtreme.training.objective import HeadUnits, TrainingBatch

EPSILON: Final = 1e-8


@final
@dataclass(frozen=True, slots=True)
class Schedule:
    """The learning rate over `steps`: a linear rise over `warmup` steps, then by `shape`.

    `linear` falls linearly to 0, `cosine` along half a wave, `constant` stays. `fused` selects fused AdamW.
    """

    lr: float
    steps: int
    warmup: int
    weight_decay: float
    shape: str = "linear"
    fused: bool = False

    def at(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        left = (self.steps - step) / max(1, self.steps - self.warmup)
        if self.shape == "cosine":
            return self.lr * (1 - math.cos(math.pi * left)) / 2
        return self.lr if self.shape == "constant" else self.lr * left


class TrainingModule(LightningModule):
    """Encoder and heads; one pass through the encoder serves all parts of a batch, each by its own head.

    `pieces` are those of the last pass: the number of a part, its loss, its weight.
    """

    def __init__(self, encoder: nn.Module, parts: Sequence[HeadUnits], schedule: Schedule) -> None:
        LightningModule.__init__(self)
        self.encoder = encoder
        self.heads = nn.ModuleList(part.head for part in parts)
        self.parts = tuple(parts)
        self.schedule = schedule
        self.optimizer_state: dict[str, Any] | None = None
        self.pieces: list[tuple[int, Tensor, float]] = []

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> Tensor:
        """The loss of one batch: the weighted sum of its pieces'."""
        inputs = encoder_inputs(self.encoder, batch.ids, batch.mask, batch.windows)
        hidden = self.encoder(**inputs).last_hidden_state
        self.pieces, losses = [], []
        for piece in batch.pieces:
            rows = slice(piece.start, piece.stop)
            loss = self.parts[piece.part].loss(self.heads[piece.part], hidden[rows], batch.mask[rows], piece.taken)
            self.pieces.append((piece.part, loss.detach(), piece.weight))
            losses.append(loss * piece.weight)
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; biases and norms do not decay. A resumed run continues with its moments."""
        learned = [parameter for parameter in self.parameters() if parameter.requires_grad]
        decayed = [parameter for parameter in learned if parameter.ndim > 1]
        others = [parameter for parameter in learned if parameter.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.schedule.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.schedule.lr, eps=EPSILON, fused=self.schedule.fused or None)
        if self.optimizer_state is not None:
            optimizer.load_state_dict(self.optimizer_state)
        return optimizer
