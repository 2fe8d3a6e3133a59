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
from robust_xtreme.models.windows import Scores, Window, frame_of, summaries, token_ids
from robust_xtreme.predictors.family import Family, Labels
from robust_xtreme.predictors.heads._pairs import framed
from robust_xtreme.specs import CANDIDATE

QUERY: Final = "query"
SCALE: Final = 100.0
"""What cosines are multiplied by before the softmax when training begins, as in the official dual encoder."""


@final
@dataclass(frozen=True, slots=True)
class TextLayout:
    """A text of the field `name`: its tokens are from `first` on, `count` of them, between the special ones."""

    name: str
    first: int
    count: int


class DualHead(nn.Module):
    """From the token that represents a text (B, H) to a vector (B, H) of length 1; `log_scale` is learned beside it."""

    def __init__(self, hidden_size: int) -> None:
        nn.Module.__init__(self)
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.log_scale = nn.Parameter(torch.tensor(math.log(SCALE)))

    def forward(self, first: Tensor) -> Tensor:
        """Vectors (B, H), float32, of such tokens (B, H)."""
        return unit_length(torch.tanh(self.dense(first)))

    def scale(self) -> Tensor:
        """What cosines are multiplied by, float32."""
        return self.log_scale.float().exp()


def _head(hidden_size: int, labels: Labels) -> nn.Module:
    return DualHead(hidden_size)


def text_windows(texts: Iterable[tuple[int, str, str]], tokenizer: Any, max_length: int) -> list[Window]:
    """One window for each (example, field, text), which is cut to `max_length` tokens."""
    frame = frame_of(tokenizer)
    several = list(texts)
    ids = token_ids(tokenizer, (text for _, _, text in several))
    first, room = len(frame.single[0]), frame.room(1, max_length)
    return [
        framed(place, (ids[text],), frame, max_length, TextLayout(name, first, min(room, len(ids[text]))))
        for place, name, text in several
    ]


def _encode(
    examples: Sequence[Example], tokenizer: Any, max_length: int, stride: int, candidate_length: int = 0
) -> list[Window]:
    """A window for the query, and after it one for the candidate where the example has one, each with its length.

    `stride` has no use.
    """
    lengths = {QUERY: max_length, CANDIDATE: candidate_length or max_length}
    found: dict[tuple[int, str], Window] = {}
    for name, length in lengths.items():
        texts = [(place, name, one.texts[name].value) for place, one in enumerate(examples) if name in one.texts]
        windows = text_windows(texts, tokenizer, length)
        found.update(((place, name), window) for (place, _, _), window in zip(texts, windows, strict=True))
    for place, example in enumerate(examples):
        if (place, QUERY) not in found:
            raise ModelError(f"{example.id} has the fields {', '.join(example.texts)}, and none called {QUERY}.")
    return [found[place, name] for place in range(len(examples)) for name in lengths if (place, name) in found]


def _forward(head: nn.Module, hidden: Tensor, mask: Tensor, windows: Sequence[Window]) -> Tensor:
    """Vectors (B, D) of length 1."""
    vectors: Tensor = head(hidden, mask, windows) if isinstance(head, Pooled) else head(summaries(hidden, windows))
    return vectors


def _loss(
    head: nn.Module,
    hidden: Tensor,
    mask: Tensor,
    windows: Sequence[Window],
    examples: Sequence[Example],
    labels: Labels,
) -> Tensor:
    """The mean over queries of the cross-entropy of the scaled cosines with all candidates of the batch.

    A candidate of the same tokens as the query's own is neither right nor wrong: it is left out.
    """
    if not isinstance(head, DualHead):
        raise ModelError("A representation without a head has nothing to learn.")
    queries, candidates = _pairs(windows, examples)
    vectors = _forward(head, hidden, mask, windows)
    scores = head.scale() * (vectors[queries] @ vectors[candidates].T)
    copies = torch.from_numpy(_copies([windows[place].input_ids for place in candidates])).to(scores.device)
    scores = scores.masked_fill(copies, torch.finfo(scores.dtype).min)
    return nn.functional.cross_entropy(scores, torch.arange(len(queries), device=scores.device))


def _pairs(windows: Sequence[Window], examples: Sequence[Example]) -> tuple[list[int], list[int]]:
    """The places of the queries and of their candidates in a batch, in the order of the queries."""
    places = {(window.example, window.layout.name): place for place, window in enumerate(windows)}
    pairs = []
    for example in dict.fromkeys(window.example for window in windows):
        if CANDIDATE not in examples[example].texts:
            raise ModelError(f"{examples[example].id} has no {CANDIDATE}: retrieval is learned from queries with one.")
        if len(places.keys() & {(example, QUERY), (example, CANDIDATE)}) < len((QUERY, CANDIDATE)):
            raise ValueError(f"a batch contains only one text of {examples[example].id}")
        pairs.append((places[example, QUERY], places[example, CANDIDATE]))
    return [query for query, _ in pairs], [candidate for _, candidate in pairs]


def _copies(ids: Sequence[tuple[int, ...]]) -> Scores:
    """Which candidates (N, N) have the tokens of another, and are not that one itself."""
    number = {one: place for place, one in enumerate(dict.fromkeys(ids))}
    numbers = np.array([number[one] for one in ids])
    same: Scores = (numbers[:, None] == numbers[None, :]) & ~np.eye(len(ids), dtype=bool)
    return same


def _decode(example: Example, windows: Sequence[Window], scores: Sequence[Scores], labels: Labels) -> NoReturn:
    raise ModelError(
        f"{example.id}: a query's vector is not an answer by itself; the nearest candidates are searched for."
    )


retrieval = Family(
    name="retrieval",
    summary="The nearest candidates of a pool for each query, both read as vectors.",
    head=_head,
    encode=_encode,
    forward=_forward,
    loss=_loss,
    decode=_decode,
    together=True,
)
