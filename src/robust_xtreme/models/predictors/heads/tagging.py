"""Tagging: one tag per word, read off the word's first token; long sentences are read in windows.

In causal encoders a word is read off its last token.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.core.errors import Mismatch, ModelError
from robust_xtreme.core.examples import Example, Tags
from robust_xtreme.models.predictors.family import DROPOUT, Examples, Family
from robust_xtreme.models.reading.members import tagging as reading
from robust_xtreme.models.reading.scores import Labels
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.tensors import on

_FEW: Final = 100


def _forward(head: nn.Module, hidden: Tensor, mask: Tensor, windows: Windows) -> Tensor:
    """Scores (B, most words, labels) of the words of each window, padded at the end."""
    layout = reading.words_of(windows)
    positions = np.zeros(layout.inside.shape, dtype=np.int64)
    positions[layout.inside] = layout.firsts
    rows = torch.arange(len(windows), device=hidden.device)[:, None]
    scores: Tensor = head(hidden[rows, on(hidden.device, positions)])
    return scores


def _loss(head: nn.Module, scores: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    """The mean over words."""
    layout = reading.words_of(windows)
    inside = on(scores.device, layout.inside)
    words = zip(windows.example.tolist(), layout.begin.tolist(), np.diff(layout.bounds).tolist(), strict=True)
    gold = [tag for number, begin, count in words for tag in _gold(examples[number], begin, count, labels)]
    if not gold:
        return scores.sum() * 0.0
    return nn.functional.cross_entropy(scores[inside].float(), torch.tensor(gold, device=scores.device))


def _gold(example: Example, begin: int, count: int, labels: Labels) -> list[int]:
    match example.target:
        case Tags(names):
            indices = _indices(labels)
            return [_index(name, example, indices) for name in names[begin : begin + count]]
        case other:
            raise ModelError(f"{example.id}: a tagger cannot learn from {type(other).__name__}.")


@lru_cache(maxsize=8)
def _indices(labels: Labels) -> dict[str, int]:
    """The index of each label; there may be more than a thousand."""
    return {label: index for index, label in enumerate(labels)}


def _index(name: str, example: Example, indices: Mapping[str, int]) -> int:
    if name not in indices:
        known = ", ".join(indices) if len(indices) <= _FEW else f"the {len(indices):,} labels of the head"
        raise Mismatch(f"{example.id} has the tag {name!r}, which is none of {known}.")
    return indices[name]


tagging = Family(
    name="tagging",
    summary="One tag per word, read off the word's first token.",
    reading=reading.tagging,
    head=lambda hidden_size, labels: nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(hidden_size, len(labels))),
    forward=_forward,
    score_loss=_loss,
)
