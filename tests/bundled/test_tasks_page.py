"""docs/tasks.md is made of the fields of the tasks, and these name things that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tools.tasks_page import PAGE, page

from robust_xtreme.core import registry
from robust_xtreme.core.specs import TaskSpec

ROOT = Path(__file__).parents[2]
TASKS = registry.names("task")
LEARNED: list[TaskSpec] = [registry.load("intermediate", name) for name in registry.names("intermediate")]


def _task(name: str) -> TaskSpec:
    task: TaskSpec = registry.load("task", name)
    return task


def test_the_page_is_what_the_tasks_say() -> None:
    """The committed page has the bytes that the tasks give; `make generated` writes it again."""
    written = page([_task(name) for name in TASKS], LEARNED)
    assert written == PAGE.read_text(encoding="utf-8"), "docs/tasks.md is stale. Run: make generated"


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_its_size_scorer_check_and_licence(name: str) -> None:
    """Sizes, the official scorer (repository and file, or `none:` and why), how ours was checked, and a licence."""
    task = _task(name)
    for entry in (task.rows, task.official, task.checked):
        assert entry.endswith("."), name
        assert "\n" not in entry
    assert re.search(r"\d", task.rows)
    assert re.match(r"none: \w|[\w.-]+/[\w.-]+, [\w./]+\.py\b", task.official)
    assert task.licence
    assert not task.licence.endswith(".")


@pytest.mark.parametrize("name", TASKS)
def test_a_check_is_a_test_that_exists(name: str) -> None:
    """The field `checked` names existing files of tests, and one of these names the task or its metrics."""
    task = _task(name)
    named = re.findall(r"`(tests/[\w/.]+)`", task.checked)
    assert named
    texts = [(ROOT / path).read_text(encoding="utf-8") for path in named]
    wanted = re.compile("|".join((task.name.replace("_", "_?"), *task.metrics)), re.IGNORECASE)
    assert any(wanted.search(text) for text in texts)


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_data_on_the_hub_or_a_remedy(name: str) -> None:
    """A task without a dataset on the hub says what brings its files here; one with a dataset needs no remedy."""
    task = _task(name)
    assert bool(task.hub) != bool(task.absent)
    assert not task.absent or "--data DIR" in task.absent or "DIR/" in task.absent


@pytest.mark.parametrize("task", [*map(_task, TASKS), *LEARNED], ids=lambda task: task.name)
def test_the_number_of_training_rows_is_that_of_the_sentence(task: TaskSpec) -> None:
    """A plan without the data uses the number that the page shows; parts add up."""
    assert not task.train_rows or f"{task.train_rows:,}" in task.rows
    assert not task.parts or task.train_rows == sum(part.train_rows for part in task.parts)
