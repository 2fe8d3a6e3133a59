"""What a stage learns: a task, or masked words. Both are a head, windows, and a loss over a batch of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any, Final, final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.examples import Example
from robust_xtreme.families._batch import frame_of, token_ids
from robust_xtreme.families._family import Family, Labels, Scores, Window

MASKED_SHARE: Final = 0.15
_AS_MASK: Final = 0.8
_AS_OTHER: Final = 0.9
_TEXT_LENGTH: Final = 128
_IGNORED: Final = -100

Masking = Callable[[Scores, np.random.Generator], tuple[Scores, Scores]]


@final
@dataclass(frozen=True, slots=True)
class Batch:
    """One step's input: ids (B, L), mask (B, L), the windows, and for masked words their ids (B, L), -100 elsewhere.

    `part` is the number of its task among those that are learned together.
    """

    ids: Tensor
    mask: Tensor
    windows: tuple[Window, ...]
    targets: Tensor | None = None
    part: int = 0

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        targets = None if self.targets is None else self.targets.to(device)
        return Batch(self.ids.to(device), self.mask.to(device), self.windows, targets, self.part)


@final
@dataclass(frozen=True, slots=True)
class Objective:
    """A head, what to learn from, and `loss(head, hidden (B, L, H), batch)`; `masking` hides words.

    `units` are what a batch is made of: a window each or, where a loss needs them together, all windows of an example.
    """

    head: nn.Module
    units: tuple[tuple[Window, ...], ...]
    loss: Callable[[nn.Module, Tensor, Batch], Tensor]
    masking: Masking | None = None

    @property
    def windows(self) -> tuple[Window, ...]:
        """All windows, unit by unit."""
        return tuple(chain.from_iterable(self.units))

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each unit's longest window."""
        return tuple(max(len(window.input_ids) for window in unit) for unit in self.units)


def target_objective(
    family: Family, head: nn.Module, windows: Sequence[Window], examples: Sequence[Example], labels: Labels
) -> Objective:
    """Learn a task from the windows of its examples."""

    def loss(head: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
        return family.loss(head, hidden, batch.mask, batch.windows, examples, labels)

    units = _examples(windows) if family.together else _each(windows)
    return Objective(head, units, loss)


def _each(windows: Iterable[Window]) -> tuple[tuple[Window, ...], ...]:
    return tuple((window,) for window in windows)


def _examples(windows: Iterable[Window]) -> tuple[tuple[Window, ...], ...]:
    return tuple(tuple(own) for _, own in groupby(windows, key=lambda window: window.example))


def joint_objective(objectives: Sequence[Objective]) -> Objective:
    """Learn several tasks over one encoder: a batch is of one of them, and its loss goes to that one's head alone."""
    if len(objectives) == 1:
        return objectives[0]
    heads = nn.ModuleList(one.head for one in objectives)

    def loss(_: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
        return objectives[batch.part].loss(heads[batch.part], hidden, batch)

    return Objective(heads, tuple(unit for one in objectives for unit in one.units), loss)


def masked_objective(embedding: nn.Embedding, tokenizer: Any, lines: Sequence[str]) -> Objective:
    """Guess masked tokens of plain text, BERT's way; the guess is scored against the encoder's own embeddings."""
    units = _each(_text_windows(tokenizer, lines))
    return Objective(MaskedHead(embedding), units, _masked_loss, _masking(tokenizer))


def _text_windows(tokenizer: Any, lines: Sequence[str]) -> tuple[Window, ...]:
    """Lines as windows of at most _TEXT_LENGTH tokens; a longer line is several."""
    frame = frame_of(tokenizer)
    room = frame.room(1, _TEXT_LENGTH)
    windows = []
    for place, ids in enumerate(token_ids(tokenizer, lines).values()):
        windows += [
            Window(place, frame.around(ids[start : start + room]), None, False) for start in range(0, len(ids), room)
        ]
    return tuple(windows)


class MaskedHead(nn.Module):
    """From hidden states (N, H) to scores over the vocabulary (N, V), through the encoder's own embeddings."""

    def __init__(self, embedding: nn.Embedding) -> None:
        nn.Module.__init__(self)
        size = embedding.embedding_dim
        self.change = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.LayerNorm(size))
        self.bias = nn.Parameter(torch.zeros(embedding.num_embeddings))
        self.weight = embedding.weight

    def forward(self, hidden: Tensor) -> Tensor:
        """Scores (N, V)."""
        return nn.functional.linear(self.change(hidden), self.weight, self.bias)


def _masked_loss(head: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
    """The mean over masked tokens; only these are scored."""
    if batch.targets is None:
        raise ValueError("a batch of masked words has targets")
    chosen = batch.targets != _IGNORED
    scores: Tensor = head(hidden[chosen])
    return nn.functional.cross_entropy(scores.float(), batch.targets[chosen], reduction="sum") / chosen.sum().clamp(
        min=1
    )


def _masking(tokenizer: Any) -> Masking:
    special = np.array(sorted(tokenizer.all_special_ids))
    mask_id = int(tokenizer.mask_token_id)
    size = len(tokenizer)

    def hide(ids: Scores, generator: np.random.Generator) -> tuple[Scores, Scores]:
        """Of 15 % of the tokens hide 8 in 10, replace 1, keep 1; the right ones, and -100 for all others."""
        chosen = (generator.random(ids.shape) < MASKED_SHARE) & ~np.isin(ids, special)
        how = generator.random(ids.shape)
        other = generator.integers(0, size, ids.shape)
        hidden = np.where(chosen & (how < _AS_MASK), mask_id, ids)
        hidden = np.where(chosen & (how >= _AS_MASK) & (how < _AS_OTHER), other, hidden)
        return hidden, np.where(chosen, ids, _IGNORED)

    return hide
