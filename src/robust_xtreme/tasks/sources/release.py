"""A folder of the tasks' original release files, as XTREME's scripts leave it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import final

from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import DataError, MissingData, NoRows, UserError
from robust_xtreme.core.examples import digest
from robust_xtreme.core.languages import unknown_language
from robust_xtreme.core.specs import Files, Row, TaskSpec
from robust_xtreme.tasks.formats import expectation, read_file, reader
from robust_xtreme.tasks.sources.paths import Group, Option, find, halved, listed, misnamed, odd, options
from robust_xtreme.tasks.sources.rows import SPLITS, SourceRows, is_language


@final
@dataclass(frozen=True, slots=True)
class Release:
    """The folder; each task says which of its files contain a split of a language."""

    folder: Path
    within = ""
    see = "robust-xtreme list tasks"
    remedy = "Their files: robust-xtreme list tasks --json; --data hub fetches them from the hub."
    unlabelled = "XTREME's scripts strip the labels of test sets; put the labelled release files there."

    def __str__(self) -> str:
        return str(self.folder)

    def languages(self, task: TaskSpec) -> tuple[str, ...]:
        """The task's languages."""
        return task.languages

    def splits(self, task: TaskSpec) -> tuple[str, ...]:
        """The splits that the task has files for."""
        return tuple(split for split in SPLITS if split in task.files)

    def lacks(self, task: TaskSpec) -> str:
        """The message where there are no splits."""
        return f"{task.name} names no release files. {task.absent}".rstrip()

    def holds(self, task: TaskSpec, language: str, split: str) -> bool:
        """Whether a file of that split exists."""
        return self._find(task, language, split) is not None

    def signature(self, task: TaskSpec, language: str, split: str) -> str:
        """A hash that changes with the files of a split, of their names and versions."""
        group = self._find(task, language, split)
        paths = group.paths if group else ()
        versions = [resources.version(self.folder / path) for path in paths]
        names = [str(self.folder.resolve() / path) for path in paths]
        return digest(*names, repr(versions)) if versions else ""

    def fetch(self, *_: object) -> None:
        """Do nothing: the files are local."""

    def read(self, task: TaskSpec, language: str, split: str) -> SourceRows:
        """The rows of one split. Raises MissingData, DataError."""
        group = self._find(task, language, split)
        if group is None:
            raise MissingData(self.missing(task, language, [split]))
        return self._read(task.files[split], group, language)

    def faults(self, task: TaskSpec, language: str, split: str) -> tuple[str, ...]:
        """What is wrong with each of several files that are read one after the other; reading stops at the first."""
        group = self._find(task, language, split)
        if group is None or group.joint:
            return ()
        lines = []
        for path in group.paths:
            try:
                self._read(task.files[split], Group((path,)), language)
            except UserError as error:
                lines.append(str(error))
        return tuple(lines)

    def missing(self, task: TaskSpec, language: str, splits: Sequence[str]) -> str:
        """The message for a missing split: where it was looked for, and how to get it."""
        if not self.folder.is_dir():
            return absent(self.folder)
        wanted = [option for split in splits for option in _options(task, task.files[split], language)]
        what = f"{task.name} {language}: no {' or '.join(splits)} file under {self.folder}"
        known = (*task.languages, *task.train_languages)
        others = (misnamed(self.folder, task.files[split], language, known) for split in splits)
        if not wanted:
            return f"{what}: the task has none in that language."
        return self._looked(task, what, wanted, next(filter(None, others), ""))

    def read_pool(self, task: TaskSpec, split: str) -> SourceRows:
        """The rows of the candidates' separate files. Raises MissingData, DataError."""
        if task.pool is None or split not in task.pool.files:
            raise MissingData(f"{task.name} names no release files with the candidates of {split}.")
        wanted = options(task.pool.files[split], "")
        group = find(self.folder, wanted)
        if group is None:
            what = f"{task.name}: no file with the candidates of {split} under {self.folder}"
            raise MissingData(self._looked(task, what, wanted) if self.folder.is_dir() else absent(self.folder))
        return self._read(task.pool.files[split], group, "")

    def _find(self, task: TaskSpec, language: str, split: str) -> Group | None:
        return find(self.folder, _options(task, task.files[split], language)) if split in task.files else None

    def _looked(self, task: TaskSpec, what: str, wanted: Sequence[Option], otherwise: str = "") -> str:
        """The message for missing files: where they were looked for, and how to get them."""
        half = halved(self.folder, wanted) or odd(self.folder, wanted) or otherwise
        if not task.hub:
            see = f"--data hub does not fetch them. {task.absent}".rstrip()
        else:
            is_scripts = bool({"xtreme-r", "xtreme"} & set(task.groups))
            see = "XTREME's scripts/download_data.sh writes these files; " if is_scripts else ""
            see += "--data hub fetches them from the hub."
        return f"{what}{f': {half}' if half else '.'} Looked for {listed(wanted)}. {see}"

    def _read(self, files: Files, group: Group, language: str) -> SourceRows:
        """The rows of all files, one after the other; of files that mix languages, those of the language."""
        module = reader(files.reader)
        sources = {path: read_file(self.folder / path) for path in group.paths}
        texts = [(source.text, str(self.folder / path)) for path, source in sources.items()]
        try:
            if group.joint or not hasattr(module, "read"):
                rows: tuple[Row, ...] = module.read_parts(texts)
            else:
                rows = tuple(chain.from_iterable(module.read(text, path) for text, path in texts))
        except DataError as error:
            if not error.foreign and not any(error.location == f"{path}:1" for _, path in texts):
                raise
            # In the first line of a file, or about its format: the one that is expected is named.
            raise DataError(error.location, f"{error.what} {expectation(files.reader)}", foreign=True) from None
        if files.mixed and rows:
            rows = _of_language(rows, language, files, group)
        if files.ids == "ordinal":
            rows = tuple(
                row if row.native == str(index) else replace(row, native=str(index)) for index, row in enumerate(rows)
            )
        location = " and ".join(path for _, path in texts)
        digests = tuple((path, source.sha256) for path, source in sources.items())
        return SourceRows(rows, location, digests, expectation(files.reader))


def _of_language(rows: Sequence[Row], language: str, files: Files, group: Group) -> tuple[Row, ...]:
    """The rows in a language, by our code or the release's. Raises NoRows.

    Raises DataError for a row in another language in a file that its path says to be of this one.
    """
    names = tuple(dict.fromkeys((language, files.codes.get(language, language))))
    other = next((row for row in rows if row.values["language"] not in names), None)
    if other and not {*group.paths} <= {*files.paths}:
        what = f"is a row in {other.values['language'][:20]!r}, and the file is of {' or '.join(names)}."
        shared = [path for path in files.paths if isinstance(path, str) and "{" not in path]
        raise DataError(other.location, f"{what} One of several languages: {' or '.join(shared)}")
    if not (kept := tuple(row for row in rows if row.values["language"] in names)):
        there = ", ".join(sorted({str(row.values["language"])[:20] for row in rows})[:20])
        raise NoRows(f"{' and '.join(group.paths)} has no rows in {language}; its languages are {there}.")
    return kept


def see_of(task: TaskSpec, see: str) -> str:
    """The command that lists a task's languages: it differs for intermediate and evaluated tasks."""
    return see.replace("list tasks", "list intermediate") if task.name in registry.names("intermediate") else see


def absent(folder: Path) -> str:
    """The message for a data folder that does not exist, is empty, or is a file."""
    if folder.is_dir():
        return f"The data folder {folder} is empty. What belongs there: robust-xtreme list tasks --json"
    if folder.exists():
        return f"{folder} is a file. Name the folder of release files, or of a suite: --data {folder.parent}"
    return f"The data folder {folder} does not exist. Name the folder of release files with --data."


def _options(task: TaskSpec, files: Files, language: str) -> tuple[Option, ...]:
    """The paths that may contain that language.

    A path without a language contains only the task's training languages, or all languages where files mix them.
    """
    if not is_language(task, language, (*task.languages, *task.train_languages)):
        raise unknown_language(language, task.languages, see_of(task, Release.see), f"language of {task.name}")
    return options(files, language, everywhere=files.mixed or language in task.train_languages)
