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

from robust_xtreme.core import registry
from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.core.targets.kinds import kind_of
from robust_xtreme.models import labels as unsupported
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
from robust_xtreme.models.labels import others, relabelled
from robust_xtreme.models.on_disk import Located
from robust_xtreme.models.reading.windows import plain
from robust_xtreme.models.representation import DEFAULT, AtLayer, Pooled, Representation, layer_count
from robust_xtreme.models.tensors import encoder_inputs, out_of_memory
from robust_xtreme.models.trained import changed_texts
from robust_xtreme.models.verify import unverified
from robust_xtreme.models.whole import check_reads, read_whole

BACKEND: Final = "inductor"
"""The compiler of torch.compile."""

_TRIED: Final = 32
"""Rows of the first pass; a compiler can choose its code by the sizes that it sees first."""

_LONGEST: Final = 128
_WHY: Final = "needs a C++ compiler on the CPU, Triton on CUDA"


def compile_encoder(encoder: nn.Module, device: torch.device, pad_id: int, length: int, called: str) -> None:
    """Compile an encoder in its place, for several rows of up to `length` tokens and for one row.

    The code does not depend on the batches then. Raises ModelError where the compiler fails.
    """
    whole = encoder.encoder if isinstance(encoder, AtLayer) else encoder
    whole.compile(dynamic=True, backend=BACKEND)
    config: Any = encoder.config
    token = (pad_id + 1) % max(2, int(getattr(config, "vocab_size", 0) or 0))
    try:
        for rows in (_TRIED, 1):
            with torch.inference_mode():  # tensors that are made in it, as in `start`, are another kind
                ids = torch.full((rows, min(length, _LONGEST)), token, device=device)
                encoder(**encoder_inputs(encoder, ids, torch.ones_like(ids), plain([()] * rows)))
    except Exception as error:
        if out_of_memory(error):
            raise
        what = f"{called} cannot be compiled ({first_line(error)}): torch.compile {_WHY}"
        raise ModelError(f"{what}. Leave --compile out.") from error


_KEPT: Final = 2
_POSITIONS: Final = ("max_position_embeddings", "pad_token_id", "model_type")


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


def notes_of(located: Located) -> tuple[str, ...]:
    """Sentences on which model was chosen, how it was trained, and which labels it does not distinguish."""
    left = others(located.native.classes, located.labels) if located.native and kind_of(located.family).words else ()
    tags = f"{located.task}: the tags {', '.join(left)} of {located.origin.typed} count as O." if left else ""
    trained = "" if located.native else changed_texts(located.run, located.heads)
    unknown = "" if located.native else unverified(located.run)
    task, most = registry.load("task", located.task), positions(located.config)
    spared = unsupported.note(located.labels, task)
    what = f"inputs of {longest(task)} tokens are cut to the {most} that {located.origin.typed} reads"
    cut = "" if fitted(task, located.config) is task else f"{located.task}: {what}."
    return tuple(filter(None, (located.origin.note, located.renamed, tags, spared, cut, trained, unknown)))


def load(
    located: Located,
    task: TaskSpec,
    device: str,
    precision: str,
    shared: Checkpoint | None = None,
    representation: str = "",
    compiling: bool = False,
) -> Checkpoint:
    """Load a located model, or only its head where the encoder of `shared` is the same.

    Raises ModelError where weights, tokenizer and configuration do not fit each other, or `compiling` fails.
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
    encoder = encoder.to(target_device, dtype).eval()
    if compiling:
        length = longest(fitted(task, located.config))
        compile_encoder(encoder, target_device, int(tokenizer.pad_token_id), length, located.shown)
    return Checkpoint(
        encoder=encoder,
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

    def __init__(self, device: str, precision: str, representation: str = "", compiling: bool = False) -> None:
        self._device, self._precision = device, precision
        self._representation, self._compiling = representation, compiling
        self._loaded: dict[Path, dict[str, Checkpoint]] = {}

    def load(self, located: Located, task: TaskSpec) -> Checkpoint:
        """The checkpoint of a task; tasks of one run share its encoder."""
        tasks = self._loaded.setdefault(located.run, {})
        if task.name not in tasks:
            shared = next(iter(tasks.values()), None)
            how = (self._device, self._precision, shared, self._representation, self._compiling)
            tasks[task.name] = load(located, task, *how)
        for run in list(self._loaded)[:-_KEPT]:
            self._loaded.pop(run, None)
        return tasks[task.name]
