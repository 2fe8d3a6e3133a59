"""From encoded inputs to decoded predictions: batches by length and token budget, one pass over all conditions.

The batches are a pure function of the inputs and the budget. Of a window's scores only what its prediction needs is
kept after its batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import torch
from torch import Tensor

from robust_xtreme.models.checkpoint import Checkpoint
from robust_xtreme.models.tensors import collate, encoder_inputs, sent
from robust_xtreme.predictors.predictor import Load
from robust_xtreme.reading.inputs import Inputs
from robust_xtreme.reading.scores import Decoded, joined
from robust_xtreme.reading.windows import Windows
from robust_xtreme.target_columns import Array, column_of, gathered

BATCH_TOKENS: Final = {"cpu": 4096, "cuda": 32768}
"""Tokens of a batch, padding included, by default."""

_AT_ONCE: Final = 4
"""Batches whose scores are waited for together, while the device computes as many more."""


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
    for number, (windows, scores) in enumerate(_scored(checkpoint, inputs.windows, (rows[batch] for batch in batches))):
        several.append(reading.reduce(windows, scores, labels))
        advance(int(last[batches[number]].sum()))
    reduced = joined(several).take(np.argsort(np.concatenate(batches)))
    decoded: Decoded = reading.decode(inputs.contents, inputs.content, bounds, reduced, labels)
    return decoded


def embed(checkpoint: Checkpoint, windows: Windows, batch_tokens: int) -> np.ndarray[Any, Any]:
    """The vector of each window's text (n, D), float32, in order. Raises torch.OutOfMemoryError."""
    alone = np.arange(len(windows) + 1)
    batches = plan_batches(windows.lengths, alone, np.zeros(len(windows), np.int64), batch_tokens)
    vectors = np.concatenate([scores for _, scores in _scored(checkpoint, windows, batches)])
    ordered: np.ndarray[Any, Any] = vectors[np.argsort(np.concatenate(batches))]
    return ordered


def _scored(
    checkpoint: Checkpoint, windows: Windows, batches: Iterable[Array]
) -> Iterator[tuple[Windows, np.ndarray[Any, Any]]]:
    """The windows of each batch, which are rows of `windows`, and their scores.

    Batches are made and started while the device computes those before them.
    """
    waiting: deque[tuple[Windows, Started]] = deque()
    for batch in batches:
        part = windows.take(batch)
        waiting.append((part, start(checkpoint, part)))
        if len(waiting) == 2 * _AT_ONCE:
            yield from _finished(waiting, _AT_ONCE)
    yield from _finished(waiting, len(waiting))


def _finished(waiting: deque[tuple[Windows, Started]], count: int) -> Iterator[tuple[Windows, np.ndarray[Any, Any]]]:
    """Take the first batches, once the last of them is computed."""
    if count:
        waiting[count - 1][1].wait()
    for _ in range(count):
        part, started = waiting.popleft()
        yield part, started.scores.numpy()


@final
@dataclass(frozen=True, slots=True)
class Started:
    """A pass that is computed: its scores (B, ...), float32 on the CPU, are there after `wait`."""

    scores: Tensor
    end: Any = None

    def wait(self) -> None:
        """Wait until this pass, and those before it, are computed."""
        if self.end is not None:
            self.end.synchronize()


def start(checkpoint: Checkpoint, windows: Windows) -> Started:
    """Start one pass of encoder and head, which gives the family's scores of each window."""
    device = checkpoint.device
    with torch.inference_mode():
        ids, mask = (sent(device, tensor) for tensor in collate(windows, checkpoint.pad_id))
        hidden = checkpoint.encoder(**encoder_inputs(checkpoint.encoder, ids, mask, windows)).last_hidden_state
        scores = checkpoint.family.forward(checkpoint.head, hidden, mask, windows).float()
        if device.type != "cuda":
            return Started(scores.cpu())
        copied = torch.empty(scores.shape, dtype=scores.dtype, pin_memory=True).copy_(scores, non_blocking=True)
        event: Any = torch.cuda.Event
        end = event()
        end.record(torch.cuda.current_stream(device))
    return Started(copied, end)


def forward(checkpoint: Checkpoint, windows: Windows) -> np.ndarray[Any, Any]:
    """One pass of encoder and head: the family's scores of each window, float32, on the CPU."""
    started = start(checkpoint, windows)
    started.wait()
    result: np.ndarray[Any, Any] = started.scores.numpy()
    return result
