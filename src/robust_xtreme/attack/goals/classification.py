"""Another class: the score of the gold class minus that of the best other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from robust_xtreme.attack.goal import Goal, ahead
from robust_xtreme.core.edits import Array
from robust_xtreme.core.target_columns import Choices, TargetColumn
from robust_xtreme.models.reading.scores import Reduced, quantised
from robust_xtreme.models.reading.windows import Windows


def _part(windows: Windows, scores: Array, meanings: Sequence[Any], golds: TargetColumn) -> Reduced:
    assert isinstance(golds, Choices)
    whole, exact = quantised(scores)
    gold = np.array(meanings)[None, :] == golds.index[windows.example][:, None]
    return Reduced(ahead(whole, gold), np.ones(len(whole), np.int64), np.all(exact, axis=1))


def _margin(bounds: Array, parts: Reduced, _: TargetColumn) -> Array:
    margin: Array = parts.values[bounds[:-1]]
    return margin


classification = Goal("classification", _part, _margin)
