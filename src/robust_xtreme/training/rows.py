"""The rows of word embeddings that a stage reads: only they are trained, and the others decay as they would have.

A row that no input has gets gradients of zero, so AdamW moves it by weight decay alone: after training its products are
computed step by step, as the optimizer rounds them.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from mmap import PAGESIZE
from typing import Any, Final, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from robust_xtreme.models.config import CANINE
from robust_xtreme.models.mini import MODEL_TYPE
from robust_xtreme.models.tensors import Scores
from robust_xtreme.training.objective import NAME, HeadUnits
from robust_xtreme.training.spec import StageSpec, TrainSpec

_CHUNK: Final = 2**18
"""The weights that decay at once: they stay in a cache of the processor."""

_MADV_PAGEOUT: Final = 21
"""Linux takes pages that are not read for long, as a rule of the weights' file; it never changes what is read."""


def why_all(encoder: Any, stage: StageSpec, spec: TrainSpec) -> str:
    """Why a stage has all rows of the word embeddings; empty where it trains those of its data."""
    if spec.lora:
        return "LoRA trains none"
    if stage.control == NAME or stage.masked_lm or not (stage.tasks or stage.pairs):
        return "masked LM scores all"
    if stage.perturb:
        return "noise can read any"
    if spec.precision == "fp16":
        return "fp16 can skip steps"
    return "" if _layers(encoder) else f"{type(encoder).__name__} uses all"


def rows_of(
    encoder: Any, stage: StageSpec, spec: TrainSpec, parts: Sequence[HeadUnits], others: Sequence[Scores]
) -> Tensor | None:
    """The rows (R,) that a stage reads, sorted: those of its parts, `others` and padding; None for all."""
    known = [part.ids for part in parts if part.ids is not None]
    if len(known) < len(parts) or why_all(encoder, stage, spec):
        return None
    padding = {encoder.config.pad_token_id, *(layer.padding_idx for layer in _layers(encoder))} - {None}
    ids = np.unique(np.concatenate([*known, *others, np.array([*padding], np.int64)]))
    return torch.from_numpy(ids[(ids >= 0) & (ids < len(_layers(encoder)[0].weight))])


def saving(encoder: Any, stage: StageSpec, spec: TrainSpec, ids: Sequence[Scores]) -> str:
    """What a plan says of a stage's rows, of which some ids were counted; gradients and two moments are saved."""
    if why := why_all(encoder, stage, spec):
        return f"all: {why}"
    rows, (count, size) = len(np.unique(np.concatenate(ids))), _layers(encoder)[0].weight.shape
    return f">= {rows:,} of {count:,}: saves up to {3 * 4 * (count - rows) * size / 10**6:,.0f} MB"


def _layers(encoder: Any) -> list[nn.Embedding]:
    """The layers of the word embeddings; none where they are not trained or not only looked up, as in mini."""
    if encoder.config.model_type in (CANINE, MODEL_TYPE):
        return []
    weight = encoder.get_input_embeddings().weight
    holders = [part for part in encoder.modules() if any(each is weight for each in part.parameters(recurse=False))]
    layers = [part for part in holders if isinstance(part, nn.Embedding)]
    return layers if weight.requires_grad and len(layers) == len(holders) else []


@final
@dataclass(frozen=True, slots=True)
class NarrowedEmbeddings:
    """Word embeddings of which the encoder has the rows `ids` (R,), and the `whole` (V, E) from before training."""

    layers: Sequence[nn.Embedding]
    ids: Tensor
    whole: Tensor
    padding: Sequence[int | None]
    hooks: Sequence[RemovableHandle]

    def put_back(self, decay: Callable[[Tensor], None]) -> None:
        """Give the encoder all rows again; `decay` changes those that it did not have, some at a time."""
        gc.collect()  # the trainer, and in it the optimizer's moments, is in a cycle of references
        _call("malloc_trim", 0)
        device = "cuda" if torch.cuda.is_initialized() else "cpu"  # type: ignore[no-untyped-call]  # torch has no types there
        for part in torch.split(self.whole, max(1, _CHUNK // self.whole.shape[1])):
            there = part.to(device)
            decay(there)
            part.copy_(there)
        self.whole[self.ids] = self.layers[0].weight.data
        self.layers[0].weight.data = self.whole
        for layer, padding, hook in zip(self.layers, self.padding, self.hooks, strict=True):
            layer.padding_idx = padding
            hook.remove()


def narrow(encoder: Any, ids: Tensor) -> NarrowedEmbeddings:
    """Leave an encoder the rows `ids` (R,) of its word embeddings; it reads the same ids, and raises for others."""
    layers = _layers(encoder)
    whole, padding = layers[0].weight.data, [layer.padding_idx for layer in layers]
    numbers = torch.full((len(whole),), len(ids))
    numbers[ids] = torch.arange(len(ids))
    layers[0].weight.data = whole[ids]  # the parameter stays, also where layers share it
    for layer in layers:
        layer.padding_idx = None if layer.padding_idx is None else int(numbers[layer.padding_idx])
    first = whole.data_ptr() // PAGESIZE * PAGESIZE
    _call("madvise", ctypes.c_void_p(first), ctypes.c_size_t(whole.nbytes), _MADV_PAGEOUT)
    _call("malloc_trim", 0)
    hook = _Renumbered(numbers)
    return NarrowedEmbeddings(layers, ids, whole, padding, [layer.register_forward_pre_hook(hook) for layer in layers])


def _call(name: str, *given: Any) -> None:
    """Call a function of the C library that returns memory, where Linux has it."""
    if sys.platform == "linux" and (function := getattr(ctypes.CDLL(None), name, None)):
        function(*given)


@final
class _Renumbered:
    """From ids to rows of the narrowed embeddings, on the device of the ids."""

    def __init__(self, numbers: Tensor) -> None:
        self.numbers = numbers

    def __call__(self, _: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        self.numbers = self.numbers.to(given[0].device)
        return (self.numbers[given[0]], *given[1:])
