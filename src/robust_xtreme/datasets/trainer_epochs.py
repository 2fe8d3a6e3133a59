"""A callback of transformers' Trainer that gives collators the epoch."""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback

from robust_xtreme.datasets.collating import NoisyCollator


class TrainerEpochs(TrainerCallback):
    """Sets the epoch of collators in `transformers.Trainer(callbacks=[TrainerEpochs(collator)])`.

    A training that continues from a checkpoint counts on from the epoch in its state; where the data have no length,
    the Trainer itself does not know how many passes were made, and counts from 0.
    """

    def __init__(self, *collators: NoisyCollator) -> None:
        self._collators = collators
        self._next = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Count from 0, or from the epoch in which the training was stopped."""
        self._next = int((state.epoch or 0) + 1e-6)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """The epoch that begins, before its loader is iterated."""
        for collator in self._collators:
            collator.set_epoch(self._next)
        self._next += 1
