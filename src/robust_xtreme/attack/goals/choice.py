"""Another choice: how well the gold choice fits minus how well the best other does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from robust_xtreme.attack.goal import LOWEST, Goal
from robust_xtreme.core.edits import Array
from robust_xtreme.core.target_columns import Choices, TargetColumn
from robust_xtreme.models.reading.scores import Reduced, quantised
from robust_xtreme.models.reading.windows import Windows


def _part(_windows: Windows, scores: Array, _meanings: Sequence[Any], _golds: TargetColumn) -> Reduced:
    whole, exact = quantised(scores[:, 0])
    return Reduced(whole, np.ones(len(whole), np.int64), exact)


def _margin(bounds: Array, parts: Reduced, golds: TargetColumn) -> Array:
    assert isinstance(golds, Choices)
    gold = bounds[:-1] + golds.index
    others = parts.values.copy()
    others[gold] = LOWEST
    margin: Array = parts.values[gold] - np.maximum.reduceat(others, bounds[:-1])
    return margin


choice = Goal("choice", _part, _margin)
