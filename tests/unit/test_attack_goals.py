"""Goals: how far the gold answer is ahead, by scores of windows."""

from __future__ import annotations

import numpy as np

from robust_xtreme import registry
from robust_xtreme.attack.goal import Goal
from robust_xtreme.reading.scores import QUANTUM
from robust_xtreme.reading.windows import plain
from robust_xtreme.target_columns import Choices

DRAWS = np.random.default_rng(0)


def test_the_gold_choice_is_ahead_of_the_best_other() -> None:
    """Of choices with a window each, the margin is the gold one's score minus the highest of the others."""
    goal: Goal = registry.load("goal", "choice")
    scores, golds, bounds = DRAWS.normal(size=(12, 1)), Choices(np.array([2, 0, 1])), np.array([0, 4, 7, 12])
    parts = goal.part(plain([]), scores, (), golds)
    margins = goal.margin(bounds, parts, golds)
    for row, (low, high) in enumerate([(0, 4), (4, 7), (7, 12)]):
        each = np.rint(scores[low:high, 0] / QUANTUM)
        gold = golds.index[row]
        assert margins[row] == each[gold] - np.delete(each, gold).max()
