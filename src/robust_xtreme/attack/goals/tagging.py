"""Wrong tags: over the words that are still right, how far each gold tag is ahead, at most _FAR each.

Words that are wrong already count 0, since making them more wrong changes no answer; beyond _FAR a word counts alike,
so that an attack works on those that are near to change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from robust_xtreme.attack.goal import Goal, ahead
from robust_xtreme.core.edits import Array, ragged
from robust_xtreme.core.target_columns import Names, TargetColumn
from robust_xtreme.models.reading.members.tagging import words_of
from robust_xtreme.models.reading.scores import QUANTUM, Reduced, quantised
from robust_xtreme.models.reading.windows import Windows

_FAR: Final = round(4 / QUANTUM)


def _part(windows: Windows, scores: Array, meanings: Sequence[Any], golds: TargetColumn) -> Reduced:
    assert isinstance(golds, Names)
    layout = words_of(windows)
    whole, _ = quantised(scores[:, : layout.inside.shape[1]][layout.inside])
    counts = np.diff(layout.bounds)
    tags = golds.codes[ragged(golds.bounds[windows.example] + layout.begin, counts)]
    gold = np.array([[name == label for label in meanings] for name in golds.names]).reshape(-1, len(meanings))
    margins = np.clip(ahead(whole, gold[tags]), 0, _FAR)
    before = np.concatenate(([0], np.cumsum(margins)))
    sums = before[layout.bounds[1:]] - before[layout.bounds[:-1]]
    return Reduced(sums, np.ones(len(sums), np.int64), np.ones(len(sums), np.bool_))


def _margin(bounds: Array, parts: Reduced, _: TargetColumn) -> Array:
    margin: Array = np.add.reduceat(parts.values, bounds[:-1])
    return margin


tagging = Goal("tagging", _part, _margin)
