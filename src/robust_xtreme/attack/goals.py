"""Goals: what an attack wants of the answers of a family of tasks, how far an answer is from that, by which scores."""

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from robust_xtreme.core.columns import Choices, Names, Ranges, TargetColumn, gathered, owners
from robust_xtreme.core.edits import Array, ragged
from robust_xtreme.core.examples import NO_ANSWER
from robust_xtreme.models.reading.members.labelled import WordLayouts
from robust_xtreme.models.reading.members.span_qa import ContextLayouts, answer_tokens
from robust_xtreme.models.reading.reading import QUANTUM, Reduced, quantised
from robust_xtreme.models.reading.windows import Windows, layout_of


@dataclass(frozen=True, slots=True, eq=False)
class AnswerScores:
    """How right the answers to n candidates are.

    `level` (n,) float64 is 1 for an answer as good as the gold one and 0 where nothing of it is right; `right` (n,)
    bool: it counts as right. `margin` (n,) int64, in units of `models.reading.reading.QUANTUM`, is how far the score
    of the gold answer is ahead of the best other one; 0 where only answers are known. Where `finite` (n,) bool is
    false, the scores are not numbers: the answer counts as right.
    """

    level: Array
    right: Array
    margin: Array
    finite: Array


Ask = Callable[..., AnswerScores]
"""Answers candidates: `clean` has the clean example of each candidate. Without noised fields they are clean."""


LOWEST: Final = np.iinfo(np.int64).min // 4
"""The score of what is not there."""


@dataclass(frozen=True, slots=True, eq=False)
class Goal:
    """The goal in one family: that an answer be as little right as possible.

    `part(windows, scores, meanings, golds)` keeps of the scores of windows what the margin of the gold answer needs;
    `golds` are those of the contents. `margin(bounds, parts, golds)` gives the margins (n,) int64, in units of
    `QUANTUM` (models.reading), of inputs with these golds, whose windows are `bounds[i]:bounds[i + 1]` of `parts`.
    """

    name: str
    part: Callable[[Windows, Array, Sequence[Any], TargetColumn], Reduced]
    margin: Callable[[Array, Reduced, TargetColumn], Array]


def settings_of(goal: Goal) -> str:
    """What the margins of a goal depend on besides the scores: its name and our source; "" for another package's."""
    return f"{goal.name} {_source()}" if goal.part.__module__ == __name__ else ""


@functools.cache
def _source() -> str:
    """The hash of the source of all goals."""
    return hashlib.blake2b(Path(__file__).read_bytes(), digest_size=16).hexdigest()


def ahead(scores: Array, gold: Array) -> Array:
    """How far the best gold score is ahead of the best other (n,), of scores (n, L) int64, by `gold` (n, L) bool."""
    best, other = (np.where(mask, scores, LOWEST).max(axis=1, initial=LOWEST) for mask in (gold, ~gold))
    return np.asarray(best - other)


# Another choice: how well the gold choice fits minus how well the best other does.


def _choice_part(_windows: Windows, scores: Array, _meanings: Sequence[Any], _golds: TargetColumn) -> Reduced:
    whole, exact = quantised(scores[:, 0])
    return Reduced(whole, np.ones(len(whole), np.int64), exact)


def _choice_margin(bounds: Array, parts: Reduced, golds: TargetColumn) -> Array:
    assert isinstance(golds, Choices)
    gold = bounds[:-1] + golds.index
    others = parts.values.copy()
    others[gold] = LOWEST
    return np.asarray(parts.values[gold] - np.maximum.reduceat(others, bounds[:-1]))


choice = Goal("choice", _choice_part, _choice_margin)


# Another class: the score of the gold class minus that of the best other.


def _classification_part(windows: Windows, scores: Array, meanings: Sequence[Any], golds: TargetColumn) -> Reduced:
    assert isinstance(golds, Choices)
    whole, exact = quantised(scores)
    gold = np.array(meanings)[None, :] == golds.index[windows.example][:, None]
    return Reduced(ahead(whole, gold), np.ones(len(whole), np.int64), np.all(exact, axis=1))


classification = Goal("classification", _classification_part, lambda bounds, parts, _: parts.values[bounds[:-1]])


# Another document: the similarity of the best gold candidate minus that of the best other one.

_FINE: Final = 100
"""Similarities are at most 1, and the search compares them as multiples of 1e-6: a hundredth of other scores'."""


def _retrieval_part(windows: Windows, scores: Array, meanings: Sequence[Any], golds: TargetColumn) -> Reduced:
    """Of each query (B,) the best gold and the best other similarity to some texts; one may be both."""
    assert isinstance(golds, Names)
    whole, exact = quantised(scores * _FINE)
    column = {id: number for number, ids in enumerate(meanings) for id in ids}
    columns = np.array([column.get(name, -1) for name in golds.names], np.int64)
    positions, bounds = gathered(golds.bounds, windows.example)
    text, query = columns[golds.codes[positions]], owners(bounds)
    hits = np.zeros(whole.shape, np.int64)
    np.add.at(hits, (query[text >= 0], text[text >= 0]), 1)
    every = np.array([len(ids) for ids in meanings])
    best = [np.where(mask, whole, LOWEST).max(axis=1, initial=LOWEST) for mask in (hits > 0, hits < every)]
    return Reduced(np.stack(best, axis=1), np.ones(len(whole), np.int64), np.all(exact, axis=1))


def _retrieval_margin(bounds: Array, parts: Reduced, _: TargetColumn) -> Array:
    if not len(parts.values):
        return np.zeros(0, np.int64)
    gold, other = np.maximum.reduceat(parts.values, bounds[:-1], axis=0).T
    return np.asarray(gold - other)


retrieval = Goal("retrieval", _retrieval_part, _retrieval_margin)


# Another answer: the score of the best gold span of any window minus that of the best other span, or of no answer.
#
# No answer has the score of the window where it scores lowest, as in decoding.


def _span_qa_part(windows: Windows, scores: Array, meanings: Sequence[Any], golds: TargetColumn) -> Reduced:
    """Of each window (B,) the scores of its gold span, its best other one, and no answer; LOWEST: none."""
    assert isinstance(golds, Ranges)
    layout, (whole, _) = layout_of(windows, ContextLayouts), quantised(scores)
    first, last = answer_tokens(layout, golds.take(windows.example))
    position, row = np.arange(whole.shape[1])[None, :], np.arange(len(windows))
    inside = (position >= layout.first[:, None]) & (position < (layout.first + layout.count)[:, None])
    begin, end = (np.where(inside, whole[:, :, side], LOWEST) for side in (0, 1))
    at, there = np.where(first >= 0, layout.first + first, 0), first >= 0
    until = np.where(there, layout.first + last, 0)
    gold = np.where(there, begin[row, at] + end[row, until], LOWEST)
    best = _best(begin, end, np.where(there, at, -1), until, layout.most)
    none = whole[row, windows.summary].sum(axis=1) if NO_ANSWER in meanings else np.full(len(gold), 2 * LOWEST)
    return Reduced(np.stack((gold, best, none), axis=1), np.ones(len(gold), np.int64), np.ones(len(gold), np.bool_))


def _best(begin: Array, end: Array, at: Array, until: Array, most: int) -> Array:
    """The best score of a span of at most `most` tokens in each row, but for the span from `at` to `until`."""
    best, row = np.full(len(begin), 2 * LOWEST), np.flatnonzero(at >= 0)
    for step in range(min(most, begin.shape[1])):
        total = begin[:, : begin.shape[1] - step] + end[:, step:]
        same = row[until[row] - at[row] == step]
        total[same, at[same]] = 2 * LOWEST
        best = np.maximum(best, total.max(axis=1, initial=2 * LOWEST))
    return best


def _span_qa_margin(bounds: Array, parts: Reduced, _: TargetColumn) -> Array:
    gold, other, _ = np.maximum.reduceat(parts.values, bounds[:-1], axis=0).T
    none = np.minimum.reduceat(parts.values[:, 2], bounds[:-1])
    return np.asarray(gold - np.maximum(other, none))


span_qa = Goal("span_qa", _span_qa_part, _span_qa_margin)


# Wrong tags: over the words that are still right, how far each gold tag is ahead, at most _FAR each.
#
# Words that are wrong already count 0, since making them more wrong changes no answer; beyond _FAR a word counts alike,
# so that an attack works on those that are near to change.

_FAR: Final = round(4 / QUANTUM)


def _tagging_part(windows: Windows, scores: Array, meanings: Sequence[Any], golds: TargetColumn) -> Reduced:
    assert isinstance(golds, Names)
    layout = layout_of(windows, WordLayouts)
    whole, _ = quantised(scores[:, : layout.inside.shape[1]][layout.inside])
    counts = np.diff(layout.bounds)
    tags = golds.codes[ragged(golds.bounds[windows.example] + layout.begin, counts)]
    gold = np.array([[name == label for label in meanings] for name in golds.names]).reshape(-1, len(meanings))
    margins = np.clip(ahead(whole, gold[tags]), 0, _FAR)
    before = np.concatenate(([0], np.cumsum(margins)))
    sums = before[layout.bounds[1:]] - before[layout.bounds[:-1]]
    return Reduced(sums, np.ones(len(sums), np.int64), np.ones(len(sums), np.bool_))


tagging = Goal("tagging", _tagging_part, lambda bounds, parts, _: np.add.reduceat(parts.values, bounds[:-1]))
