"""From encoded inputs to decoded predictions: batches by length and token budget, one pass over all conditions.

The batches are a pure function of the inputs and the budget. Of an input, only the decoded prediction is kept after
its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np
import torch

from robust_xtreme.errors import NotFinite
from robust_xtreme.examples import Document, Example, Target
from robust_xtreme.models.checkpoint import Checkpoint
from robust_xtreme.models.windows import Window, collate, encoder_inputs
from robust_xtreme.predictors.predictor import Input, Load

BATCH_TOKENS: Final = {"cpu": 4096, "cuda": 32768}
"""Tokens of a batch, padding included, by default."""

_NO_EXAMPLE: Final = Example("", {}, Document(()), "")


Slot = tuple[int, int]
"""A window: (index of its input, index within the input)."""


def plan_batches(inputs: Sequence[Input], batch_tokens: int) -> list[list[Slot]]:
    """Batches of windows: longest inputs first, the windows of an input consecutively, padded size within the budget.

    A window longer than the budget is a batch by itself.
    """
    order = sorted(range(len(inputs)), key=lambda index: (inputs[index].group, -inputs[index].length, index))
    batches: list[list[Slot]] = []
    group, longest = -1, 0
    for index in order:
        for part, window in enumerate(inputs[index].windows):
            longest = max(longest, len(window.input_ids))
            if group != inputs[index].group or longest * (len(batches[-1]) + 1) > batch_tokens:
                batches.append([])
                group, longest = inputs[index].group, len(window.input_ids)
            batches[-1].append((index, part))
    return batches


@final
@dataclass(frozen=True, slots=True)
class _Pending:
    """The scores of the windows of an input that is not complete yet."""

    scores: dict[int, list[Any]] = field(default_factory=dict)

    def add(self, slot: Slot, score: Any, wanted: int) -> list[Any] | None:
        """Add a window's scores; return all scores of the input, in order, once they are complete."""
        index, _ = slot
        kept = self.scores.setdefault(index, [])
        kept.append(score)
        return self.scores.pop(index) if len(kept) == wanted else None


def predict(
    load: Load, inputs: Sequence[Input], batch_tokens: int, advance: Callable[[int], None] = lambda _: None
) -> list[Target | None]:
    """The decoded prediction of every input, in order; None where the scores are not finite.

    The model is loaded where there is an input. `advance` is called with the number of inputs that each batch
    completes. Raises torch.OutOfMemoryError.
    """
    batches = plan_batches(inputs, batch_tokens)
    if not batches:
        return []
    checkpoint, pending = load(), _Pending()
    predictions: list[Target | None] = [None] * len(inputs)
    for batch in batches:
        done = 0
        for slot, score in zip(batch, _scores(checkpoint, inputs, batch), strict=True):
            scores = pending.add(slot, score, len(inputs[slot[0]].windows))
            if scores is not None:
                predictions[slot[0]] = _decode(checkpoint, inputs[slot[0]], scores)
                done += 1
        advance(done)
    return predictions


def embed(
    checkpoint: Checkpoint,
    windows: Sequence[Window],
    batch_tokens: int,
    advance: Callable[[int], None] = lambda _: None,
) -> np.ndarray[Any, Any]:
    """The vector of each window's text (n, D), float32, in order. Raises torch.OutOfMemoryError."""
    inputs = [Input(_NO_EXAMPLE, (window,)) for window in windows]
    vectors: list[Any] = [None] * len(inputs)
    for batch in plan_batches(inputs, batch_tokens):
        for (index, _), vector in zip(batch, _scores(checkpoint, inputs, batch), strict=True):
            vectors[index] = vector
        advance(len(batch))
    return np.stack(vectors)


def _scores(checkpoint: Checkpoint, inputs: Sequence[Input], batch: Sequence[Slot]) -> Iterator[Any]:
    """The scores (float32 arrays) of each window of a batch."""
    windows = [inputs[index].windows[part] for index, part in batch]
    scores = forward(checkpoint, windows)
    return iter(np.asarray(scores))


def forward(checkpoint: Checkpoint, windows: Sequence[Window]) -> np.ndarray[Any, Any]:
    """One pass of encoder and head: the family's scores of each window, float32, on the CPU."""
    with torch.inference_mode():
        ids, mask = (tensor.to(checkpoint.device, non_blocking=True) for tensor in collate(windows, checkpoint.pad_id))
        hidden = checkpoint.encoder(**encoder_inputs(checkpoint.encoder, ids, mask, windows)).last_hidden_state
        scores = checkpoint.family.forward(checkpoint.head, hidden, mask, windows)
        result: np.ndarray[Any, Any] = scores.float().cpu().numpy()
    return result


def _decode(checkpoint: Checkpoint, input_: Input, scores: list[Any]) -> Target | None:
    try:
        decoded: Target = checkpoint.family.decode(input_.example, input_.windows, scores, checkpoint.labels)
    except NotFinite:
        return None
    return decoded
