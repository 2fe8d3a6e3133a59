"""Names the cells that do not show transfer: their model learned the task's own training data.

An intermediate task whose examples are a target's own training data (MNLI and ANLI+ for XNLI; SQuAD for XQuAD, MLQA and
LAReQA) makes that target's score more training, not transfer: the cell is flagged, and keeps its score.
"""

from __future__ import annotations

from typing import Final

OWN: Final = "own training data"


def own_data(task: str) -> str:
    """The flag of a model that learned a task's own training data in an intermediate stage."""
    return f"{OWN}: {task}"
