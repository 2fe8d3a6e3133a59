"""Another answer: the score of the best gold span of any window minus that of the best other span, or of no answer.

No answer has the score of the window where it scores lowest, as in decoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from robust_xtreme.attack.goal import LOWEST, Goal
from robust_xtreme.core.edits import Array
from robust_xtreme.core.examples import NO_ANSWER
from robust_xtreme.core.target_columns import Ranges, TargetColumn
from robust_xtreme.models.reading.members.span_qa import ANSWER_TOKENS, answer_tokens, contexts_of
from robust_xtreme.models.reading.scores import Reduced, quantised
from robust_xtreme.models.reading.windows import Windows


def _part(windows: Windows, scores: Array, meanings: Sequence[Any], golds: TargetColumn) -> Reduced:
    """Of each window (B,) the score of its gold span, that of its best other one, and that of no answer.

    It is LOWEST or less where there is none.
    """
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
    none = whole[row, windows.summary].sum(axis=1) if NO_ANSWER in meanings else np.full(len(gold), 2 * LOWEST)
    return Reduced(np.stack((gold, best, none), axis=1), np.ones(len(gold), np.int64), np.ones(len(gold), np.bool_))


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
    gold, other, _ = np.maximum.reduceat(parts.values, bounds[:-1], axis=0).T
    none = np.minimum.reduceat(parts.values[:, 2], bounds[:-1])
    margin: Array = gold - np.maximum(other, none)
    return margin


span_qa = Goal("span_qa", _part, _margin)
