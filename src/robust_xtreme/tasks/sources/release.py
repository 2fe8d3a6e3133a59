"""A folder of the tasks' original release files, as XTREME's scripts leave it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from shlex import quote
from typing import Final, NamedTuple

from robust_xtreme.core import registry, resources
from robust_xtreme.core.errors import DataError, MissingData, NoRows, UserError
from robust_xtreme.core.examples import digest
from robust_xtreme.core.languages import language as language_of
from robust_xtreme.core.languages import unknown_language
from robust_xtreme.core.specs import Files, Origin, Row, TaskSpec
from robust_xtreme.tasks.formats import expectation, read_file, reader
from robust_xtreme.tasks.sources.rows import SPLITS, SourceRows, is_language

Option = tuple[str, ...]
"""The files that make the rows together, mostly one; a single path with `*` is a pattern."""


class Group(NamedTuple):
    """Files that contain a split: each has rows of its own or, where `joint`, all of them make the rows together."""

    paths: tuple[str, ...]
    joint: bool = False


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

    def may_hold(self, task: TaskSpec, split: str) -> bool:
        """Whether a folder that files of that split are in exists, whatever their language."""
        options = task.files[split].paths if split in task.files else ()
        first = (option if isinstance(option, str) else option[0] for option in options)
        parents = {_VARIES.split(path, maxsplit=1)[0].rpartition("/")[0] for path in first}
        return any((self.folder / parent).is_dir() for parent in parents)

    def signature(self, task: TaskSpec, language: str, split: str) -> str:
        """A hash that changes with the files of a split, of their names and versions."""
        group = self._find(task, language, split)
        paths = group.paths if group else ()
        versions = [resources.version(self.folder / path) for path in paths]
        names = [str(self.folder.resolve() / path) for path in paths]
        return digest(*names, repr(versions)) if versions else ""

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
            if hasattr(module, "read_parts") and (group.joint or not hasattr(module, "read")):
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
            rows = tuple(row if row.native == str(at) else replace(row, native=str(at)) for at, row in enumerate(rows))
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
        table = f"A table of your own: robust-xtreme eval --data {quote(str(folder))} --fields TEXT --gold LABEL --plan"
        return f"{folder} is a file. Name the folder of release files, or of a suite. {table}"
    return f"The data folder {folder} does not exist. Name the folder of release files with --data."


def _options(task: TaskSpec, files: Files, language: str) -> tuple[Option, ...]:
    """The paths that may contain that language.

    A path without a language contains only the task's training languages, or all languages where files mix them.
    """
    if not is_language(task, language, (*task.languages, *task.train_languages)):
        raise unknown_language(language, task.languages, see_of(task, Release.see), f"language of {task.name}")
    return options(files, language, everywhere=files.mixed or language in task.train_languages)


_ANY: Final = "*"
_VARIES: Final = re.compile(r"[{*]")


def expand(text: str, language: str, codes: Mapping[str, str]) -> str:
    """Fill in `{language}`, `{code}`, `{question}`, `{context}`, and `{name}`, its English name in lower case."""
    if "{name}" in text:
        text = text.replace("{name}", language_of(language).name.lower())
    origin = Origin("", "", language)
    given = {"language": language, "code": codes.get(language, language)}
    for key, value in {**given, "question": origin.question, "context": origin.context}.items():
        text = text.replace(f"{{{key}}}", value)
    return text


def options(files: Files, language: str, *, everywhere: bool = True) -> tuple[Option, ...]:
    """The paths that may contain a language; paths without a placeholder only if `everywhere`."""
    wanted = ((option,) if isinstance(option, str) else option for option in files.paths)
    return tuple(
        tuple(expand(path, language, files.codes) for path in option)
        for option in wanted
        if everywhere or any("{" in path for path in option)
    )


def find(folder: Path, wanted: Sequence[Option]) -> Group | None:
    """The first option whose files all exist."""
    for option in wanted:
        paths = option
        if _ANY in option[0]:  # sorted by name and then folder, without hidden files, as other systems' archives have
            matches = [path for path in folder.glob(option[0]) if not path.name.startswith(".")]
            matches.sort(key=lambda path: (path.name, path))
            paths = tuple(path.relative_to(folder).as_posix() for path in matches if path.is_file())
        if paths and all((folder / path).is_file() for path in paths):
            return Group(paths, joint=len(option) > 1)
    return None


def listed(wanted: Sequence[Option]) -> str:
    """The options as an error lists them."""
    return ", ".join(" with ".join(option) for option in wanted)


def halved(folder: Path, wanted: Sequence[Option]) -> str:
    """A sentence about an option with some of its files missing; empty where there is none."""
    for option in wanted:
        there = [path for path in option if (folder / path).is_file()]
        absent = [path for path in option if path not in there]
        if there and absent:
            return f"{' and '.join(there)} is there without {' and '.join(absent)}; all of them are needed."
    return ""


def odd(folder: Path, wanted: Sequence[Option]) -> str:
    """A sentence about a path that exists but is not a regular file; empty where there is none."""
    for part in (part for option in wanted for part in option if _ANY not in part):
        path = folder / part
        if path.is_symlink() and not path.exists():
            return f"{part} is a link to nothing."
        if path.exists() and not path.is_file():
            return f"{part} is not a regular file, but a folder, a pipe, a socket or a device."
    return ""


def misnamed(folder: Path, files: Files, language: str, languages: Sequence[str]) -> str:
    """A sentence about a file that no language of a task has, and whose code may be another one of this language.

    Codes of two and of three letters are compared: ay and aym, gn and grn, qu and quz. Empty where there is none.
    """
    paths = [path for path in files.paths if isinstance(path, str) and Path(path).stem in ("{code}", "{language}")]
    for path in paths:
        known = {expand(path, code, files.codes) for code in languages}
        wanted = Path(expand(path, language, files.codes))
        for other in sorted((folder / wanted.parent).glob(f"*{wanted.suffix}")):
            name = (wanted.parent / other.name).as_posix()
            if name not in known and _abbreviates(*sorted((language, other.stem), key=len)):
                return f"{name} is there and not read; the file of {language} is {wanted.name}."
    return ""


def _abbreviates(short: str, long: str) -> bool:
    """Whether a code is the first and a later letter, or all, of one with at most three."""
    return long[:1] == short[:1] and len(long) <= 3 and short[1:] in (long[1:2], long[2:], long[1:])
