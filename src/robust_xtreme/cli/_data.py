"""The survey that `data` prints: which splits of each task and language exist and load; as values and as JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import filterfalse
from typing import Any, final

from robust_xtreme.core import registry, resources
from robust_xtreme.core.languages import codes
from robust_xtreme.core.run_spec import DATA_VARIABLE, MINI, check_pairs
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.groups import chosen, intermediate, is_intermediate
from robust_xtreme.tasks.sources.source import Source, open_source
from robust_xtreme.tasks.sources.survey import (
    Held,
    Surveyed,
    group_languages,
    licence_of,
    other_languages,
    survey,
    survey_learned,
    undescribed,
)


@final
@dataclass(frozen=True, slots=True)
class DataSurvey:
    """The data as the user named them, their source, each task with its surveyed languages, and other files."""

    data: str
    offline: bool
    source: Source
    tasks: Mapping[str, tuple[Surveyed, ...]]
    undescribed: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[Surveyed, ...]:
        """The languages of all tasks."""
        return tuple(language for languages in self.tasks.values() for language in languages)

    @property
    def is_empty(self) -> bool:
        """Whether the data contain no split of these tasks."""
        return not any(language.splits for language in self.all)

    @property
    def malformed(self) -> dict[str, list[tuple[str, Held]]]:
        """Each distinct problem of a malformed file, with the tasks and splits that it affects."""
        problems: dict[str, list[tuple[str, Held]]] = {}
        for language in self.all:
            for split in language.splits:
                if split.malformed:
                    problems.setdefault(split.problem, []).append((language.task.name, split))
        return problems

    def teaches(self, task: str) -> bool:
        """Whether the data contain examples that the task learns from."""
        return any(
            split.split == "train" and not split.problem and split.language in language.task.train_languages
            for language in self.tasks[task]
            for split in language.splits
        )


def look(data: str | None, tasks: Sequence[str], languages: Sequence[str], *, offline: bool) -> DataSurvey:
    """Read every split of some tasks in some languages; by default of all tasks but intermediate ones.

    Raises UnknownName, MissingData, DataError (of a suite's own description), RobustXtremeError (of the hub).
    """
    data = data or os.environ.get(DATA_VARIABLE, "") or MINI
    with own_tasks(data):
        return _look(data, tasks, languages, offline)


def _look(data: str, tasks: Sequence[str], languages: Sequence[str], offline: bool) -> DataSurvey:
    groups = chosen(list(filterfalse(is_intermediate, tasks))) if tasks else dict.fromkeys(registry.names("task"), ())
    learned = [
        (task, code) for task in intermediate(tasks) for code in task.train_languages if code in (languages or [code])
    ]
    check_pairs(tuple(languages))
    codes(" ".join(code for language in languages for code in language.split("@")))
    source, kept = open_source(data, offline=offline), open_source(data, offline=True)
    kept = kept if kept != source else source
    members: dict[str, TaskSpec] = {name: registry.load("task", name) for name in groups}
    wanted = {name: _wanted(task, source, groups[name], languages) for name, task in members.items()}
    wanted = {name: some for name, some in wanted.items() if tasks or source.splits(members[name])}
    others = {name: () if languages else other_languages(members[name], kept, some) for name, some in wanted.items()}
    surveyed = {}
    with _progress(sum(len(some) + len(others[name]) for name, some in wanted.items()) + len(learned)) as advance:
        for name, some in wanted.items():
            seen = []
            for language in survey(members[name], source, kept, some, others[name]):
                advance(f"{name} {language.language}")
                seen.append(language)
            surveyed[name] = tuple(seen)
        for task, code in learned:
            advance(f"{task.name} {code}")
            surveyed[task.name] = (*surveyed.get(task.name, ()), survey_learned(task, kept, code))
    return DataSurvey(data, offline, source, surveyed, undescribed(source))


def _wanted(task: TaskSpec, source: Source, group: Sequence[str], languages: Sequence[str]) -> tuple[str, ...]:
    """The languages that a run evaluates: those that are named, else those of the group in the source."""
    if languages:
        asked = tuple(dict.fromkeys(languages))
        return tuple(code for code in asked if task.pairs or "@" not in code)
    return group_languages(task, source, group) or ("",)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal's stderr, nothing elsewhere."""
    if not (sys.stderr and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.progress import MofNCompleteColumn

    from robust_xtreme.cli._terminal import bar, messages

    with bar(messages(), MofNCompleteColumn()) as progress:
        task = progress.add_task("reading", total=total)
        yield lambda name: progress.update(task, advance=1, description=name)


def without_head(survey: DataSurvey, named: Sequence[str]) -> tuple[str, ...]:
    """The tasks that stop a run of mini on these data, because it has no head for them.

    Those that are named; tasks that are not stop it only where mini has a head for none of the data's.
    """
    heads = {path.stem for path in (resources.mini("model") / "heads").glob("*.safetensors")}
    tasks = {language.task.name: language.task for language in survey.all if language.evaluated}
    missing = [name for name, task in tasks.items() if task.head and heads.isdisjoint((name, *task.accepts))]
    return tuple(missing if len(missing) == len(tasks) else filter(named.__contains__, missing))


# ---------------------------------------------------------------------------------------------------------------- JSON


def facts(survey: DataSurvey) -> dict[str, Any]:
    """The survey in JSON types."""
    return {
        "data": survey.data,
        "offline": survey.offline,
        "loads": not survey.malformed,
        "tasks": [
            _task(languages[0].task, survey.source, languages) for languages in survey.tasks.values() if languages
        ],
        "malformed": [
            {
                "problem": line,
                "in": [{"task": task, "language": split.language, "split": split.split} for task, split in some],
            }
            for line, some in survey.malformed.items()
        ],
        "undescribed": list(survey.undescribed),
    }


def _task(task: TaskSpec, source: Source, languages: Sequence[Surveyed]) -> dict[str, Any]:
    return {
        "task": task.name,
        "family": task.family,
        "groups": list(task.groups),
        "licence": licence_of(task, source),
        "languages": [_language(language) for language in languages],
    }


def _language(language: Surveyed) -> dict[str, Any]:
    left = language.left
    return {
        "language": language.language,
        "evaluated": language.evaluated or None,
        "left_out": left and {"split": left.split, "reason": left.reason, "detail": left.detail},
        "stops": language.stops,
        "splits": [_split(split) for split in language.splits],
    }


def _split(split: Held) -> dict[str, Any]:
    if split.problem:
        return {"split": split.split, "loads": False, "malformed": split.malformed, "problem": split.problem}
    return {
        "split": split.split,
        "loads": True,
        "rows": split.rows,
        "clusters": split.clusters,
        "near_duplicates": split.near,
        "constant": split.constant,
        "labelled": split.labelled,
        "candidates": split.candidates or None,
        "files": [{"name": name, "sha256": sha256} for name, sha256 in split.files],
        "pool_files": [{"name": name, "sha256": sha256} for name, sha256 in split.pool_files],
    }
