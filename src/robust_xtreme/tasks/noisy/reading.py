"""From the file of a noisy set to its items, paired with the clean ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from robust_xtreme.core.examples import Example
from robust_xtreme.noise.conditions.paired import Paired, pair_up
from robust_xtreme.noise.conditions.pairing import paired
from robust_xtreme.tasks.noisy.layouts import NoisySet, TaskSplit, read
from robust_xtreme.tasks.sources.source import Source


def read_pairs(
    noisy_set: NoisySet, cell: TaskSplit, source: Source, split: Sequence[Example], is_partial: bool
) -> tuple[Path, Paired] | None:
    """The file of a task and language, and its items with all clean examples of the split; None without a file.

    Raises DataError where the file cannot be read or paired, UserError where several files fit.
    """
    path = noisy_set.file(cell)
    if path is None:
        return None
    noisy = read(cell, path, source)
    return path, pair_up(noisy_set.name, split, noisy, paired(split, noisy, cell.task.labels, is_partial))
