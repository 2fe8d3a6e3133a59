"""Which task runs of a run are done, by the files in its folder."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from robust_xtreme.run.folder import Folder


def test_a_unit_is_done_when_both_of_its_files_are_there(tmp_path: Path) -> None:
    """A run that was killed between the two, or before their digests were noted, computes the task run again."""
    task_run: Any = SimpleNamespace(key=("xnli", "en", "test"), conditions=())
    folder = Folder(tmp_path)
    predictions, stats = folder.parts(task_run)
    digests = {predictions.name: "1", stats.name: "2"}
    predictions.parent.mkdir()
    assert not folder.holds(task_run, digests)
    predictions.touch()
    assert not folder.holds(task_run, digests)
    stats.touch()
    assert folder.holds(task_run, digests)
    assert not folder.holds(task_run, {predictions.name: "1"})
