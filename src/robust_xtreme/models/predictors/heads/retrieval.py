"""Retrieval: queries and candidates as vectors of length 1, the right candidate near its query.

A task without a head is answered by a representation of the encoder (`Pooled`); others learn a dual encoder
(`DualHead`), whose form and loss are those of third_party/bert.py in google-research/xtreme. The search for the
nearest candidates is not a part of the family.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.core.errors import ModelError
from robust_xtreme.core.specs import CANDIDATE
from robust_xtreme.models.predictors.family import Examples, Family
from robust_xtreme.models.reading.members import retrieval as reading
from robust_xtreme.models.reading.members.retrieval import QUERY
from robust_xtreme.models.reading.scores import Labels
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.tensors import Pooled, Scores, summaries, unit_length

SCALE: Final = 100.0
"""The initial factor of cosines before the softmax, as in the official dual encoder."""


class DualHead(nn.Module):
    """From the token that represents a text (B, H) to a vector (B, H) of length 1; `log_scale` is learned too."""

    def __init__(self, hidden_size: int) -> None:
        nn.Module.__init__(self)
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.log_scale = nn.Parameter(torch.tensor(math.log(SCALE)))

    def forward(self, first: Tensor) -> Tensor:
        """Vectors (B, H), float32, of the tokens (B, H)."""
        return unit_length(torch.tanh(self.dense(first)))

    def scale(self) -> Tensor:
        """The factor of cosines, float32."""
        return self.log_scale.float().exp()


def _forward(head: nn.Module, hidden: Tensor, mask: Tensor, windows: Windows) -> Tensor:
    """Vectors (B, D) of length 1."""
    vectors: Tensor = head(hidden, mask, windows) if isinstance(head, Pooled) else head(summaries(hidden, windows))
    return vectors


def _loss(head: nn.Module, vectors: Tensor, windows: Windows, examples: Examples, labels: Labels) -> Tensor:
    """The mean over queries of the cross-entropy of the scaled cosines with all candidates of the batch.

    A candidate with the tokens of the query's right candidate is left out.
    """
    if not isinstance(head, DualHead):
        raise ModelError("A representation without a head has nothing to learn.")
    queries, candidates = _pairs(windows, examples)
    scores = head.scale() * (vectors[queries] @ vectors[candidates].T)
    copies = torch.from_numpy(_copies(windows.take(candidates))).to(scores.device)
    scores = scores.masked_fill(copies, torch.finfo(scores.dtype).min)
    return nn.functional.cross_entropy(scores, torch.arange(len(queries), device=scores.device))


def _pairs(windows: Windows, examples: Examples) -> tuple[list[int], list[int]]:
    """The rows of the queries and of their candidates in a batch, in the order of the queries."""
    texts = reading.texts_of(windows)
    named = zip(windows.example.tolist(), texts.field.tolist(), strict=True)
    rows = {(example, texts.names[field]): row for row, (example, field) in enumerate(named)}
    pairs = []
    for example in dict.fromkeys(windows.example.tolist()):
        if CANDIDATE not in examples[example].texts:
            raise ModelError(f"{examples[example].id} has no {CANDIDATE}: retrieval is learned from queries with one.")
        if len(rows.keys() & {(example, QUERY), (example, CANDIDATE)}) < len((QUERY, CANDIDATE)):
            raise ValueError(f"a batch contains only one text of {examples[example].id}")
        pairs.append((rows[example, QUERY], rows[example, CANDIDATE]))
    return [query for query, _ in pairs], [candidate for _, candidate in pairs]


def _copies(candidates: Windows) -> Scores:
    """Which pairs of different candidates (N, N) have the same tokens."""
    ids = [window.input_ids for window in candidates]
    number = {tokens: index for index, tokens in enumerate(dict.fromkeys(ids))}
    numbers = np.array([number[tokens] for tokens in ids])
    same: Scores = (numbers[:, None] == numbers[None, :]) & ~np.eye(len(ids), dtype=bool)
    return same


retrieval = Family(
    name="retrieval",
    summary="The nearest candidates of a pool for each query, both read as vectors.",
    reading=reading.retrieval,
    head=lambda hidden_size, _: DualHead(hidden_size),
    forward=_forward,
    score_loss=_loss,
    together=True,
)
