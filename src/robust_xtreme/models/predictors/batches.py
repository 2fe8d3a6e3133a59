"""From encoded inputs to decoded predictions: batches by length and token budget, one pass over all conditions.

The batches are a pure function of the inputs and the budget. Of a window's scores only what its prediction needs is
kept after its batch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import torch
from torch import Tensor

from robust_xtreme.core.columns import Array, column_of, gathered
from robust_xtreme.core.errors import ModelError
from robust_xtreme.models.loading import Checkpoint, bare
from robust_xtreme.models.predictors.predictor import Load, Weights
from robust_xtreme.models.reading.inputs import Inputs
from robust_xtreme.models.reading.reading import Reading
from robust_xtreme.models.reading.scores import Decoded, Labels, Reduced, joined
from robust_xtreme.models.reading.windows import Windows, in_batches, of_examples
from robust_xtreme.models.retrieval.search import search
from robust_xtreme.models.tensors import collate, encoder_inputs, sent
from robust_xtreme.stats.bitext import Neighbours

BATCH_TOKENS: Final = {"cpu": 4096, "cuda": 32768}
"""Tokens of a batch, padding included, by default."""


_SCORES: Final = 1 << 16
"""Scores that are reduced at once: calls are few, and arrays fit into a core's cache."""


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


def decoded(
    weights_of: Callable[[], Weights],
    reading: Reading,
    labels: Labels,
    inputs: Inputs,
    batch_tokens: int,
    advance: Callable[[int], None],
) -> Decoded:
    """The decoded prediction of every input, in order.

    The weights are asked for where there is an input. `advance` is called with the number of inputs that each batch
    completes.
    """

    def reduce(windows: Windows, scores: Array) -> tuple[Reduced]:
        return (reading.reduce(windows, scores, labels),)

    several = reduced(weights_of, reading, inputs, batch_tokens, advance, reduce, _SCORES if reading.joins else 0)
    if several is None:
        return Decoded(column_of(()), np.ones(0, np.bool_))
    bounds, (ordered,) = several
    targets: Decoded = reading.decode(inputs.contents, inputs.content, bounds, ordered, labels)
    return targets


def reduced(
    weights_of: Callable[[], Weights],
    reading: Reading,
    inputs: Inputs,
    batch_tokens: int,
    advance: Callable[[int], None],
    reduce: Callable[[Windows, Array], tuple[Reduced, ...]],
    at_once: int = 0,
) -> tuple[Array, tuple[Reduced, ...]] | None:
    """What `reduce` keeps of the scores of each batch, by windows in the order of the inputs, and the inputs' bounds.

    Batches are reduced together until they have `at_once` scores. None where there is no input; then the weights are
    not asked for.
    """
    rows, bounds = inputs.rows()
    batches = plan_batches(inputs.windows.lengths[rows], bounds, inputs.group, batch_tokens)
    if not batches:
        return None
    last = np.zeros(len(rows), np.bool_)
    last[bounds[1:] - 1] = True
    several = in_batches(inputs.windows, [rows[batch] for batch in batches])
    asked = several if reading.layouts else several.without_layouts()
    scores = weights_of().scores(asked, [int(last[batch].sum()) for batch in batches], advance)
    together = _together(scores, several.edges, at_once)
    kept = [reduce(several.windows.part(low, high), each) for low, high, each in together]
    order = np.argsort(np.concatenate(batches))
    return bounds, tuple(joined(parts).take(order) for parts in zip(*kept, strict=True))


def _together(scores: Iterable[Array], edges: Sequence[int], at_once: int) -> Iterator[tuple[int, int, Array]]:
    """The scores of consecutive batches, which begin and end at `edges`, together, and their first and last window."""
    start, waiting = 0, list[Array]()
    for stop, each in zip(edges[1:], scores, strict=True):
        waiting.append(each)
        if stop == edges[-1] or sum(part.size for part in waiting) >= at_once:
            yield start, stop, _padded(waiting)
            start, waiting = stop, []


def _padded(several: Sequence[Array]) -> Array:
    """The scores (B, ...) of several batches as those of one, with zeros after those of shorter windows."""
    if len({each.shape[1:] for each in several}) == 1:
        return several[0] if len(several) == 1 else np.concatenate(several)
    longest = max(each.shape[1] for each in several)
    whole = np.zeros((sum(map(len, several)), longest, *several[0].shape[2:]), several[0].dtype)
    start = 0
    for each in several:
        whole[start : start + len(each), : each.shape[1]] = each
        start += len(each)
    return whole


def embed(weights: Weights, windows: Windows, batch_tokens: int) -> np.ndarray[Any, Any]:
    """The vector of each window's text (n, D), float32, in order."""
    batches = _alone(windows, batch_tokens)
    vectors = np.concatenate(list(weights.scores(in_batches(windows, batches), [0] * len(batches), lambda _: None)))
    ordered: np.ndarray[Any, Any] = vectors[np.argsort(np.concatenate(batches))]
    return ordered


def mean_vectors(weights: Weights, windows: Windows, texts: int, batch_tokens: int) -> Array:
    """The vector of each text (texts, D), float64, of length 1: the mean state of the tokens of all its windows."""
    batches = _alone(windows, batch_tokens)
    means = np.concatenate(list(weights.means(in_batches(windows, batches)))).astype(np.float64)
    weighted = means[np.argsort(np.concatenate(batches))] * windows.lengths[:, None]
    sums = np.add.reduceat(weighted, of_examples(windows, texts)[:-1])
    sizes = np.linalg.norm(sums, axis=1, keepdims=True)
    vectors: Array = sums / np.where(sizes == 0, 1, sizes)
    return vectors


def _alone(windows: Windows, batch_tokens: int) -> list[Array]:
    """Batches of windows, each an input."""
    bounds = np.arange(len(windows) + 1)
    return plan_batches(windows.lengths, bounds, np.zeros(len(windows), np.int64), batch_tokens)


# The weights of a model that is loaded in this process.

_AT_ONCE: Final = 4
"""Batches whose scores are waited for together, while the device computes as many more."""

_THREADS: Final = torch.get_num_threads()
"""The threads that torch has before a small model leaves it a single one."""


@final
@dataclass(frozen=True, slots=True)
class Loaded:
    """The weights of a checkpoint."""

    checkpoint: Checkpoint

    @property
    def width(self) -> int:
        """The number of dimensions of a text's vector."""
        return self.checkpoint.hidden_size

    def scores(
        self, batches: Sequence[Windows], done: Sequence[int], advance: Callable[[int], None]
    ) -> Iterator[Array]:
        """The scores of the windows of each batch. Raises torch.OutOfMemoryError."""
        for scores, inputs in zip(_scored(self.checkpoint, batches), done, strict=True):
            yield scores
            advance(inputs)

    def means(self, batches: Sequence[Windows]) -> Iterator[Array]:
        """The mean state of the tokens of each window of each batch. Raises ModelError and torch.OutOfMemoryError."""
        return (_means(self.checkpoint, windows) for windows in batches)

    def nearest(self, queries: Array, candidates: Array, k: int) -> Neighbours:
        """The k nearest candidates of each query."""
        return search(queries.astype(np.float32), candidates, k, device=self.checkpoint.device.type)


def predict(load: Load, inputs: Inputs, batch_tokens: int, advance: Callable[[int], None] = lambda _: None) -> Decoded:
    """The decoded prediction of every input, in order, as `decoded` gives them. Raises torch.OutOfMemoryError."""
    checkpoint = load()
    family, labels = checkpoint.family, checkpoint.labels
    return decoded(lambda: Loaded(checkpoint), family.reading, labels, inputs, batch_tokens, advance)


def _scored(checkpoint: Checkpoint, batches: Iterable[Windows]) -> Iterator[Array]:
    """The scores of each batch. Batches are started while the device computes those before them."""
    if checkpoint.device.type == "cpu" and (threads := _THREADS // torch.get_num_threads()) > 1:
        yield from _side_by_side(checkpoint, batches, threads)
        return
    waiting: deque[Started] = deque()
    for windows in batches:
        waiting.append(start(checkpoint, windows))
        if len(waiting) == 2 * _AT_ONCE:
            yield from _finished(waiting, _AT_ONCE)
    yield from _finished(waiting, len(waiting))


def _side_by_side(checkpoint: Checkpoint, batches: Iterable[Windows], threads: int) -> Iterator[Array]:
    """The scores of each batch, where so many passes of a small model use a thread each."""
    waiting: deque[Future[Started]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="pass") as pool:
        for windows in batches:
            waiting.append(pool.submit(start, checkpoint, windows))
            if len(waiting) > threads:
                yield waiting.popleft().result().scores.numpy()
        for each in waiting:
            yield each.result().scores.numpy()


def _finished(waiting: deque[Started], count: int) -> Iterator[Array]:
    """Take the first batches, once the last of them is computed."""
    if count:
        waiting[count - 1].wait()
    for _ in range(count):
        yield waiting.popleft().scores.numpy()


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


def _means(checkpoint: Checkpoint, windows: Windows) -> Array:
    """The mean of the encoder's last states over the tokens of each window (B, H), float32, on the CPU."""
    with torch.inference_mode():
        ids, mask = (sent(checkpoint.device, tensor) for tensor in collate(windows, checkpoint.pad_id))
        output = bare(checkpoint.encoder)(**encoder_inputs(checkpoint.encoder, ids, mask, windows))
        hidden = getattr(output, "last_hidden_state", None)
        if hidden is None:
            raise ModelError(f"{checkpoint.name} gives no states of its tokens: @similar cannot compare texts by them.")
        total = (hidden.float() * mask[:, :, None]).sum(dim=1)
        means: Array = (total / mask.sum(dim=1, keepdim=True)).cpu().numpy()
    return means


def forward(checkpoint: Checkpoint, windows: Windows) -> np.ndarray[Any, Any]:
    """One pass of encoder and head: the family's scores of each window, float32, on the CPU."""
    started = start(checkpoint, windows)
    started.wait()
    result: np.ndarray[Any, Any] = started.scores.numpy()
    return result
