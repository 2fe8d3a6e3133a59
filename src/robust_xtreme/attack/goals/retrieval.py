"""Another document: the similarity of the best gold candidate minus that of the best other one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from robust_xtreme.attack.goal import LOWEST, Goal
from robust_xtreme.core.edits import Array
from robust_xtreme.core.target_columns import Names, TargetColumn, gathered, owners
from robust_xtreme.models.reading.scores import Reduced, quantised
from robust_xtreme.models.reading.windows import Windows

_FINE: Final = 100
"""Similarities are at most 1, and the search compares them as multiples of 1e-6: a hundredth of other scores'."""


def _part(windows: Windows, scores: Array, meanings: Sequence[Any], golds: TargetColumn) -> Reduced:
    """Of each query (B,) the best gold and the best other similarity to some texts, whose ids are in `meanings`.

    A text with several ids, only some of which are gold, is both.
    """
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


def _margin(bounds: Array, parts: Reduced, _: TargetColumn) -> Array:
    if not len(parts.values):
        return np.zeros(0, np.int64)
    gold, other = np.maximum.reduceat(parts.values, bounds[:-1], axis=0).T
    margin: Array = gold - other
    return margin


retrieval = Goal("retrieval", _part, _margin)
