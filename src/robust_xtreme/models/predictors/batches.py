"""From encoded inputs to decoded predictions: batches by length and token budget, one pass over all conditions.

The batches are a pure function of the inputs and the budget. Of a window's scores only what its prediction needs is
kept after its batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from robust_xtreme.core.columns import Array, column_of, gathered
from robust_xtreme.models.predictors.predictor import Weights
from robust_xtreme.models.reading.reading import Decoded, Inputs, Labels, Reading, Reduced, joined
from robust_xtreme.models.reading.windows import Windows, in_batches, of_examples

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


def decoded(
    weights_of: Callable[[], Weights],
    reading: Reading,
    labels: Labels,
    inputs: Inputs,
    batch_tokens: int,
    advance: Callable[[int], None],
) -> Decoded:
    """The decoded prediction of every input, in order; `advance` gets the number of inputs of each batch."""

    def reduce(windows: Windows, scores: Array) -> tuple[Reduced]:
        return (reading.reduce(windows, scores, labels),)

    at_once = 1 << 16 if reading.joins else 0  # calls are few, and arrays fit into a core's cache
    several = reduced(weights_of, reading, inputs, batch_tokens, advance, reduce, at_once)
    if several is None:
        return Decoded(column_of(()), np.ones(0, np.bool_))
    bounds, (ordered,) = several
    return reading.decode(inputs.contents, inputs.content, bounds, ordered, labels)


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

    Batches are reduced together until they have `at_once` scores. None where there is no input.
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
    return np.asarray(vectors[np.argsort(np.concatenate(batches))])


def mean_vectors(weights: Weights, windows: Windows, texts: int, batch_tokens: int) -> Array:
    """The vector of each text (texts, D), float64, of length 1: the mean state of the tokens of all its windows."""
    batches = _alone(windows, batch_tokens)
    means = np.concatenate(list(weights.means(in_batches(windows, batches)))).astype(np.float64)
    weighted = means[np.argsort(np.concatenate(batches))] * windows.lengths[:, None]
    sums = np.add.reduceat(weighted, of_examples(windows, texts)[:-1])
    sizes = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(sizes == 0, 1, sizes))


def _alone(windows: Windows, batch_tokens: int) -> list[Array]:
    """Batches of windows, each an input."""
    bounds = np.arange(len(windows) + 1)
    return plan_batches(windows.lengths, bounds, np.zeros(len(windows), np.int64), batch_tokens)
