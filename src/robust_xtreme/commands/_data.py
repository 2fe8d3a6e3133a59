"""What `data` finds, as values and as JSON: which tasks and languages are looked at, and what comes of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import filterfalse
from typing import TYPE_CHECKING, Any, final

from robust_xtreme import registry
from robust_xtreme.groups import chosen, intermediate, is_intermediate
from robust_xtreme.languages import codes
from robust_xtreme.run_spec import DATA_VARIABLE, MINI, check_pairs
from robust_xtreme.sources.source import Source, open_source
from robust_xtreme.sources.survey import (
    Held,
    Surveyed,
    group_languages,
    licence_of,
    others_held,
    survey,
    survey_learned,
)
from robust_xtreme.specs import TaskSpec

if TYPE_CHECKING:
    from collections.abc import Callable


@final
@dataclass(frozen=True, slots=True)
class Found:
    """What was looked at: the words that name it, the source, and each task with its languages."""

    data: str
    offline: bool
    source: Source
    tasks: Mapping[str, tuple[Surveyed, ...]]

    @property
    def all(self) -> tuple[Surveyed, ...]:
        """The languages of all tasks."""
        return tuple(one for languages in self.tasks.values() for one in languages)

    @property
    def malformed(self) -> dict[str, list[tuple[str, Held]]]:
        """Each line about something malformed, once, with the tasks and splits that it stops."""
        found: dict[str, list[tuple[str, Held]]] = {}
        for one in self.all:
            for held in one.held:
                if held.malformed:
                    found.setdefault(held.problem, []).append((one.task.name, held))
        return found


def look(data: str | None, tasks: Sequence[str], languages: Sequence[str], *, offline: bool) -> Found:
    """Read all that there is of some tasks in some languages; none named: of all but intermediate ones.

    Raises UnknownName, MissingData, DataError (of a suite's own description), RobustXtremeError (of the hub).
    """
    data = data or os.environ.get(DATA_VARIABLE, "") or MINI
    groups = chosen(list(filterfalse(is_intermediate, tasks))) if tasks else dict.fromkeys(registry.names("task"), ())
    learned = [
        (one, code) for one in intermediate(tasks) for code in one.train_languages if code in (languages or [code])
    ]
    check_pairs(tuple(languages))
    codes(" ".join(code for one in languages for code in one.split("@")))
    source, kept = open_source(data, offline=offline), open_source(data, offline=True)
    kept = kept if kept != source else source
    members: dict[str, TaskSpec] = {name: registry.load("task", name) for name in groups}
    wanted = {name: _wanted(task, source, groups[name], languages) for name, task in members.items()}
    wanted = {name: some for name, some in wanted.items() if tasks or source.splits(members[name])}
    others = {name: () if languages else others_held(members[name], kept, some) for name, some in wanted.items()}
    found = {}
    with _progress(sum(len(some) + len(others[name]) for name, some in wanted.items()) + len(learned)) as advance:
        for name, some in wanted.items():
            seen = []
            for one in survey(members[name], source, kept, some, others[name]):
                advance(f"{name} {one.language}")
                seen.append(one)
            found[name] = tuple(seen)
        for task, code in learned:
            advance(f"{task.name} {code}")
            found[task.name] = (*found.get(task.name, ()), survey_learned(task, kept, code))
    return Found(data, offline, source, found)


def _wanted(task: TaskSpec, source: Source, group: Sequence[str], languages: Sequence[str]) -> tuple[str, ...]:
    """The languages that a run evaluates: those named, else those of the group and the source."""
    if languages:
        asked = tuple(dict.fromkeys(languages))
        return tuple(one for one in asked if task.pairs or "@" not in one)
    return group_languages(task, source, group) or ("",)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal's stderr, nothing elsewhere."""
    if not (sys.stderr and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=total)
        yield lambda name: bar.update(task, advance=1, description=name)


# ---------------------------------------------------------------------------------------------------------------- JSON


def facts(found: Found) -> dict[str, Any]:
    """Everything that was found, as JSON holds it."""
    return {
        "data": found.data,
        "offline": found.offline,
        "loads": not found.malformed,
        "tasks": [_task(languages[0].task, found.source, languages) for languages in found.tasks.values() if languages],
        "malformed": [
            {
                "problem": line,
                "in": [{"task": task, "language": one.language, "split": one.split} for task, one in some],
            }
            for line, some in found.malformed.items()
        ],
    }


def _task(task: TaskSpec, source: Source, languages: Sequence[Surveyed]) -> dict[str, Any]:
    return {
        "task": task.name,
        "family": task.family,
        "groups": list(task.groups),
        "licence": licence_of(task, source),
        "languages": [_language(one) for one in languages],
    }


def _language(one: Surveyed) -> dict[str, Any]:
    left = one.left and {"split": one.left.split, "reason": one.left.reason, "detail": one.left.detail}
    run = {"evaluated": one.evaluated or None, "left_out": left, "stops": one.stops}
    return {"language": one.language, **run, "splits": [_split(held) for held in one.held]}


def _split(held: Held) -> dict[str, Any]:
    if held.problem:
        return {"split": held.split, "loads": False, "malformed": held.malformed, "problem": held.problem}
    return {
        "split": held.split,
        "loads": True,
        "rows": held.rows,
        "clusters": held.clusters,
        "labelled": held.labelled,
        "candidates": held.candidates or None,
        "files": [{"name": name, "sha256": sha256} for name, sha256 in held.files],
        "pool_files": [{"name": name, "sha256": sha256} for name, sha256 in held.pool_files],
    }
