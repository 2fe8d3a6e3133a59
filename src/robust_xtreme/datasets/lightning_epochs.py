"""A callback of Lightning that gives collators the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Callback

from robust_xtreme.datasets.collating import NoisyCollator


class LightningEpochs(Callback):
    """Sets the epoch of collators in `lightning.Trainer(callbacks=[LightningEpochs(collator)])`.

    A training that continues from a checkpoint reads the epoch from it, before the first batches are read ahead.
    """

    def __init__(self, *collators: NoisyCollator) -> None:
        Callback.__init__(self)
        self._collators = collators

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Mapping[str, Any]) -> None:
        """The epoch of a continued training, whose loader reads ahead before `on_train_epoch_start`."""
        self._set(_continued(checkpoint))

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """The epoch that begins."""
        self._set(trainer.current_epoch)

    def _set(self, epoch: int) -> None:
        for collator in self._collators:
            collator.set_epoch(epoch)


def _continued(checkpoint: Mapping[str, Any]) -> int:
    """The epoch of the batches that are read next: that of a checkpoint, or the one after where it was complete."""
    loop = checkpoint.get("loops", {}).get("fit_loop", {})
    current = loop.get("epoch_progress", {}).get("current", {})
    if "processed" not in current:
        return int(checkpoint.get("epoch", 0))
    at_end = bool(loop.get("epoch_loop.batch_progress", {}).get("is_last_batch"))
    return int(current["processed"]) + (at_end and current["processed"] < current["ready"])
