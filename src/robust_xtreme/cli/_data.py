"""The survey that `data` prints: which splits of each task and language exist and load; as values and as JSON."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import filterfalse
from typing import Any, Final

from rich.console import Console
from rich.progress import MofNCompleteColumn
from rich.table import Column

from robust_xtreme.cli._terminal import WIDE, output, steps, table_of
from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import shown
from robust_xtreme.core.languages import codes
from robust_xtreme.core.run_spec import DATA_VARIABLE, MINI, check_pairs
from robust_xtreme.core.sinks import echo, visible
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.adapters.own import own_tasks
from robust_xtreme.tasks.groups import chosen, intermediate, is_intermediate, with_own_data
from robust_xtreme.tasks.sources.rows import SPLITS
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
    asked = chosen(list(filterfalse(is_intermediate, tasks)))
    groups = asked if tasks else {task.name: () for task in with_own_data()}
    trained = [(task, code) for task in intermediate(tasks) for code in task.train_languages]
    learned = [(task, code) for task, code in trained if code in (languages or [code])]
    check_pairs(tuple(languages))
    codes(" ".join(code for language in languages for code in language.split("@")))
    source, kept = open_source(data, offline=offline), open_source(data, offline=True)
    kept = kept if kept != source else source
    members: dict[str, TaskSpec] = {name: registry.load("task", name) for name in groups}
    wanted = {name: _wanted(task, source, groups[name], languages) for name, task in members.items()}
    wanted = {name: some for name, some in wanted.items() if tasks or source.splits(members[name])}
    others = {name: () if languages else other_languages(members[name], kept, some) for name, some in wanted.items()}
    surveyed = {}
    total = sum(len(some) + len(others[name]) for name, some in wanted.items()) + len(learned)
    with steps("reading", MofNCompleteColumn(), total=total) as step:
        for name, some in wanted.items():
            seen = []
            for language in survey(members[name], source, kept, some, others[name]):
                step(advance=1, description=f"{name} {language.language}")
                seen.append(language)
            surveyed[name] = tuple(seen)
        for task, code in learned:
            step(advance=1, description=f"{task.name} {code}")
            surveyed[task.name] = (*surveyed.get(task.name, ()), survey_learned(task, kept, code))
    return DataSurvey(data, offline, source, surveyed, undescribed(source))


def _wanted(task: TaskSpec, source: Source, group: Sequence[str], languages: Sequence[str]) -> tuple[str, ...]:
    """The languages that a run evaluates: those that are named, else those of the group in the source."""
    if languages:
        asked = tuple(dict.fromkeys(languages))
        return tuple(code for code in asked if task.pairs or "@" not in code)
    return group_languages(task, source, group) or ("",)


def without_head(survey: DataSurvey, named: Sequence[str]) -> tuple[str, ...]:
    """The tasks that stop a run of mini on these data, because it has no head for them.

    Those that are named; tasks that are not stop it only where mini has a head for none of the data's.
    """
    heads = {path.stem for path in (resources.mini("model") / "heads").glob("*.safetensors")}
    tasks = {language.task.name: language.task for language in survey.all if language.evaluated}
    missing = [name for name, task in tasks.items() if task.head and heads.isdisjoint((name, *task.accepts))]
    return tuple(missing if len(missing) == len(tasks) else filter(named.__contains__, missing))


def facts(survey: DataSurvey) -> dict[str, Any]:
    """The survey in JSON types."""
    return {
        "data": survey.data,
        "offline": survey.offline,
        "loads": not survey.malformed,
        "tasks": [_task(survey.source, languages) for languages in survey.tasks.values() if languages],
        "malformed": [
            {
                "problem": line,
                "in": [{"task": task, "language": split.language, "split": split.split} for task, split in some],
            }
            for line, some in survey.malformed.items()
        ],
        "undescribed": list(survey.undescribed),
    }


def _task(source: Source, languages: Sequence[Surveyed]) -> dict[str, Any]:
    task = languages[0].task
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


_SHORT: Final = 12
_MOST: Final = 10
_NEAR: Final = 0.05
_LOOKED: Final = " Looked for "


def _show(console: Console, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table or, where the terminal is too narrow, a line for each row with the column of each value."""
    table = table_of([Column(name, overflow="fold", no_wrap=name != names[-1]) for name in names], rows)
    if console.measure(table, options=console.options.update(max_width=WIDE)).minimum <= console.width:
        console.print(table)
        return
    for row in rows:
        cells = [f"{name} {' '.join(value.split())}" for name, value in zip(names, row, strict=True) if value != "-"]
        console.print("- " + ", ".join(cells), overflow="fold")


def show_list(survey: DataSurvey) -> None:
    """Print a table of splits for each task, then the languages without a split."""
    console = output()
    console.print(visible(f"Data: {survey.data}"), soft_wrap=True)
    for languages in filter(None, survey.tasks.values()):
        task = languages[0].task
        console.print(f"\n{task.name}: licence {licence_of(task, survey.source) or 'not stated'}", soft_wrap=True)
        splits = [split for language in languages for split in language.splits]
        if splits:
            pooled = task.pool is not None
            names = ["language", "split", "rows", "labels", *["candidates"] * pooled, "sha256", "file"]
            _show(console, names, [_cells(split, pooled) for split in splits])
        if absent := [language.language or "-" for language in languages if not language.splits]:
            console.print(f"nothing here in {len(absent)}: {' '.join(absent)}", soft_wrap=not console.is_terminal)


def _cells(split: Held, pooled: bool) -> list[str]:
    if split.problem:
        return [split.language, split.split, "-", "-", *["-"] * pooled, "-", visible(split.problem)]
    hashes = "\n".join(sha256[:_SHORT] for _, sha256 in split.files)
    names = "\n".join(visible(name) for name, _ in split.files)
    labels = "yes" if split.labelled else "no"
    counts = [f"{split.rows:,}", labels, *[f"{split.candidates:,}"] * pooled]
    return [split.language, split.split, *counts, hashes, names]


def show_check(survey: DataSurvey) -> None:
    """Print what loads of each task, each malformed file, and what a run leaves out, with reason and remedy."""
    console = output()
    console.print(visible(f"Data: {survey.data}"), soft_wrap=True)
    _show(console, ["task", *SPLITS, "rows", "candidates", "a run evaluates"], list(_loaded(survey)))
    _print_malformed(console, survey)
    _print_left(console, survey)
    if names := survey.undescribed:
        console.print(f"\nNot described by suite.toml, and not read: {len(names)}")
        for name in names[:_MOST]:
            console.print(f"  {visible(name)}", soft_wrap=True)
        if len(names) > _MOST:
            console.print(f"  and {len(names) - _MOST} more")
    _print_suspect(console, survey)
    if survey.is_empty:
        see = "Files that tasks read: robust-xtreme list tasks --json; in a folder of your own, suite.toml names them."
        echo(f"\nNothing of these tasks is there. {see}", error=True)
    elif not survey.malformed:
        console.print("\nEverything that is there loads.")


def _loaded(survey: DataSurvey) -> Iterator[list[str]]:
    """For each task: the number of languages that load, by split, and how many a run evaluates."""
    for languages in filter(None, survey.tasks.values()):
        splits = [split for language in languages for split in language.splits if not split.problem]
        counts = [str(sum(item.split == split for item in splits) or "-") for split in SPLITS]
        rows, most = sum(split.rows for split in splits), max((split.candidates for split in splits), default=0)
        asked = [each for each in languages if each.language and (each.evaluated or each.left or each.stops)]
        ran = f"{sum(bool(language.evaluated) for language in asked)} of {len(asked)} languages"
        ran = "-" if any(language.learned for language in languages) else ran
        yield [languages[0].task.name, *counts, f"{rows:,}", f"{most:,}" if most else "-", ran]


def _print_malformed(console: Console, survey: DataSurvey) -> None:
    lines = survey.malformed
    if not lines:
        return
    console.print(f"\nMalformed: {len(lines)}. A run that evaluates or learns from one of them stops there.")
    for line, some in lines.items():
        console.print(f"  {visible(line)}", soft_wrap=True)
        by_split: dict[str, list[str]] = {}
        for task, split in some:
            by_split.setdefault(f"{task} {split.split}", []).append(split.language)
        where = "; ".join(f"{name}: {' '.join(codes)}" for name, codes in by_split.items())
        console.print(f"    in {where}", soft_wrap=True)


def _print_left(console: Console, survey: DataSurvey) -> None:
    """Print one entry for languages that are left out for the same reason, with the paths tried and the remedy."""
    groups: dict[tuple[str, str, str], list[Surveyed]] = {}
    for language in survey.all:
        if language.left is not None:
            alike = (language.task.name, language.left.reason, _alike(language).partition(_LOOKED)[0])
            groups.setdefault(alike, []).append(language)
    unread = [
        (language.task.name, split)
        for language in survey.all
        for split in language.splits
        if split.problem and not split.malformed
    ]
    if groups or unread:
        console.print("\nA run leaves out:")
    for (task, reason, _), several in groups.items():
        languages = " ".join(language.language or "every language" for language in several)
        console.print(f"  {task}, {reason}: {languages}", soft_wrap=not console.is_terminal)
        console.print(f"    {visible(_alike(several[0]) if several[1:] else _why(several[0]))}", soft_wrap=True)
    printed = {language.left.detail for language in survey.all if language.left}
    for task, split in unread:
        if split.problem not in printed:
            console.print(f"  {task} {split.language}, {split.split}: {visible(split.problem)}", soft_wrap=True)


def _print_suspect(console: Console, survey: DataSurvey) -> None:
    """Print the files in which a field has one value, and the largest shares of near-duplicates of each task."""
    lines, shares = list[str](), dict[str, list[tuple[float, str]]]()
    for task, split in ((language.task.name, split) for language in survey.all for split in language.splits):
        where = f"{split.split} of {', '.join(name for name, _ in split.files)}"
        lines += [f"  {task} {split.language}, {where}: {name} is {shown(it)}" for name, it in split.constant.items()]
        if split.near >= _NEAR * split.rows > 0:
            shares.setdefault(task, []).append((split.near / split.rows, f"{split.language} {split.split}"))
    if lines:
        console.print("\nOne value in every row:")
    for line in lines:
        console.print(visible(line), soft_wrap=True)
    if shares:
        console.print(f"\nItems nearly equal to one of another cluster, which intervals do not know, from {_NEAR:.0%}:")
    for task, some in shares.items():
        listed = ", ".join(f"{where} {share:.0%}" for share, where in sorted(some, reverse=True)[:_MOST])
        console.print(f"  {task}: {listed}{f', of {len(some)}' if len(some) > _MOST else ''}", soft_wrap=True)


def _why(language: Surveyed) -> str:
    """Why a language is left out, without the leading task and language."""
    assert language.left is not None
    return language.left.detail.removeprefix(f"{language.task.name} {language.language}: ")


def _alike(language: Surveyed) -> str:
    """The reason with `{language}` and `{code}` instead of the codes in it; the remedy is not changed."""
    task, name = language.task, language.language
    codes = [*(files.codes for files in task.files.values()), *(files.codes for files in task.hub.values())]
    names = {name: "{language}"} | {each[name]: "{code}" for each in codes if name in each}
    what, sign, after = _why(language).partition(_LOOKED)
    looked, dot, remedy = after.partition(". ")
    text = what.replace(f" has no rows in {name};", " has no rows in {language};") + sign + looked
    for code, key in names.items():
        if code:
            text = re.sub(rf"(?<=[-._/]){re.escape(code)}(?=[-._/@,]|\s|$)", key, text)
    return text + dot + remedy
