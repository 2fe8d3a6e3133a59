"""Every config of a run that is bundled begins with its command, reads, and plans."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.release import release
from tests.tiny import tiny_run

from robust_xtreme.core.resources import folder
from robust_xtreme.core.run_spec import from_toml
from robust_xtreme.run.plan import make_plan

CONFIGS = sorted((folder("configs") / "runs").glob("*.toml"))


def test_there_are_configs() -> None:
    """The folder is found in the checkout or in the installed package."""
    assert CONFIGS


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_begins_with_the_command_that_runs_it(path: Path) -> None:
    """The first line of each file is its command, so that a reader can copy it."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert f"{first} ".startswith(f"# robust-xtreme eval --config {path.stem} ")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_plans_a_run(path: Path, tmp_path: Path) -> None:
    """With a model and data it resolves to cells: no key is unknown, no name misspelt."""
    run = tiny_run(tmp_path / "tiny", ("xnli", "panx", "xquad"))
    plan = make_plan(from_toml(path, model=[str(run)], data=str(release(tmp_path / "data"))))
    assert {task_run.task.name for task_run in plan.task_runs} == {"xnli", "panx", "xquad"}
    assert all(len(task_run.conditions) > 1 for task_run in plan.task_runs)
