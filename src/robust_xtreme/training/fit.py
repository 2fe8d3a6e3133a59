"""The lessons of a stage at the lengths that its encoder reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from robust_xtreme.models.config import check_fits, fitted, longest, positions
from robust_xtreme.training.lessons import Lesson


def fit(lessons: Sequence[Lesson], encoder: Any, called: str, tell: Callable[[str], None]) -> tuple[Lesson, ...]:
    """The lessons, their inputs cut where the encoder is a text tower, which is reported.

    Raises ModelError, one line, where any other encoder reads fewer tokens than a task's inputs have.
    """
    config = encoder.config.to_dict()
    fitted_lessons = tuple(replace(lesson, task=fitted(lesson.task, config)) for lesson in lessons)
    for before, after in zip(lessons, fitted_lessons, strict=True):
        check_fits(after.task, config, called, f"Leave {after.task.name} out, or")
        if after.task is not before.task:
            what = f"inputs of {longest(before.task)} tokens are cut to the {positions(config)} that {called} reads"
            tell(f"{after.task.name}: {what}")
    return fitted_lessons


def text_length(encoder: Any, usual: int) -> int:
    """The tokens of plain text that an encoder reads at once: the usual number, or fewer where it cannot."""
    return min(usual, positions(encoder.config.to_dict()) or usual)
