"""Goals: what an attack wants of the answers of a family of tasks, and how far an answer is from that."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from robust_xtreme.attack import goals
from robust_xtreme.core.columns import TargetColumn
from robust_xtreme.core.edits import Array
from robust_xtreme.models.reading.reading import Reduced
from robust_xtreme.models.reading.windows import Windows
from robust_xtreme.noise.engine.noised import PerturbedExamples


@final
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


Ask = Callable[[PerturbedExamples], AnswerScores]
"""Answers candidates: `clean` has the clean example of each candidate. Without noised fields they are clean."""


LOWEST: Final = np.iinfo(np.int64).min // 4
"""The score of what is not there."""


@final
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
    return f"{goal.name} {_source()}" if goal.part.__module__.startswith(f"{goals.__name__}.") else ""


@functools.cache
def _source() -> str:
    """The hash of the source of all goals."""
    paths = (Path(__file__), *sorted(Path(goals.__file__ or "").parent.rglob("*.py")))
    return hashlib.blake2b(b"".join(path.read_bytes() for path in paths), digest_size=16).hexdigest()


def ahead(scores: Array, gold: Array) -> Array:
    """How far the best gold score is ahead of the best other (n,), of scores (n, L) int64, by `gold` (n, L) bool."""
    best, other = (np.where(mask, scores, LOWEST).max(axis=1, initial=LOWEST) for mask in (gold, ~gold))
    margin: Array = best - other
    return margin
