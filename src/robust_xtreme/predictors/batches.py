"""From encoded inputs to decoded predictions: batches by length and token budget, one pass over all conditions.

The batches are a pure function of the inputs and the budget. Of an input, only the decoded prediction is kept after
its batch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

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
    checkpoint = load()
    pending: defaultdict[int, list[Any]] = defaultdict(list)
    predictions: list[Target | None] = [None] * len(inputs)
    for batch in batches:
        done = 0
        for index, window_scores in _scores(checkpoint, inputs, batch):
            pending[index].append(window_scores)
            if len(pending[index]) == len(inputs[index].windows):
                predictions[index] = _decode(checkpoint, inputs[index], pending.pop(index))
                done += 1
        advance(done)
    return predictions


def embed(checkpoint: Checkpoint, windows: Sequence[Window], batch_tokens: int) -> np.ndarray[Any, Any]:
    """The vector of each window's text (n, D), float32, in order. Raises torch.OutOfMemoryError."""
    inputs = [Input(_NO_EXAMPLE, (window,)) for window in windows]
    vectors: dict[int, Any] = {}
    for batch in plan_batches(inputs, batch_tokens):
        vectors.update(_scores(checkpoint, inputs, batch))
    return np.stack([vectors[index] for index in range(len(inputs))])


def _scores(checkpoint: Checkpoint, inputs: Sequence[Input], batch: Sequence[Slot]) -> Iterator[tuple[int, Any]]:
    """The scores (float32 arrays) of each window of a batch, with the index of its input."""
    scores = forward(checkpoint, [inputs[index].windows[part] for index, part in batch])
    return zip((index for index, _ in batch), scores, strict=True)


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
