"""Names of groups of tasks: benchmarks, each with its tasks and their languages, and families."""

from collections.abc import Sequence
from typing import Final

from robust_xtreme.core import registry
from robust_xtreme.core.errors import UnknownName
from robust_xtreme.core.specs import TaskSpec

INTERMEDIATE: Final = "intermediate"
"""The group of all intermediate tasks."""

Chosen = dict[str, tuple[str, ...]]
"""Task name to the languages that a group evaluates; empty: all languages of the task."""


def names() -> tuple[str, ...]:
    """The names of all groups: benchmarks, then families."""
    tasks = _tasks()
    benchmarks = dict.fromkeys(name for task in tasks for name in task.groups)
    return (*sorted(benchmarks), *sorted({task.family for task in tasks} - set(benchmarks)))


def chosen(words: Sequence[str]) -> Chosen:
    """The tasks that are named, directly or by a group, in order and without duplicates.

    A task that is named directly or by a family has all its languages. A task named by benchmarks has the union of
    their languages. A family has no task that reads the data of another, as `tatoeba@to=en`. Raises UnknownName.
    """
    chosen: Chosen = {}
    for word in words:
        for task, languages in _tasks_of(word).items():
            before = chosen.get(task, languages)
            chosen[task] = tuple(dict.fromkeys((*before, *languages))) if before and languages else ()
    return chosen


def _tasks_of(word: str) -> Chosen:
    if word in registry.names("task"):
        return {word: ()}
    tasks = with_own_data()
    members = {task.name: task.groups[word] for task in tasks if word in task.groups}
    members = members or {task.name: () for task in tasks if task.family == word}
    if not members:
        see = f"robust-xtreme list tasks (groups of tasks: {', '.join(names())})"
        raise UnknownName("task", word, (*registry.names("task"), *names()), see)
    return members


def with_own_data() -> tuple[TaskSpec, ...]:
    """The tasks that are meant where none is named: all that do not read the data of another task."""
    return tuple(task for task in _tasks() if not task.data_of)


def intermediate(words: Sequence[str]) -> tuple[TaskSpec, ...]:
    """The intermediate tasks that are named, without duplicates; the parts of a compound task instead of the task."""
    known = registry.names("intermediate")
    asked = [name for word in words for name in (known if word == INTERMEDIATE else (word,)) if name in known]
    specs: list[TaskSpec] = [registry.load("intermediate", name) for name in asked]
    return tuple({task.name: task for spec in specs for task in (spec.parts or (spec,))}.values())


def is_intermediate(word: str) -> bool:
    """Whether a word is the name of an intermediate task, or of the group of all."""
    return word == INTERMEDIATE or word in registry.names("intermediate")


def _tasks() -> list[TaskSpec]:
    return [registry.load("task", name) for name in registry.names("task")]
