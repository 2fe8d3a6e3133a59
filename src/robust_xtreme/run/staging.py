"""Stages the files of a task run: any process may write them, in a folder that nobody reads before they are taken."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from robust_xtreme.files import store
from robust_xtreme.files.schema import ATTACKED, PREDICTIONS, STATS
from robust_xtreme.run.scoring import TaskRunRows
from robust_xtreme.run.task_run import TaskRun

PARTS: Final = "parts"
"""The folder of a run that has the files of its task runs."""


def part_paths(folder: Path, task_run: TaskRun) -> tuple[Path, ...]:
    """A task run's files in a folder: its predictions, its statistics, and its items under attack, if there are any."""
    names = (task_run.task.name, task_run.language, task_run.split)
    attacked = any(condition.asks for condition in task_run.conditions)
    kinds = ("predictions", "stats", *(("attacked",) if attacked else ()))
    return tuple(store.part_path(folder, *names, kind) for kind in kinds)


def stage(folder: Path, task_run: TaskRun, part: TaskRunRows) -> dict[str, str]:
    """Write a task run's files to a folder of their own; return their digests. Raises DiskError.

    The files get their names in the run when the process that keeps its manifest takes them.
    """
    frames = [(part.predictions, PREDICTIONS), (part.stats, STATS)]
    if part.attacked is not None:
        frames.append((part.attacked, ATTACKED))
    paths = zip(part_paths(folder, task_run), frames, strict=True)
    return {path.name: store.write_frame(path, rows, frame, _synced) for path, (rows, frame) in paths}


def _synced(path: Path, content: bytes) -> None:
    """Write a staged file. Raises DiskError, which names the file in the run."""
    try:
        path.unlink(missing_ok=True)  # of a process that was killed
        store.write_synced(path, content)
    except OSError as error:
        raise store.disk_error(path.parent.with_name(PARTS) / path.name, error) from error
