"""What training has on disk: the folder of an encoder, saved states that a killed run continues from, the best weights.

The best have the best score on validation data; folders are written atomically.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from lightning.pytorch import Trainer
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from robust_xtreme.core import resources, strict_json
from robust_xtreme.core.errors import DiskError, ModelError, no_room
from robust_xtreme.files import store
from robust_xtreme.files.journal import Journal
from robust_xtreme.files.new_files import sync_folder, write_all
from robust_xtreme.models.config import CANINE, first_line
from robust_xtreme.models.folder import ADAPTER, check_weights
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.models.tokenizer import check_tokenizer, read_tokenizer
from robust_xtreme.noise.engine.rewriter import quiet_transformers

FOLDER: Final = "resume"
BEST: Final = "best.safetensors"
"""The weights with the best score on validation data, kept in the run folder during training."""

_CHECKPOINT: Final = "lightning.ckpt"
_RANDOM: Final = "random.pt"
_POSITION: Final = "place.json"
_FILES: Final = (_POSITION, _CHECKPOINT, _RANDOM)
_STATE: Final = re.compile(r"step-\d{9}")


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


WRITE_ERRORS: Final = (OSError, SafetensorError)


def encoder_folder(path: Path) -> Path:
    """The transformers folder of a path: the path itself, or `model/` of a run.

    Raises ModelError, one line, where it contains no configuration or no safetensors.
    """
    if not path.is_dir():
        raise ModelError(f"There is no folder {str(path)!r}. Name a transformers encoder or a run with --from DIR.")
    folder = path / "model" if (path / "model" / "config.json").is_file() else path
    if not (folder / "config.json").is_file():
        merge = "Merge the adapter in it with peft's merge_and_unload, and name the folder that you save."
        more = f" {merge}" if (folder / ADAPTER).is_file() else ""
        raise ModelError(f"{folder} contains no config.json: it is not a transformers encoder.{more}")
    check_weights(folder)
    return folder


@contextmanager
def written_folder(folder: Path, journal: Journal) -> Iterator[Path]:
    """A temporary folder to write, whose files go into `folder` once it is complete. Raises DiskError."""
    try:
        with journal.temporary(folder) as tmp:
            tmp.mkdir(0o700)
            yield tmp
            paths = sorted(path for path in tmp.rglob("*") if path.is_file())
            for path in paths:
                sync_folder(path)
            for path in paths:
                journal.put(path, folder / path.relative_to(tmp))
    except Exception as error:
        # tokenizers raises a plain Exception that only its text distinguishes.
        if isinstance(error, WRITE_ERRORS) or "(os error " in str(error):
            raise disk_error(folder, error) from error
        raise


def read_start(folder: Path) -> tuple[Any, Any]:
    """The encoder and the tokenizer of a transformers folder. Raises ModelError, also where they do not fit."""
    encoder, tokenizer = read_encoder(folder), read_tokenizer(folder)
    check_tokenizer(tokenizer, embedding_count(encoder), str(folder))
    return encoder, tokenizer


def embedding_count(encoder: Any) -> int:
    """The ids that an encoder has embeddings for; 0 where it computes them of any id, as CANINE."""
    return 0 if encoder.config.model_type == CANINE else int(encoder.get_input_embeddings().num_embeddings)


def config_of(folder: Path, called: str) -> dict[str, Any]:
    """The configuration of a transformers folder that errors call `called`. Raises ModelError."""
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(f"{called} contains no config.json: it is not a model of transformers.")
    try:
        config = strict_json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{called}: its config.json cannot be read: {error}. Get it again.") from error
    if not isinstance(config, dict):
        raise ModelError(f"{called}: its config.json is not a JSON object. Get it again.")
    return config


def write_model(folder: Path, encoder: Any, tokenizer: Any, journal: Journal | None = None) -> None:
    """Write weights (safetensors), configuration and tokenizer, complete. Raises DiskError."""
    with written_folder(folder, journal or Journal(folder.parent, gives=lambda _: True)) as tmp:
        with quiet_transformers():
            encoder.save_pretrained(str(tmp))
            tokenizer.save_pretrained(str(tmp))
        path = tmp / "tokenizer_config.json"
        origin = ("backend", "is_local", "local_files_only", "name_or_path")
        facts = {name: fact for name, fact in store.read_json(path).items() if name not in origin}
        # Versions 4 and 5 of transformers know this class name of a fast tokenizer: 5 knows 4's, 4 not those of 5.
        if facts.get("tokenizer_class") in ("TokenizersBackend", "Siglip2Tokenizer"):
            facts["tokenizer_class"] = "PreTrainedTokenizerFast"
        store.write_json(path, facts)


def disk_error(path: Path, error: Exception) -> DiskError:
    """A one-line error for what a library raises on a full or unwritable disk."""
    reason = getattr(error, "strerror", None) or first_line(error)
    next_step = no_room(error) or "Free some space"
    return DiskError(f"{path} cannot be written: {reason}. {next_step}, or name another folder: --out DIR")
