"""From encoded inputs to decoded predictions: batches by length and token budget, one pass over all conditions.

The batches are a pure function of the inputs and the budget. Of a window's scores only what its prediction needs is
kept after its batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch

from robust_xtreme.models.checkpoint import Checkpoint
from robust_xtreme.models.tensors import collate, encoder_inputs
from robust_xtreme.predictors.predictor import Load
from robust_xtreme.reading.inputs import Inputs
from robust_xtreme.reading.scores import Decoded, joined
from robust_xtreme.reading.windows import Windows
from robust_xtreme.target_columns import Array, column_of, gathered

BATCH_TOKENS: Final = {"cpu": 4096, "cuda": 32768}
"""Tokens of a batch, padding included, by default."""


def plan_batches(lengths: Array, bounds: Array, group: Array, batch_tokens: int) -> list[Array]:
    """Batches of windows: longest inputs first, the windows of an input consecutively, padded size within the budget.

    `lengths` (w,) are the windows' tokens; those of input i are `bounds[i]:bounds[i + 1]`, and `group` (n,) are the
    inputs' groups, which share no batch. A batch is numbers of windows. A window longer than the budget is a batch by
    itself.
    """
    full = np.flatnonzero(np.diff(bounds) > 0)
    if not len(full):
        return []
    longest = np.maximum.reduceat(lengths, bounds[:-1][full])
    order = full[np.lexsort((-longest, group[full]))]
    windows, after = gathered(bounds, order)
    ordered = lengths[windows]
    ends = after[1:][np.append(np.diff(group[order]) != 0, True)].tolist()
    batches, start = list[Array](), 0
    for end in ends:
        while start < end:
            stop = start + _fitting(ordered[start:end], batch_tokens)
            batches.append(windows[start:stop])
            start = stop
    return batches


def _fitting(lengths: Array, batch_tokens: int) -> int:
    """How many windows, from the first on, fit into a batch; at least one."""
    most = max(1, batch_tokens // max(1, int(lengths[0])))
    padded = np.maximum.accumulate(lengths[:most]) * np.arange(1, min(most, len(lengths)) + 1)
    return max(1, int(np.searchsorted(padded, batch_tokens, "right")))


def predict(load: Load, inputs: Inputs, batch_tokens: int, advance: Callable[[int], None] = lambda _: None) -> Decoded:
    """The decoded prediction of every input, in order.

    The model is loaded where there is an input. `advance` is called with the number of inputs that each batch
    completes. Raises torch.OutOfMemoryError.
    """
    rows, bounds = inputs.rows()
    batches = plan_batches(inputs.windows.lengths[rows], bounds, inputs.group, batch_tokens)
    if not batches:
        return Decoded(column_of(()), np.ones(0, np.bool_))
    checkpoint = load()
    reading, labels, several = checkpoint.family.reading, checkpoint.labels, []
    last = np.zeros(len(rows), np.bool_)
    last[bounds[1:] - 1] = True
    for batch in batches:
        windows = inputs.windows.take(rows[batch])
        several.append(reading.reduce(windows, forward(checkpoint, windows), labels))
        advance(int(last[batch].sum()))
    reduced = joined(several).take(np.argsort(np.concatenate(batches)))
    decoded: Decoded = reading.decode(inputs.contents, inputs.content, bounds, reduced, labels)
    return decoded


def embed(checkpoint: Checkpoint, windows: Windows, batch_tokens: int) -> np.ndarray[Any, Any]:
    """The vector of each window's text (n, D), float32, in order. Raises torch.OutOfMemoryError."""
    alone = np.arange(len(windows) + 1)
    batches = plan_batches(windows.lengths, alone, np.zeros(len(windows), np.int64), batch_tokens)
    vectors = np.concatenate([forward(checkpoint, windows.take(batch)) for batch in batches])
    ordered: np.ndarray[Any, Any] = vectors[np.argsort(np.concatenate(batches))]
    return ordered


def forward(checkpoint: Checkpoint, windows: Windows) -> np.ndarray[Any, Any]:
    """One pass of encoder and head: the family's scores of each window, float32, on the CPU."""
    with torch.inference_mode():
        ids, mask = (tensor.to(checkpoint.device, non_blocking=True) for tensor in collate(windows, checkpoint.pad_id))
        hidden = checkpoint.encoder(**encoder_inputs(checkpoint.encoder, ids, mask, windows)).last_hidden_state
        scores = checkpoint.family.forward(checkpoint.head, hidden, mask, windows)
        result: np.ndarray[Any, Any] = scores.float().cpu().numpy()
    return result
