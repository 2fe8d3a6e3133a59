"""A folder of the tasks' original release files, as XTREME's scripts leave it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final, final

from robust_xtreme import registry
from robust_xtreme.errors import MissingData, NoRows, UnknownName, UserError
from robust_xtreme.examples import digest
from robust_xtreme.formats import read_file, reader
from robust_xtreme.sources.paths import Group, Option, find, halved, odd, options, said
from robust_xtreme.sources.rows import SPLITS, Found, is_language
from robust_xtreme.specs import Files, Row, TaskSpec

_SCRIPTS: Final = "XTREME's scripts/download_data.sh writes these files; "
_HUB: Final = "--data hub fetches them from the hub."


@final
@dataclass(frozen=True, slots=True)
class Release:
    """The folder; each task says which of its files contain a split of a language."""

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
        """What is stated where there are no splits."""
        return f"{task.name} names no release files. {task.absent}".rstrip()

    def holds(self, task: TaskSpec, language: str, split: str) -> bool:
        """Whether a file for that is there."""
        return self._find(task, language, split) is not None

    def signature(self, task: TaskSpec, language: str, split: str) -> str:
        """What tells whether the files of a split are those of another time: names, numbers, sizes, times of change.

        A copy can keep size and time of change (cp -p), but not the time of change of its entry, which nobody can set.
        """
        found = self._find(task, language, split)
        facts = [(path, (self.folder / path).stat()) for path in found.paths] if found else []
        own = [(one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for _, one in facts]
        names = [str(self.folder.resolve() / path) for path, _ in facts]
        return digest(*names, repr(own)) if facts else ""

    def fetch(self, *_: object) -> None:
        """Nothing: its files are here, or not at all."""

    def read(self, task: TaskSpec, language: str, split: str) -> Found:
        """The rows of one split. Raises MissingData, DataError."""
        found = self._find(task, language, split)
        if found is None:
            raise MissingData(self.missing(task, language, [split]))
        return self._read(task.files[split], found, language)

    def faults(self, task: TaskSpec, language: str, split: str) -> tuple[str, ...]:
        """What is wrong with each of several files that are read one after the other; reading stops at the first."""
        found = self._find(task, language, split)
        if found is None or found.joint:
            return ()
        lines = []
        for path in found.paths:
            try:
                self._read(task.files[split], Group((path,)), language)
            except UserError as error:
                lines.append(str(error))
        return tuple(lines)

    def missing(self, task: TaskSpec, language: str, splits: Sequence[str]) -> str:
        """Where was looked for the split, and what brings it there."""
        if not self.folder.is_dir():
            return absent(self.folder)
        wanted = [one for split in splits for one in _options(task, task.files[split], language)]
        what = f"{task.name} {language}: no {' or '.join(splits)} file under {self.folder}"
        return self._looked(task, what, wanted) if wanted else f"{what}: the task has none in that language."

    def own_pool(self, task: TaskSpec, split: str) -> bool:
        """Whether the candidates of a split have files of their own, here or not."""
        return task.pool is not None and split in {**task.pool.files, **task.pool.hub}

    def read_pool(self, task: TaskSpec, split: str) -> Found:
        """The rows of the candidates' own files. Raises MissingData, DataError."""
        if task.pool is None or split not in task.pool.files:
            raise MissingData(f"{task.name} names no release files with the candidates of {split}.")
        wanted = options(task.pool.files[split], "")
        found = find(self.folder, wanted)
        if found is None:
            what = f"{task.name}: no file with the candidates of {split} under {self.folder}"
            raise MissingData(self._looked(task, what, wanted) if self.folder.is_dir() else absent(self.folder))
        return self._read(task.pool.files[split], found, "")

    def _find(self, task: TaskSpec, language: str, split: str) -> Group | None:
        return find(self.folder, _options(task, task.files[split], language)) if split in task.files else None

    def _looked(self, task: TaskSpec, what: str, wanted: Sequence[Option]) -> str:
        half = halved(self.folder, wanted) or odd(self.folder, wanted)
        return f"{what}{f': {half}' if half else '.'} Looked for {said(wanted)}. {_help(task)}"

    def _read(self, files: Files, found: Group, language: str) -> Found:
        """The rows of all files, one after the other; of files that mix languages, those of the language."""
        module = reader(files.reader)
        sources = {path: read_file(self.folder / path) for path in found.paths}
        texts = [(source.text, str(self.folder / path)) for path, source in sources.items()]
        if found.joint or not hasattr(module, "read"):
            rows: tuple[Row, ...] = module.read_parts(texts)
        else:
            rows = tuple(chain.from_iterable(module.read(text, path) for text, path in texts))
        if files.mixed:
            rows = _of_language(rows, language, " and ".join(found.paths))
        if files.ids == "ordinal":
            rows = tuple(replace(row, native=str(index)) for index, row in enumerate(rows))
        place = " and ".join(path for _, path in texts)
        return Found(rows, place, tuple((path, source.sha256) for path, source in sources.items()))


def _of_language(rows: tuple[Row, ...], language: str, files: str) -> tuple[Row, ...]:
    """The rows of one language of a file of several. Raises NoRows."""
    found = tuple(row for row in rows if row.values["language"] == language)
    if rows and not found:
        raise NoRows(f"{files} has no rows in {language}.")
    return found


def _help(task: TaskSpec) -> str:
    """What brings the task's files there."""
    if not task.hub:
        return f"--data hub does not fetch them. {task.absent}".rstrip()
    return _SCRIPTS + _HUB if {"xtreme-r", "xtreme"} & set(task.groups) else _HUB


def see_of(task: TaskSpec, see: str) -> str:
    """The command that lists a task's languages: of intermediate tasks it is another than of those evaluated."""
    return see.replace("list tasks", "list intermediate") if task.name in registry.names("intermediate") else see


def absent(folder: Path) -> str:
    """What is stated of a data folder that is not there."""
    return f"The data folder {folder} does not exist. Name the folder of release files with --data."


def _options(task: TaskSpec, files: Files, language: str) -> tuple[Option, ...]:
    """The paths that may hold that language.

    A path without a language contains the task's training languages only, or where files mix them all languages.
    """
    if not is_language(task, language, (*task.languages, *task.train_languages)):
        raise UnknownName(f"language of {task.name}", language, task.languages, see_of(task, Release.see))
    return options(files, language, everywhere=files.mixed or language in task.train_languages)
