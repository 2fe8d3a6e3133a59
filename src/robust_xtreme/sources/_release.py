"""A folder of the tasks' original release files, as XTREME's scripts leave it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Final, cast, final

from robust_xtreme.errors import MissingData, UnknownName, UserError
from robust_xtreme.languages import language as language_of
from robust_xtreme.sources._file import read_file
from robust_xtreme.sources._rows import SPLITS, Found
from robust_xtreme.specs import Files, Row, TaskSpec

_HELP: Final = "XTREME's scripts/download_data.sh writes these files; --data hub fetches them from the hub."

Reader = Callable[[str, str], tuple[Row, ...]]


@final
@dataclass(frozen=True, slots=True)
class Release:
    """The folder; each task says which of its files hold a split of a language."""

    folder: Path
    within = ""
    see = "robust-xtreme list tasks"
    remedy = "Their files: robust-xtreme list tasks --json; --data hub fetches them from the hub."
    unlabelled = "XTREME's scripts strip those of test sets; put the labelled release files there."

    def __str__(self) -> str:
        return str(self.folder)

    def languages(self, task: TaskSpec) -> tuple[str, ...]:
        """The task's own."""
        return task.languages

    def splits(self, task: TaskSpec) -> tuple[str, ...]:
        """The splits that the task has files for."""
        return tuple(one for one in SPLITS if one in task.files)

    def lacks(self, task: TaskSpec) -> str:
        """What is said where there are no splits."""
        return f"{task.name} names no release files."

    def holds(self, task: TaskSpec, language: str, split: str) -> bool:
        """Whether a file for that is there."""
        return self._find(task, language, split) is not None

    def fetch(self, *_: object) -> None:
        """Nothing: its files are here, or not at all."""

    def read(self, task: TaskSpec, language: str, split: str) -> Found:
        """The rows of one split. Raises MissingData, DataError."""
        path = self._find(task, language, split)
        if path is None:
            raise MissingData(self.missing(task, language, [split]))
        source = read_file(self.folder / path)
        files = task.files[split]
        rows: tuple[Row, ...] = reader(files.reader).read(source.text, str(self.folder / path))
        if files.ids == "ordinal":
            rows = tuple(replace(row, native=str(index)) for index, row in enumerate(rows))
        return Found(rows, str(self.folder / path), ((path, source.sha256),))

    def missing(self, task: TaskSpec, language: str, splits: Sequence[str]) -> str:
        """Where was looked for the split, and what brings it there."""
        if not self.folder.is_dir():
            return absent(self.folder)
        paths = ", ".join(path for one in splits for path in _paths(task, task.files[one], language))
        what = f"{task.name} {language}: no {' or '.join(splits)} file under {self.folder}"
        return f"{what}. Looked for {paths}. {_HELP}" if paths else f"{what}: the task has none in that language."

    def _find(self, task: TaskSpec, language: str, split: str) -> str | None:
        if split not in task.files:
            return None
        paths = _paths(task, task.files[split], language)
        return next((path for path in paths if (self.folder / path).is_file()), None)


def absent(folder: Path) -> str:
    """What is said of a data folder that is not there."""
    return f"The data folder {folder} does not exist. Name the folder of release files with --data."


def _paths(task: TaskSpec, files: Files, language: str) -> tuple[str, ...]:
    """The paths that may hold that language; a path without a language holds the task's training languages only."""
    if language not in task.languages:
        raise UnknownName(f"language of {task.name}", language, task.languages, "robust-xtreme list tasks")
    paths = (path for path in files.paths if "{" in path or language in task.train_languages)
    return tuple(_expand(path, language) for path in paths)


def _expand(path: str, language: str) -> str:
    """Fill in `{language}`, the code, and `{name}`, the language's English name in lower case."""
    if "{name}" in path:
        path = path.replace("{name}", language_of(language).name.lower())
    return path.replace("{language}", language)


def reader(name: str) -> ModuleType:
    """The module of that reader: one of this folder, or `package.module` of a third party. Raises UserError."""
    try:
        module = importlib.import_module(name if "." in name else f"robust_xtreme.sources.{name}")
        cast(Reader, module.read)
    except (ImportError, AttributeError) as error:
        raise UserError(f"The reader {name!r} that a task names does not load: {error}") from error
    return module
