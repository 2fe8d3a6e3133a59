"""Where a killed run goes on: Lightning's checkpoint, and beside it the random state and the place in the data."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import torch
from lightning.pytorch import Trainer

from robust_xtreme.errors import ModelError
from robust_xtreme.training.encoder import disk_error, replace_folder

FOLDER: Final = "resume"
_CHECKPOINT: Final = "lightning.ckpt"
_RANDOM: Final = "random.pt"
_PLACE: Final = "place.json"


@final
@dataclass(frozen=True, slots=True)
class State:
    """Steps done, the losses not yet written to metrics.csv, Lightning's checkpoint, the random states."""

    step: int
    losses: tuple[float, ...]
    checkpoint: dict[str, Any]
    random: dict[str, Any]

    def restore_random(self) -> None:
        """Put torch's generators where they were."""
        torch.set_rng_state(self.random["cpu"])
        if torch.cuda.is_available() and self.random["cuda"]:
            torch.cuda.set_rng_state_all(self.random["cuda"])


def save(trainer: Trainer, run: Path, step: int, losses: tuple[float, ...]) -> None:
    """Write the state after `step` steps, whole or not at all; older ones go. Raises DiskError.

    Of several processes each calls it, and the first one writes.
    """
    folder = run / FOLDER
    if not trainer.is_global_zero:
        trainer.save_checkpoint(folder / _CHECKPOINT, weights_only=False)
        return
    tmp = folder / f".step.{os.getpid()}.tmp"
    try:
        shutil.rmtree(tmp, ignore_errors=True)
        tmp.mkdir(parents=True)
        trainer.save_checkpoint(tmp / _CHECKPOINT, weights_only=False)
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        torch.save({"cpu": torch.get_rng_state(), "cuda": cuda}, tmp / _RANDOM)
        (tmp / _PLACE).write_text(json.dumps({"step": step, "losses": losses}), encoding="ascii")
        replace_folder(tmp, folder / f"step-{step:09d}")
    except (OSError, RuntimeError) as error:
        shutil.rmtree(tmp, ignore_errors=True)
        raise disk_error(folder, error) from error
    for older in _states(run)[:-1]:
        shutil.rmtree(older, ignore_errors=True)


def _states(run: Path) -> list[Path]:
    return sorted((run / FOLDER).glob("step-*"))


def latest(run: Path) -> State | None:
    """The newest state, None where there is none. Nothing but tensors and plain values is read. Raises ModelError."""
    found = _states(run)
    if not found:
        return None
    try:
        place = json.loads((found[-1] / _PLACE).read_text(encoding="ascii"))
        checkpoint = torch.load(found[-1] / _CHECKPOINT, map_location="cpu", weights_only=True)
        random = torch.load(found[-1] / _RANDOM, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(f"{found[-1]} cannot be read: {error}. Start again with --force.") from error
    return State(int(place["step"]), tuple(place["losses"]), checkpoint, random)


def clear(run: Path) -> None:
    """Remove the states of a complete run."""
    shutil.rmtree(run / FOLDER, ignore_errors=True)
