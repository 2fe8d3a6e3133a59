"""What an attack learns of a model, and all that it learns: how right the answers to candidates are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from robust_xtreme.core.edits import Array
from robust_xtreme.noise.engine.perturbed import PerturbedExamples


@final
@dataclass(frozen=True, slots=True, eq=False)
class AnswerScores:
    """How right the answers to n candidates are.

    `level` (n,) float64 is 1 for an answer as good as the gold one and 0 where nothing of it is right; `right` (n,)
    bool: it counts as right. `margin` (n,) int64, in units of `models.reading.scores.QUANTUM`, is how far the score
    of the gold answer is ahead of the best other one; 0 where only answers are known. Where `finite` (n,) bool is
    false, the scores are not numbers: the answer counts as right.
    """

    level: Array
    right: Array
    margin: Array
    finite: Array


Ask = Callable[[PerturbedExamples], AnswerScores]
"""Answers candidates: `clean` has the clean example of each candidate. Without noised fields they are clean."""
