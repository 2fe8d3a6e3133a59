"""Another answer: the score of the best gold span of any window minus that of the best other span."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from robust_xtreme.attack.goal import LOWEST, Goal
from robust_xtreme.edits import Array
from robust_xtreme.reading.members.span_qa import ANSWER_TOKENS, answer_tokens, contexts_of
from robust_xtreme.reading.scores import Reduced, quantised
from robust_xtreme.reading.windows import Windows
from robust_xtreme.target_columns import Ranges, TargetColumn


def _part(windows: Windows, scores: Array, _meanings: Sequence[Any], golds: TargetColumn) -> Reduced:
    """Of each window (B,) the score of its gold span, and that of its best other one; LOWEST where it has none."""
    assert isinstance(golds, Ranges)
    layout, (whole, _) = contexts_of(windows), quantised(scores)
    first, last = answer_tokens(layout, golds.take(windows.example))
    position, row = np.arange(whole.shape[1])[None, :], np.arange(len(windows))
    inside = (position >= layout.first[:, None]) & (position < (layout.first + layout.count)[:, None])
    begin, end = (np.where(inside, whole[:, :, side], LOWEST) for side in (0, 1))
    at, there = np.where(first >= 0, layout.first + first, 0), first >= 0
    until = np.where(there, layout.first + last, 0)
    gold = np.where(there, begin[row, at] + end[row, until], LOWEST)
    best = _best(begin, end, np.where(there, at, -1), until)
    return Reduced(np.stack((gold, best), axis=1), np.ones(len(gold), np.int64), np.ones(len(gold), np.bool_))


def _best(begin: Array, end: Array, at: Array, until: Array) -> Array:
    """The best score of a span of at most ANSWER_TOKENS tokens in each row, but for the span from `at` to `until`."""
    best, row = np.full(len(begin), 2 * LOWEST), np.flatnonzero(at >= 0)
    for step in range(min(ANSWER_TOKENS, begin.shape[1])):
        total = begin[:, : begin.shape[1] - step] + end[:, step:]
        same = row[until[row] - at[row] == step]
        total[same, at[same]] = 2 * LOWEST
        best = np.maximum(best, total.max(axis=1, initial=2 * LOWEST))
    return best


def _margin(bounds: Array, parts: Reduced, _: TargetColumn) -> Array:
    gold, other = np.maximum.reduceat(parts.values, bounds[:-1], axis=0).T
    margin: Array = gold - other
    return margin


span_qa = Goal("span_qa", _part, _margin)
