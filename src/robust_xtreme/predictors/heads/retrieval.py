"""Retrieval: queries and candidates as vectors of length 1, the right candidate near its query.

A task without a head is answered by a representation of the encoder (`Pooled`); others learn a dual encoder
(`DualHead`), whose form and loss are those of third_party/bert.py in google-research/xtreme. The search for the
nearest candidates is not a part of the family.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, final

import numpy as np
import torch
from torch import Tensor, nn

from robust_xtreme.errors import ModelError
from robust_xtreme.examples import Example
from robust_xtreme.models.representation import Pooled, unit_length
from robust_xtreme.models.windows import Scores, Window, frame_of, framed, summaries, token_ids
from robust_xtreme.predictors.family import Examples, Family, Labels, Windows
from robust_xtreme.specs import CANDIDATE

QUERY: Final = "query"
SCALE: Final = 100.0
"""The initial factor of cosines before the softmax, as in the official dual encoder."""


@final
@dataclass(frozen=True, slots=True)
class TextLayout:
    """A text of the field `name`: `count` tokens from `first`, between the special tokens."""

    name: str
    first: int
    count: int


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


def text_windows(texts: Iterable[tuple[int, str, str]], tokenizer: Any, max_length: int) -> list[Window]:
    """One window for each (example, field, text), which is cut to `max_length` tokens."""
    frame = frame_of(tokenizer)
    several = list(texts)
    ids = token_ids(tokenizer, (text for _, _, text in several))
    first, room = len(frame.single[0]), frame.room(1, max_length)
    return [
        framed(index, (ids[text],), frame, max_length, TextLayout(name, first, min(room, len(ids[text]))))
        for index, name, text in several
    ]


def _encode(
    examples: Examples, tokenizer: Any, max_length: int, stride: int, candidate_length: int = 0
) -> list[Window]:
    """A window for the query, and after it one for the candidate where the example has one, each with its length.

    `stride` is not used.
    """
    lengths = {QUERY: max_length, CANDIDATE: candidate_length or max_length}
    by_field: dict[tuple[int, str], Window] = {}
    for name, length in lengths.items():
        texts = [
            (index, name, example.texts[name].value) for index, example in enumerate(examples) if name in example.texts
        ]
        windows = text_windows(texts, tokenizer, length)
        by_field.update(((index, name), window) for (index, _, _), window in zip(texts, windows, strict=True))
    for index, example in enumerate(examples):
        if (index, QUERY) not in by_field:
            raise ModelError(f"{example.id} has the fields {', '.join(example.texts)}, but not {QUERY}.")
    return [by_field[index, name] for index in range(len(examples)) for name in lengths if (index, name) in by_field]


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
    copies = torch.from_numpy(_copies([windows[row].input_ids for row in candidates])).to(scores.device)
    scores = scores.masked_fill(copies, torch.finfo(scores.dtype).min)
    return nn.functional.cross_entropy(scores, torch.arange(len(queries), device=scores.device))


def _pairs(windows: Windows, examples: Examples) -> tuple[list[int], list[int]]:
    """The rows of the queries and of their candidates in a batch, in the order of the queries."""
    rows = {(window.example, window.layout.name): row for row, window in enumerate(windows)}
    pairs = []
    for example in dict.fromkeys(window.example for window in windows):
        if CANDIDATE not in examples[example].texts:
            raise ModelError(f"{examples[example].id} has no {CANDIDATE}: retrieval is learned from queries with one.")
        if len(rows.keys() & {(example, QUERY), (example, CANDIDATE)}) < len((QUERY, CANDIDATE)):
            raise ValueError(f"a batch contains only one text of {examples[example].id}")
        pairs.append((rows[example, QUERY], rows[example, CANDIDATE]))
    return [query for query, _ in pairs], [candidate for _, candidate in pairs]


def _copies(ids: Sequence[tuple[int, ...]]) -> Scores:
    """Which pairs of different candidates (N, N) have the same tokens."""
    number = {tokens: index for index, tokens in enumerate(dict.fromkeys(ids))}
    numbers = np.array([number[tokens] for tokens in ids])
    same: Scores = (numbers[:, None] == numbers[None, :]) & ~np.eye(len(ids), dtype=bool)
    return same


def _decode(example: Example, windows: Windows, scores: Sequence[Scores], labels: Labels) -> NoReturn:
    raise ModelError(
        f"{example.id}: a query's vector is not an answer by itself; the nearest candidates are searched for."
    )


retrieval = Family(
    name="retrieval",
    summary="The nearest candidates of a pool for each query, both read as vectors.",
    head=lambda hidden_size, _: DualHead(hidden_size),
    encode=_encode,
    forward=_forward,
    score_loss=_loss,
    decode=_decode,
    together=True,
)
