"""A located model in memory: encoder, head and tokenizer.

Nothing is fetched, no pickle is read, and no code of a model folder runs unless the run says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, final

import torch
from torch import nn

from robust_xtreme import registry
from robust_xtreme.errors import ModelError
from robust_xtreme.examples import Choice, Target
from robust_xtreme.models.encoder import check_special, check_tokenizer, first_line, read_encoder, read_tokenizer
from robust_xtreme.models.located import Located, locate, relabelled
from robust_xtreme.models.representation import DEFAULT, AtLayer, Pooled, Representation, layer_count
from robust_xtreme.models.towers import check_fits, fitted
from robust_xtreme.models.whole import check_reads, read_whole
from robust_xtreme.specs import TaskSpec
from robust_xtreme.targets.kinds import kind_of

_KEPT: Final = 2
_POSITIONS: Final = ("max_position_embeddings", "pad_token_id", "model_type")


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
        return own(prediction, self.relabel)


def own(prediction: Target, relabel: tuple[int, ...] | None) -> Target:
    """A decoded prediction with its choice, where it is one, mapped to the task's."""
    if relabel is not None and isinstance(prediction, Choice):
        return Choice(relabel[prediction.index])
    return prediction


def load_checkpoint(run: Path, task: TaskSpec, device: str = "cpu", precision: str = "fp32") -> Checkpoint:
    """Load what `task` needs of a run or checkpoint, in evaluation mode. Raises ModelError."""
    return load(locate(run, task), task, device, precision)


def load(
    located: Located,
    task: TaskSpec,
    device: str,
    precision: str,
    shared: Checkpoint | None = None,
    representation: str = "",
) -> Checkpoint:
    """Load a located model, or its head alone where the encoder of `shared` is the same.

    Raises ModelError where weights, tokenizer and configuration do not fit each other.
    """
    family = registry.load("family", located.family)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    tokenizer = tokenizer_of(located)
    encoder = _shared(located, shared) or _encoder(located)
    check_length(located, task, {key: getattr(encoder.config, key, None) for key in _POSITIONS})
    if located.native is not None and located.head and shared is None:
        width = len(located.labels) or kind_of(located.family).width
        check_reads(encoder, int(tokenizer.pad_token_id), task.max_length, width, located.shown)
    encoder, head = (
        (encoder, _head(located, family, encoder)) if located.head else _represented(encoder, representation)
    )
    place = torch.device(device)
    return Checkpoint(
        encoder=encoder.to(place, dtype).eval(),
        head=head.to(place, dtype).eval(),
        tokenizer=tokenizer,
        family=family,
        labels=located.labels,
        relabel=relabel_of(located, task),
        identity=located.identity,
        name=located.name,
        hidden_size=int(getattr(encoder.config, "hidden_size", 0)),
        pad_id=int(tokenizer.pad_token_id),
        device=place,
        run=located.run,
    )


def tokenizer_of(located: Located) -> Any:
    """The tokenizer of a located model, checked against its embeddings; the last ones stay in memory.

    Raises ModelError.
    """
    trust = located.native.trust if located.native else False
    tokenizer = _tokenizer(located.folder, located.shown, located.identity, trust)
    size = located.config.get("vocab_size")
    check_tokenizer(tokenizer, size if isinstance(size, int) else 0, located.shown)
    check_special(tokenizer, located.config, located.shown)
    return tokenizer


@lru_cache(maxsize=_KEPT)
def _tokenizer(folder: Path, shown: str, _identity: str, trust: bool) -> Any:
    return read_tokenizer(folder, trust, shown)


def _shared(located: Located, shared: Checkpoint | None) -> Any:
    """The encoder of another task's checkpoint, where it is the same; a checkpoint with a head is another thing."""
    if shared is None:
        return None
    bare = isinstance(shared.encoder, AtLayer)
    if located.native is not None and bare == bool(located.head):
        return None
    return shared.encoder.encoder if isinstance(shared.encoder, AtLayer) else shared.encoder


def _represented(encoder: Any, representation: str) -> tuple[nn.Module, nn.Module]:
    """What represents a text: a hidden state of the encoder, and how the states of its tokens become one vector."""
    wanted = Representation.parse(representation) if representation else DEFAULT
    return AtLayer(encoder, wanted.at(layer_count(encoder))), Pooled(wanted)


def _encoder(located: Located) -> Any:
    if located.native is None or not located.head:
        return read_encoder(located.folder)
    native = located.native
    return read_whole(located.folder, located.family, native.architecture, native.trust, located.shown)


def relabel_of(located: Located, task: TaskSpec) -> tuple[int, ...] | None:
    """How a model's choices map to the task's, without loading it; None where they are the same or no choices.

    A checkpoint's tags are already called as the task calls them, and several can be O.
    """
    tags = located.native is not None and not kind_of(located.family).indexed
    return None if tags else relabelled(located.labels, task, located.run)


def check_length(located: Located, task: TaskSpec, config: Mapping[str, Any] | None = None) -> None:
    """Raise ModelError where the task's inputs have more positions than the encoder, as far as config.json tells.

    `config` is that of the loaded encoder, which names everything. A text tower's inputs are cut.
    """
    config = located.config if config is None else config
    check_fits(fitted(task, config), config, located.origin.typed, f"Leave {task.name} out of --tasks, or")


def _head(located: Located, family: Any, encoder: Any) -> nn.Module:
    """The head of a run; a checkpoint with a head needs none."""
    from safetensors.torch import load_file

    if located.native is not None:
        return nn.Identity()
    head: nn.Module = family.head(int(encoder.config.hidden_size), located.labels)
    path = located.run / "heads" / f"{located.head}.safetensors"
    try:
        head.load_state_dict(load_file(str(path)))
    except Exception as error:
        raise ModelError(f"{path} does not fit the head of {located.family}: {first_line(error)}") from error
    return head


@final
class Models:
    """The checkpoints of a run, loaded when they are asked for; the last two encoders stay in memory."""

    def __init__(self, device: str, precision: str, representation: str = "") -> None:
        self._device, self._precision, self._representation = device, precision, representation
        self._loaded: dict[Path, dict[str, Checkpoint]] = {}

    def load(self, located: Located, task: TaskSpec) -> Checkpoint:
        """The checkpoint of a task; tasks of one run share its encoder."""
        tasks = self._loaded.setdefault(located.run, {})
        if task.name not in tasks:
            shared = next(iter(tasks.values()), None)
            tasks[task.name] = load(located, task, self._device, self._precision, shared, self._representation)
        for run in list(self._loaded)[:-_KEPT]:
            self._loaded.pop(run, None)
        return tasks[task.name]
