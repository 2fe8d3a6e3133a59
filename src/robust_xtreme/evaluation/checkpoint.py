"""A located model in memory: encoder, head and tokenizer.

Nothing is fetched, no pickle is read and no code of a model folder runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import torch
from torch import nn

from robust_xtreme import registry
from robust_xtreme.errors import ModelError
from robust_xtreme.evaluation.located import Located, locate, relabelled
from robust_xtreme.examples import Choice, Target
from robust_xtreme.families._encoder import first_line, read_encoder, read_tokenizer
from robust_xtreme.specs import TaskSpec

_KEPT: Final = 2


@final
@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded model for one task: `labels` are the head's; `relabel` maps its choices to the task's."""

    encoder: nn.Module
    head: nn.Module
    tokenizer: Any
    family: Any
    labels: tuple[str, ...]
    relabel: tuple[int, ...] | None
    identity: str
    name: str
    hidden_size: int
    pad_id: int
    device: torch.device
    run: Path

    def own(self, prediction: Target) -> Target:
        """A decoded prediction in the task's own label order."""
        if self.relabel is not None and isinstance(prediction, Choice):
            return Choice(self.relabel[prediction.index])
        return prediction


def load_checkpoint(run: Path, task: TaskSpec, device: str = "cpu", precision: str = "fp32") -> Checkpoint:
    """Load what `task` needs of a run, in evaluation mode. Raises ModelError."""
    return load(locate(run, task), task, device, precision)


def load(located: Located, task: TaskSpec, device: str, precision: str, shared: Checkpoint | None = None) -> Checkpoint:
    """Load a located model, or its head alone where the encoder of `shared` is the same.

    Raises ModelError where weights, tokenizer and configuration do not fit each other.
    """
    family = registry.load("family", located.family)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    tokenizer = shared.tokenizer if shared else read_tokenizer(located.run / "model")
    encoder: Any = shared.encoder if shared else read_encoder(located.run / "model")
    _check_fit(located.run, tokenizer, encoder.config, task)
    head = _head(located, family, int(encoder.config.hidden_size))
    place = torch.device(device)
    return Checkpoint(
        encoder=encoder.to(place, dtype).eval(),
        head=head.to(place, dtype).eval(),
        tokenizer=tokenizer,
        family=family,
        labels=located.labels,
        relabel=relabelled(located.labels, task, located.run),
        identity=located.identity,
        name=located.name,
        hidden_size=int(encoder.config.hidden_size),
        pad_id=int(tokenizer.pad_token_id or 0),
        device=place,
        run=located.run,
    )


def _check_fit(run: Path, tokenizer: Any, config: Any, task: TaskSpec) -> None:
    """Raise ModelError where the tokenizer has more tokens, or the task's inputs more positions, than the encoder."""
    vocabulary = int(getattr(config, "vocab_size", 0))
    if len(tokenizer) > vocabulary:
        raise ModelError(
            f"{run}: the tokenizer has {len(tokenizer)} tokens, but the encoder only {vocabulary} embeddings."
        )
    reserved = int(config.pad_token_id or 0) + 1 if "roberta" in str(config.model_type) else 0
    positions = int(getattr(config, "max_position_embeddings", 0) or task.max_length + reserved) - reserved
    if positions < task.max_length:
        raise ModelError(
            f"{run}: the encoder reads {positions} tokens, but {task.name} has inputs of {task.max_length}."
        )


def _head(located: Located, family: Any, hidden_size: int) -> nn.Module:
    from safetensors.torch import load_file

    head: nn.Module = family.head(hidden_size, located.labels)
    path = located.run / "heads" / f"{located.head}.safetensors"
    try:
        head.load_state_dict(load_file(str(path)))
    except Exception as error:
        raise ModelError(f"{path} does not fit the head of {located.family}: {first_line(error)}") from error
    return head


@final
class Models:
    """The checkpoints of a run, loaded when they are asked for; the last two encoders stay in memory."""

    def __init__(self, device: str, precision: str) -> None:
        self._device, self._precision = device, precision
        self._loaded: dict[Path, dict[str, Checkpoint]] = {}

    def load(self, located: Located, task: TaskSpec) -> Checkpoint:
        """The checkpoint of a task; tasks of one run share its encoder."""
        tasks = self._loaded.setdefault(located.run, {})
        if task.name not in tasks:
            shared = next(iter(tasks.values()), None)
            tasks[task.name] = load(located, task, self._device, self._precision, shared)
        for run in list(self._loaded)[:-_KEPT]:
            self._loaded.pop(run, None)
        return tasks[task.name]
