"""The model of a task on disk, and loaded into memory: encoder, head and tokenizer.

Nothing is fetched, pickles are not read, and code of a model folder runs only with --trust-remote-code.
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
from robust_xtreme.models import unsupported
from robust_xtreme.models.encoder import (
    check_fits,
    check_special,
    check_tokenizer,
    first_line,
    fitted,
    longest,
    positions,
    read_encoder,
    read_tokenizer,
)
from robust_xtreme.models.identity import parameters
from robust_xtreme.models.labels import others, relabelled
from robust_xtreme.models.learned import Learned
from robust_xtreme.models.native import Native
from robust_xtreme.models.origin import Origin
from robust_xtreme.models.representation import DEFAULT, AtLayer, Pooled, Representation, layer_count
from robust_xtreme.models.trained import changed_texts
from robust_xtreme.models.verify import unverified
from robust_xtreme.models.weights import weight_files
from robust_xtreme.models.whole import check_reads, read_whole
from robust_xtreme.specs import TaskSpec
from robust_xtreme.targets.kinds import kind_of

_KEPT: Final = 2
_POSITIONS: Final = ("max_position_embeddings", "pad_token_id", "model_type")


@final
@dataclass(frozen=True, slots=True)
class Located:
    """One task's model on disk: the run or checkpoint, its head, and the identity of all its files.

    `heads` are those that are part of the identity, `learned` has the languages of the head's training data. `head` is
    empty where the task is answered by the encoder's representation. `labels` are the task's labels of the head's
    classes. `native` describes a checkpoint that is not a run of `train`; `renamed` is a note that the user named its
    classes differently.
    """

    origin: Origin
    task: str
    head: str
    family: str
    labels: tuple[str, ...]
    identity: str
    config: Mapping[str, Any]
    learned: Learned
    heads: tuple[str, ...]
    native: Native | None = None
    renamed: str = ""

    @property
    def run(self) -> Path:
        """The folder of the run or checkpoint."""
        return self.origin.folder

    @property
    def folder(self) -> Path:
        """The transformers folder: encoder (with its head, in a checkpoint) and tokenizer."""
        return self.run if self.native else self.run / "model"

    @property
    def shown(self) -> str:
        """The transformers folder as errors name it: its path, or its name on the hub."""
        return self.origin.typed if self.native else str(self.folder)

    @property
    def params(self) -> int:
        """The number of parameters of the encoder, and of the head where a checkpoint contains one."""
        return parameters(self._weights)[0]

    @property
    def params_nonembedding(self) -> int:
        """The same without the embedding tables of words, positions and types."""
        return parameters(self._weights)[1]

    @property
    def _weights(self) -> tuple[Path, ...]:
        if self.native:
            return weight_files(self.folder, self.shown)
        return tuple(sorted(self.folder.glob("*.safetensors")))

    @property
    def name(self) -> str:
        """The model's name in frames and tables: its folder or hub name, and the first digits of its identity."""
        return f"{self.origin.called}@{self.identity[:8]}"

    @property
    def label_map(self) -> dict[str, str]:
        """The classes of a checkpoint, each with the task's label; empty for a run."""
        return dict(zip(self.native.classes, self.labels, strict=True)) if self.native else {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on which model was chosen, how it was trained, and which labels it does not distinguish."""
        left = others(self.native.classes, self.labels) if self.native and kind_of(self.family).words else ()
        tags = f"{self.task}: the tags {', '.join(left)} of {self.origin.typed} count as O." if left else ""
        trained = "" if self.native else changed_texts(self.run, self.heads)
        unknown = "" if self.native else unverified(self.run)
        task, most = registry.load("task", self.task), positions(self.config)
        spared = unsupported.note(self.labels, task)
        what = f"inputs of {longest(task)} tokens are cut to the {most} that {self.origin.typed} reads"
        cut = "" if fitted(task, self.config) is task else f"{self.task}: {what}."
        return tuple(filter(None, (self.origin.note, self.renamed, tags, spared, cut, trained, unknown)))


@final
@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A loaded model for one task: `labels` are the head's, in its order."""

    encoder: nn.Module
    head: nn.Module
    tokenizer: Any
    family: Any
    labels: tuple[str, ...]
    identity: str
    name: str
    hidden_size: int
    pad_id: int
    device: torch.device
    run: Path


def in_task_order(prediction: Target | None, relabel: tuple[int, ...] | None) -> Target | None:
    """Map the index of a predicted choice by `relabel`; return any other prediction as it is."""
    if relabel is not None and isinstance(prediction, Choice):
        return Choice(relabel[prediction.index])
    return prediction


def load(
    located: Located,
    task: TaskSpec,
    device: str,
    precision: str,
    shared: Checkpoint | None = None,
    representation: str = "",
) -> Checkpoint:
    """Load a located model, or only its head where the encoder of `shared` is the same.

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
    if located.head:
        head = _head(located, family, encoder)
    else:
        wanted = Representation.parse(representation) if representation else DEFAULT
        encoder, head = AtLayer(encoder, wanted.at(layer_count(encoder))), Pooled(wanted)
    target_device = torch.device(device)
    return Checkpoint(
        encoder=encoder.to(target_device, dtype).eval(),
        head=head.to(target_device, dtype).eval(),
        tokenizer=tokenizer,
        family=family,
        labels=located.labels,
        identity=located.identity,
        name=located.name,
        hidden_size=int(getattr(encoder.config, "hidden_size", 0)),
        pad_id=int(tokenizer.pad_token_id),
        device=target_device,
        run=located.run,
    )


def tokenizer_of(located: Located) -> Any:
    """The tokenizer of a located model, checked against its embeddings; the last two stay in memory.

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
    """The encoder of another task's checkpoint, where both tasks use the same one; else None.

    A transformers checkpoint with a head is loaded whole, and does not share its encoder with a bare one.
    """
    if shared is None:
        return None
    bare = isinstance(shared.encoder, AtLayer)
    if located.native is not None and bare == bool(located.head):
        return None
    return shared.encoder.encoder if isinstance(shared.encoder, AtLayer) else shared.encoder


def _encoder(located: Located) -> Any:
    if located.native is None or not located.head:
        return read_encoder(located.folder)
    native = located.native
    return read_whole(located.folder, located.family, native.architecture, native.trust, located.shown)


def relabel_of(located: Located, task: TaskSpec) -> tuple[int, ...] | None:
    """The task's index of each of a model's choices, without loading it; None where nothing is to be mapped.

    A checkpoint's tags already have the task's names, and several of them can be O.
    """
    tags = located.native is not None and not kind_of(located.family).indexed
    return None if tags else relabelled(located.labels, task, located.run)


def check_length(located: Located, task: TaskSpec, config: Mapping[str, Any] | None = None) -> None:
    """Raise ModelError where the task's inputs have more positions than config.json gives the encoder.

    `config` is that of the loaded encoder, which has every key. A text tower's inputs are cut.
    """
    config = located.config if config is None else config
    cut = f"--max-length {task.name}={positions(config)}"
    remedy = f"Leave {task.name} out of --tasks, cut its inputs ({cut}), or"
    check_fits(fitted(task, config), config, located.origin.typed, remedy)


def _head(located: Located, family: Any, encoder: Any) -> nn.Module:
    """The head of a run; for a checkpoint with a head the identity."""
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
    """The checkpoints of a run, loaded on demand; the last two encoders stay in memory."""

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
