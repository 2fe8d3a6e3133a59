"""Saved states that a killed run continues from, and the weights with the best score on validation data."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, final

import torch
from lightning.pytorch import Trainer
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DiskError, ModelError
from robust_xtreme.files.journal import Journal
from robust_xtreme.files.new_files import write_all
from robust_xtreme.training.encoder import WRITE_ERRORS, disk_error, written_folder

FOLDER: Final = "resume"
BEST: Final = "best.safetensors"
"""The weights with the best score on validation data, kept in the run folder during training."""

_CHECKPOINT: Final = "lightning.ckpt"
_RANDOM: Final = "random.pt"
_POSITION: Final = "place.json"
_FILES: Final = (_POSITION, _CHECKPOINT, _RANDOM)
_STATE: Final = re.compile(r"step-\d{9}")


@final
@dataclass(frozen=True, slots=True)
class State:
    """A saved state: folder, steps, losses not yet in metrics.csv, Lightning's checkpoint, random states."""

    path: Path
    step: int
    losses: tuple[float, ...]
    checkpoint: dict[str, Any]
    random: dict[str, Any]
    parts: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def restore_random(self) -> None:
        """Restore torch's generators."""
        try:
            torch.set_rng_state(self.random["cpu"])
            if torch.cuda.is_available() and self.random["cuda"]:
                torch.cuda.set_rng_state_all(self.random["cuda"])
        except (RuntimeError, TypeError) as error:
            raise _damaged(self.path) from error


def save(
    trainer: Trainer, journal: Journal, step: int, losses: tuple[float, ...], parts: Mapping[str, Sequence[float]]
) -> None:
    """Write the state after `step` steps atomically, and remove older states. Raises DiskError.

    All of several processes call it; the first process writes.
    """
    folder = journal.folder / FOLDER
    if not trainer.is_global_zero:
        trainer.save_checkpoint(folder / _CHECKPOINT, weights_only=False)
        return
    try:
        with written_folder(folder / f"step-{step:09d}", journal) as tmp:
            trainer.save_checkpoint(tmp / _CHECKPOINT, weights_only=False)
            cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
            torch.save({"cpu": torch.get_rng_state(), "cuda": cuda}, tmp / _RANDOM)
            write_all({tmp / _POSITION: json.dumps({"step": step, "losses": losses, "parts": parts}).encode()})
    except RuntimeError as error:  # what torch raises where it cannot write
        raise disk_error(folder, error) from error
    newest = f"{FOLDER}/step-{step:09d}/"
    with suppress(DiskError):
        journal.remove(lambda name: name.startswith(f"{FOLDER}/") and not name.startswith(newest))


def saved_step(run: Path) -> int:
    """The steps that the newest state contains, by its name; 0 where there is none."""
    return int(states[-1].name.removeprefix("step-")) if (states := _states(run)) else 0


def _states(run: Path) -> list[Path]:
    """The complete states, the newest last."""
    states = (path for path in (run / FOLDER).glob("step-*") if _STATE.fullmatch(path.name))
    return sorted(path for path in states if all((path / name).exists() for name in _FILES))


def latest(run: Path, steps: int) -> State | None:
    """The newest state of a stage of so many steps, None where there is none.

    Only tensors and plain values are read. Raises ModelError where the files contain anything else.
    """
    states = _states(run)
    if not states:
        return None
    try:
        for name in _FILES:
            resources.check_regular(states[-1] / name)
        position = json.loads((states[-1] / _POSITION).read_text(encoding="ascii"))
        checkpoint = torch.load(states[-1] / _CHECKPOINT, map_location="cpu", weights_only=True)
        random = torch.load(states[-1] / _RANDOM, map_location="cpu", weights_only=True)
        losses = tuple(map(float, position["losses"]))
        parts = {name: tuple(map(float, losses)) for name, losses in position.get("parts", {}).items()}
        state = State(states[-1], position["step"], losses, checkpoint, random, parts)
        well = states[-1].name == f"step-{state.step:09d}" and 0 < state.step < steps
        _ = (checkpoint["state_dict"], checkpoint["optimizer_states"][0], random["cpu"], random["cuda"])
    except Exception as error:
        raise _damaged(states[-1]) from error
    if not well:
        raise _damaged(states[-1])
    return state


def _damaged(path: Path) -> ModelError:
    return ModelError(f"{path} is damaged, or is not a state of this run. Start again with --force.")


def rows_of(state: State, rows: torch.Tensor | None) -> torch.Tensor | None:
    """The rows of word embeddings that a state has, None for all, which any run continues with.

    Raises ModelError where they are others than the run's.
    """
    saved: torch.Tensor | None = state.checkpoint.get("rows")
    if saved is not None and (rows is None or not torch.equal(saved, rows)):
        raise _damaged(state.path)
    return saved


def restore(state: State, module: Any) -> None:
    """Load weights and optimizer state into a module. Raises ModelError where they do not fit."""
    try:
        module.load_state_dict(state.checkpoint["state_dict"])
        module.optimizer_state = state.checkpoint["optimizer_states"][0]
        module.configure_optimizers()
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise _damaged(state.path) from error


def keep_best(journal: Journal, module: nn.Module, score: float, step: int) -> None:
    """Keep the weights of a step where its score is above that of every earlier one. Raises DiskError.

    Weights that an interrupted run kept after the state that it continues from are ignored: that step comes again.
    """
    path = journal.folder / BEST
    best = best_kept(journal.folder)
    if best and best[1] < step and best[0] >= score:
        return
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in module.state_dict().items()}
    try:
        with journal.temporary(path) as tmp:
            save_file(weights, tmp, metadata={"kept": json.dumps([score, step])})
            journal.put(tmp, path)
    except WRITE_ERRORS as error:
        raise disk_error(path, error) from error


def best_kept(run: Path) -> tuple[float, int] | None:
    """The score and step of the kept weights; None where there are none."""
    if not (run / BEST).is_file():
        return None
    try:
        with safe_open(run / BEST, framework="pt") as file:
            score, step = json.loads(file.metadata()["kept"])
        return float(score), int(step)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{run / BEST} is damaged. Start again with --force.") from error


def restore_best(run: Path, module: nn.Module) -> int:
    """Load the kept weights into a module, where there are some; the step that they are of, or 0."""
    if best := best_kept(run):
        module.load_state_dict(load_file(run / BEST))
    return best[1] if best else 0
