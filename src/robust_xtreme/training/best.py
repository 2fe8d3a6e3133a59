"""The weights with the best score on validation data, kept in the run folder during training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from robust_xtreme.core.errors import ModelError
from robust_xtreme.files.journal import Journal
from robust_xtreme.training.encoder import WRITE_ERRORS, disk_error

FILE: Final = "best.safetensors"


def keep(journal: Journal, module: nn.Module, score: float, step: int) -> None:
    """Keep the weights of a step where its score is above that of every earlier one. Raises DiskError.

    Weights that an interrupted run kept after the state that it continues from are ignored: that step comes again.
    """
    path = journal.folder / FILE
    best = kept(journal.folder)
    if best and best[1] < step and best[0] >= score:
        return
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()}
    try:
        with journal.temporary(path) as tmp:
            save_file(weights, tmp, metadata={"kept": json.dumps([score, step])})
            journal.put(tmp, path)
    except WRITE_ERRORS as error:
        raise disk_error(path, error) from error


def kept(run: Path) -> tuple[float, int] | None:
    """The score and step of the kept weights; None where there are none."""
    if not (run / FILE).is_file():
        return None
    try:
        with safe_open(run / FILE, framework="pt") as file:
            score, step = json.loads(file.metadata()["kept"])
        return float(score), int(step)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{run / FILE} is damaged. Start again with --force.") from error


def restore(run: Path, module: nn.Module) -> None:
    """Load the kept weights into a module, where there are some."""
    if kept(run):
        module.load_state_dict(load_file(run / FILE))
