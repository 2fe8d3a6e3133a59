"""The weights of a model that is loaded in this process, and the device that it computes on."""

import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from robust_xtreme.core.columns import Array
from robust_xtreme.core.errors import ModelError, SpecError
from robust_xtreme.models.loading import Checkpoint, bare
from robust_xtreme.models.predictors.predictor import BATCH_TOKENS, Work, decoded
from robust_xtreme.models.reading.reading import Decoded, Inputs
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.models.retrieval.search import search
from robust_xtreme.models.tensors import collate, encoder_inputs, on
from robust_xtreme.stats.bitext import Neighbours

_AT_ONCE: Final = 4
"""Batches whose scores are waited for together, while the device computes as many more."""


_THREADS: Final = torch.get_num_threads()
"""The threads that torch has before a small model leaves it a single one."""


@dataclass(frozen=True, slots=True)
class Started:
    """A pass that is computed: its scores (B, ...), float32 on the CPU, are there after `wait`."""

    scores: Tensor
    end: Any = None

    def wait(self) -> None:
        """Wait until this pass, and those before it, are computed."""
        if self.end is not None:
            self.end.synchronize()


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


def predict(checkpoint: Checkpoint, inputs: Inputs, work: Work) -> Decoded:
    """The decoded prediction of every input, in order, as `decoded` gives them. Raises torch.OutOfMemoryError."""
    return decoded(lambda: Loaded(checkpoint), checkpoint.family.reading, checkpoint.labels, inputs, work)


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
    try:
        for windows in batches:
            waiting.append(_pool(threads).submit(start, checkpoint, windows))
            if len(waiting) > threads:
                yield waiting.popleft().result().scores.numpy()
        for each in waiting:
            yield each.result().scores.numpy()
    finally:
        wait(waiting)


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Kept, as each new thread has the arena of glibc of any that ended, and each arena keeps what a pass has freed."""
    return ThreadPoolExecutor(threads, thread_name_prefix="pass")


os.register_at_fork(after_in_child=_pool.cache_clear)  # a copy of this process has no such threads


def _finished(waiting: deque[Started], count: int) -> Iterator[Array]:
    """Take the first batches, once the last of them is computed."""
    if count:
        waiting[count - 1].wait()
    for _ in range(count):
        yield waiting.popleft().scores.numpy()


def start(checkpoint: Checkpoint, windows: Windows) -> Started:
    """Start one pass of encoder and head, which gives the family's scores of each window."""
    device = checkpoint.device
    with torch.inference_mode():
        ids, mask = (on(device, tensor) for tensor in collate(windows, checkpoint.pad_id))
        hidden = checkpoint.encoder(**encoder_inputs(checkpoint.encoder, ids, mask, windows)).last_hidden_state
        scores: Tensor = checkpoint.family.forward(checkpoint.head, hidden, mask, windows).float()
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
        ids, mask = (on(checkpoint.device, tensor) for tensor in collate(windows, checkpoint.pad_id))
        output = bare(checkpoint.encoder)(**encoder_inputs(checkpoint.encoder, ids, mask, windows))
        hidden = getattr(output, "last_hidden_state", None)
        if hidden is None:
            raise ModelError(f"{checkpoint.name} gives no states of its tokens: @similar cannot compare texts by them.")
        total = (hidden.float() * mask[:, :, None]).sum(dim=1)
        means: Array = (total / mask.sum(dim=1, keepdim=True)).cpu().numpy()
    return means


def forward(checkpoint: Checkpoint, windows: Windows) -> np.ndarray[Any, Any]:
    """One pass of encoder and head: the family's scores of each window, float32, on the CPU."""
    (scores,) = _finished(deque([start(checkpoint, windows)]), 1)
    return scores


def device_of(name: str) -> str:
    """`cpu` or `cuda`; `auto` is CUDA where there is one. Raises SpecError, also for cuda where there is none."""
    if name not in ("auto", *BATCH_TOKENS):
        raise SpecError(f"The device {name!r} is none of: auto, {', '.join(BATCH_TOKENS)}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise SpecError("There is no CUDA device here. Leave --device out, or name cpu.")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name


def device_name(device: str) -> str:
    """The name of the device in the manifest; results are the same bytes on the same device."""
    return f"cuda: {torch.cuda.get_device_name()}" if device == "cuda" else device
