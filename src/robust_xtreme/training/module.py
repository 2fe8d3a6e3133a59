"""What Lightning trains, an encoder with heads, the rows of its embeddings, and the batches of a plan."""

import ctypes
import gc
import math
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from mmap import PAGESIZE
from typing import Any, Final

import numpy as np
import torch
from lightning.pytorch import LightningDataModule, LightningModule
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from robust_xtreme.models.config import CANINE
from robust_xtreme.models.mini import MODEL_TYPE
from robust_xtreme.models.reading.windows import joined
from robust_xtreme.models.tensors import Scores, collate, encoder_inputs
from robust_xtreme.training.objective import NAME, BatchRows, HeadUnits, Taken, TrainingBatch
from robust_xtreme.training.sampling import SamplingPlan
from robust_xtreme.training.spec import StageSpec, TrainSpec


@dataclass(frozen=True, slots=True)
class Schedule:
    """The learning rate over `steps`: a linear rise over `warmup` steps, then by `shape`.

    `linear` falls linearly to 0, `cosine` along half a wave, `constant` stays. `fused` selects fused AdamW.
    """

    lr: float
    steps: int
    warmup: int
    weight_decay: float
    shape: str = "linear"
    fused: bool = False

    def decay(self, weights: Tensor, steps: int, cuda: bool) -> None:
        """Change float32 weights as so many steps of AdamW, on a CPU or CUDA, change those with gradients of zero."""
        for rate in map(self.at, range(steps)) if self.weight_decay else ():
            if self.fused and cuda:  # its kernel has float32 alone, and multiplies and subtracts at once
                weights.add_(weights, alpha=-float(np.float32(rate) * np.float32(self.weight_decay)))
            else:
                weights.mul_(1 - rate * self.weight_decay)

    def at(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        left = (self.steps - step) / max(1, self.steps - self.warmup)
        if self.shape == "cosine":
            return self.lr * (1 - math.cos(math.pi * left)) / 2
        return self.lr if self.shape == "constant" else self.lr * left


class TrainingModule(LightningModule):
    """Encoder and heads; one pass through the encoder serves all parts of a batch, each by its own head.

    `pieces` are those of the last pass: the number of a part, its loss, its weight. `rows` are those of the word
    embeddings that the encoder has, None for all.
    """

    def __init__(
        self, encoder: nn.Module, parts: Sequence[HeadUnits], schedule: Schedule, rows: Tensor | None = None
    ) -> None:
        LightningModule.__init__(self)
        self.encoder = encoder
        self.heads = nn.ModuleList(part.head for part in parts)
        self.parts = tuple(parts)
        self.schedule = schedule
        self.rows = rows
        self.optimizer_state: dict[str, Any] | None = None
        self.pieces: list[tuple[int, Tensor, float]] = []

    def training_step(self, batch: TrainingBatch, batch_idx: int) -> Tensor:
        """The loss of one batch: the weighted sum of its pieces'."""
        inputs = encoder_inputs(self.encoder, batch.ids, batch.mask, batch.windows)
        hidden = self.encoder(**inputs).last_hidden_state
        self.pieces, losses = [], []
        for piece in batch.pieces:
            rows = slice(piece.start, piece.stop)
            loss = self.parts[piece.part].loss(self.heads[piece.part], hidden[rows], batch.mask[rows], piece.taken)
            self.pieces.append((piece.part, loss.detach(), piece.weight))
            losses.append(loss * piece.weight)
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save which rows of the word embeddings the weights have."""
        checkpoint["rows"] = self.rows

    def configure_gradient_clipping(
        self, optimizer: torch.optim.Optimizer, gradient_clip_val: float | None = None, *_: Any, **__: Any
    ) -> None:
        """Clip at a norm, that of embeddings over rows with gradients: the others do not change a bit of it."""
        if not gradient_clip_val:
            return
        learned = [each for group in optimizer.param_groups for each in group["params"] if each.grad is not None]
        embeddings = {each.weight for each in self.encoder.modules() if isinstance(each, nn.Embedding)}
        norms = [_of_rows(each.grad) if each in embeddings else each.grad for each in learned]
        nn.utils.clip_grads_with_norm_(learned, gradient_clip_val, nn.utils.get_total_norm(norms))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; biases and norms do not decay. A resumed run continues with its moments."""
        learned = [parameter for parameter in self.parameters() if parameter.requires_grad]
        decayed = [parameter for parameter in learned if parameter.ndim > 1]
        others = [parameter for parameter in learned if parameter.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.schedule.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.schedule.lr, eps=1e-8, fused=self.schedule.fused or None)
        if self.optimizer_state is not None:
            optimizer.load_state_dict(self.optimizer_state)
        return optimizer


def _of_rows(gradient: Tensor) -> Tensor:
    """The norms of the rows of a gradient that are not zero."""
    norms: Tensor = torch.linalg.vector_norm(gradient, dim=1)
    return norms[norms != 0]


@dataclass(frozen=True, slots=True)
class DeviceShare:
    """The share of each step's units that this process takes, in `accumulate` passes: `device` of `devices`."""

    device: int = 0
    devices: int = 1
    accumulate: int = 1


@dataclass(slots=True, eq=False)  # its share is known when there are processes
class Loader:
    """The batches of a plan from step `start` on: `share.accumulate` batches a step."""

    parts: Sequence[HeadUnits]
    plan: SamplingPlan
    pad_id: int
    start: int
    share: DeviceShare = DeviceShare()

    def __len__(self) -> int:
        return (self.plan.steps - self.start) * self.share.accumulate

    def __iter__(self) -> Iterator[TrainingBatch]:
        return (batch for step in range(self.start, self.plan.steps) for batch in self.batches(step))

    def batches(self, step: int) -> Iterator[TrainingBatch]:
        """This process's batches of a step; masking depends on seed and step only."""
        units: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for unit, turn in self.plan.placed(step):
            part = self.plan.part_of(unit)
            units[part].append((unit - self.plan.starts[part], turn))
        taken = {
            part: self._masked(part, self.parts[part].take(unit_indices), step)
            for part, unit_indices in sorted(units.items())
        }
        first = self.share.device * self.share.accumulate
        for number in range(first, first + self.share.accumulate):
            yield self._share(taken, number)

    def _masked(self, part: int, taken: Taken, step: int) -> Taken:
        masking = self.parts[part].masking
        if masking is None:
            return taken
        ids, _ = collate(taken.windows, self.pad_id)
        hidden, targets = masking(ids.numpy(), np.random.default_rng((self.plan.seed, 2, step)))
        return replace(taken, hidden=hidden, targets=targets)

    def _share(self, taken: dict[int, Taken], number: int) -> TrainingBatch:
        """One share of a step's units, each part's loss weighted so that the shares add up to the step's."""
        count = self.share.devices * self.share.accumulate
        if count == 1 and len(taken) == 1:
            return _batch([(part, part_units, 1.0) for part, part_units in taken.items()], self.pad_id)
        total = sum(len(part_units.sizes) for part_units in taken.values())
        pieces = []
        for part, whole in taken.items():
            share = whole.every(number, count)
            if share.sizes:
                terms = self.parts[part].terms
                weight = terms(share) / max(1, terms(whole)) * len(whole.sizes) / total * count
                pieces.append((part, share, weight))
        if not pieces:
            part, whole = next(iter(taken.items()))
            pieces.append((part, whole.every(0, len(whole.sizes)), 0.0))
        return _batch(pieces, self.pad_id)


def _batch(pieces: Sequence[tuple[int, Taken, float]], pad_id: int) -> TrainingBatch:
    windows, batches, start = joined([taken.windows for _, taken, _ in pieces]), [], 0
    for part, taken, weight in pieces:
        batches.append(BatchRows(part, start, start + len(taken.windows), taken, weight))
        start += len(taken.windows)
    ids, mask = collate(windows, pad_id)
    for piece in batches:
        if piece.taken.hidden is not None:
            width = min(ids.shape[1], piece.taken.hidden.shape[1])
            ids[piece.start : piece.stop, :width] = torch.from_numpy(piece.taken.hidden[:, :width])
    return TrainingBatch(ids, mask, windows, tuple(batches))


class TrainingData(LightningDataModule):
    """A loader for Lightning, whose batches are moved to the device."""

    def __init__(self, loader: Loader) -> None:
        LightningDataModule.__init__(self)
        self.loader = loader

    def train_dataloader(self) -> Loader:
        """The loader for this process's share."""
        trainer = self.trainer
        if trainer is not None and trainer.world_size > 1:
            self.loader.share = replace(self.loader.share, device=trainer.global_rank, devices=trainer.world_size)
        return self.loader

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> TrainingBatch:
        """The batch on the device; its windows stay on the CPU."""
        moved: TrainingBatch = batch.to(device)
        return moved


# The rows of word embeddings that a stage reads: only they are trained, and the others decay as they would have.
#
# A row that no input has gets gradients of zero, so AdamW moves it by weight decay alone: after training its products
# are computed step by step, as the optimizer rounds them.

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

    def renumbered(_: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """From ids to rows, on the device of the ids."""
        nonlocal numbers
        numbers = numbers.to(given[0].device)
        return (numbers[given[0]], *given[1:])

    hooks = [layer.register_forward_pre_hook(renumbered) for layer in layers]
    return NarrowedEmbeddings(layers, ids, whole, padding, hooks)


def _call(name: str, *given: Any) -> None:
    """Call a function of the C library that returns memory, where Linux has it."""
    if sys.platform == "linux" and (function := getattr(ctypes.CDLL(None), name, None)):
        function(*given)
