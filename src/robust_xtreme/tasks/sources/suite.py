"""A suite: a folder with `suite.toml` and rows in `TASK/SPLIT-LANGUAGE.jsonl`, one JSON object a line.

The rows may be compressed by gzip, in `TASK/SPLIT-LANGUAGE.jsonl.gz`; a file that is not compressed precedes.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import languages as known
from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, MissingData, SpecError, UnknownName, UserError, nearest, shown
from robust_xtreme.core.specs import Files, Row, TaskSpec, check_keys
from robust_xtreme.tasks.formats import PACKED, numbered_lines, parse, read_file, reader, text_of
from robust_xtreme.tasks.sources.own import CONFIRMED, OwnTask, is_own, own_task
from robust_xtreme.tasks.sources.rows import SPLITS, SourceRows

MANIFEST: Final = "suite.toml"
POOL: Final = "pool.jsonl"
_TEXTS: Final = ("name", "version", "summary")
_LICENCE: Final = "licence"
READ_BY: Final = "read_by"
_NOT_STATED: Final = f"not stated (suite.toml has a key {_LICENCE} for it)"
_LONGEST: Final = 1000
_CLUSTER: Final = "cluster"
_OWN: Final = ("id", _CLUSTER)


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite as its `suite.toml` describes it; its languages, or those that it names for a task, replace the task's
    own list. `own_tasks` are those that it describes itself; `licence` says so where it names none;
    `read_by` are the options that made it of a file."""

    folder: Path
    name: str
    version: str
    summary: str
    codes: tuple[str, ...]
    tasks: Mapping[str, tuple[str, ...]]
    named: Mapping[str, tuple[str, ...]]
    own_tasks: Mapping[str, OwnTask]
    licence: str
    read_by: tuple[str, ...] = ()
    unlabelled = (
        "If a choice of your own does have one label there, say so: --labels with all of them beside a file of rows, "
        f"or {CONFIRMED} = true in its table of {MANIFEST}."
    )

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def within(self) -> str:
        """The suite's name as errors add it to a name that is not in it."""
        return f" in the suite {self.name}"

    @property
    def see(self) -> str:
        """The file that lists its names."""
        return str(self.folder / MANIFEST)

    @property
    def remedy(self) -> str:
        """What a user can do where nothing is found."""
        return f"What the suite has: {self.see}"

    def languages(self, task: TaskSpec) -> tuple[str, ...]:
        """The suite's languages; empty where it does not have the task."""
        return self.named.get(task.data, self.codes) if task.data in self.tasks else ()

    def splits(self, task: TaskSpec) -> tuple[str, ...]:
        """The splits that it has of a task."""
        return self.tasks.get(task.data, ())

    def lacks(self, task: TaskSpec) -> str:
        """The message where there are no splits."""
        return f"The suite {self.name} has no task {task.data}. It has: {', '.join(self.tasks)}."

    def holds(self, task: TaskSpec, language: str, split: str) -> bool:
        """Whether a file of that split exists; what is not a regular file counts, and `read` raises DataError."""
        return split in self.splits(task) and _is_there(self._file(path_of(task, language, split)))

    def read(self, task: TaskSpec, language: str, split: str) -> SourceRows:
        """The rows of one split. Raises MissingData, DataError."""
        if not self.holds(task, language, split):
            raise MissingData(self.missing(task, language, [split]))
        return self._read(task, path_of(task, language, split), next(iter(task.files.values())))

    def read_pool(self, task: TaskSpec, *_: object) -> SourceRows:
        """The rows of the candidates' separate file. Raises MissingData, DataError."""
        if task.pool is None or not task.pool.files:
            raise MissingData(f"{task.name} names no format in which a suite has its candidates.")
        path = f"{task.data}/{POOL}"
        if not _is_there(self._file(path)):
            raise MissingData(f"{task.name}: no file with the candidates under {self.folder}. Looked for {path}.")
        return self._read(task, path, next(iter(task.pool.files.values())))

    def _file(self, path: str) -> Path:
        """The file at a path in the folder: the compressed one where that is the only one."""
        plain, packed = self.folder / path, self.folder / f"{path}{PACKED}"
        return packed if _is_there(packed) and not _is_there(plain) else plain

    def _read(self, task: TaskSpec, name: str, files: Files) -> SourceRows:
        path = self._file(name)
        if not path.is_file():
            raise DataError(path, "is not a regular file.")
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise DataError(path, "leads out of the suite's folder.")
        file = read_file(path)
        location = str(path)
        return SourceRows(self.rows_of(task, file.text, location, files.reader), location, ((name, file.sha256),))

    def rows_of(self, task: TaskSpec, text: str, location: str, name: str = "") -> tuple[Row, ...]:
        """The rows of a text in the suite's form, by a named reader (the task's without a name). Raises DataError."""
        module = reader(name or next(iter(task.files.values())).reader)
        if not hasattr(module, "record"):
            what = f"its reader {module.__name__} has no function `record` to read rows of a suite."
            raise UserError(f"{task.name}: {what}")
        described = self.own_tasks.get(task.name)
        wanted = described.keys if described else (*_OWN, *module.FIELDS)
        given = ((line, f"{location}:{number}") for number, line in numbered_lines(text))
        rows = tuple(_row(line, where, wanted, module, bool(described)) for line, where in given)
        for row in rows if any(row.cluster for row in rows) else ():
            if not row.cluster:
                raise DataError(row.location, "the key 'cluster' is missing, and other rows of the file have one.")
        return rows

    def missing(self, task: TaskSpec, language: str, splits: Sequence[str]) -> str:
        """The message for a missing split: where it was looked for."""
        paths = ", ".join(path_of(task, language, split) for split in splits)
        return f"{task.name} {language}: no {' or '.join(splits)} file under {self.folder}. Looked for {paths}."


def open_suite(folder: Path) -> Suite:
    """Read the manifest of a suite. Raises DataError naming the file and the key."""
    path = folder / MANIFEST
    try:
        values = tomllib.loads(read_file(path).text)
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"is not valid toml: {resources.why(error)}") from error
    try:
        return _suite(folder, values)
    except (SpecError, UnknownName) as error:
        raise DataError(path, str(error).removeprefix(f"{path}: ")) from error


def _suite(folder: Path, values: Mapping[str, Any]) -> Suite:
    path = folder / MANIFEST
    tables = {key: value for key, value in values.items() if isinstance(value, dict) and key not in _KEYS}
    check_keys((key for key in values if key not in tables), (*_KEYS, _LICENCE, READ_BY), _KEYS, str(path))
    read_by = _strings(values[READ_BY], READ_BY, path) if READ_BY in values else ()
    if not all(
        re.fullmatch("(?s)--(data|fields|gold|language-field|format)=.+|--(no-)?header", option) for option in read_by
    ):
        raise DataError(path, f"the key {READ_BY!r} takes options of a file of rows, as in --fields=text.")
    texts = [key for key in (*_TEXTS, _LICENCE) if key in values]
    for key in texts:
        if not isinstance(values[key], str) or not values[key].strip():
            raise DataError(path, f"the key {key!r} takes a string, not {shown(values[key])}.")
        if (length := len(values[key])) > _LONGEST:
            what = f"the key {key!r} has {length:,} characters; it takes at most {_LONGEST:,}: every report repeats it."
            raise DataError(path, what)
    if not tables:
        raise DataError(path, 'describes no task. Add a table for each, as in [xnli] with splits = ["test"].')
    codes = _strings(values["languages"], "languages", path)
    for code in codes:
        known.language(code)
    splits, named, own_tasks = {}, {}, {}
    for task, table in tables.items():
        if is_own(task, table, path):
            own_tasks[task] = own_task(task, table, path)
        else:
            check_keys(table, ("splits", "languages"), ("splits",), f"{path}: [{task}]")
        its_splits = _strings(table["splits"], f"splits of [{task}]", path)
        _check_named("split", its_splits, SPLITS, task, path)
        splits[task] = tuple(split for split in SPLITS if split in its_splits)
        if "languages" in table:
            named[task] = _strings(table["languages"], f"languages of [{task}]", path)
            _check_named("language", named[task], codes, task, path)
    one_line = {key: " ".join(values[key].split()) for key in texts}
    name, version, summary = (one_line[key] for key in _TEXTS)
    licence = one_line.get(_LICENCE, _NOT_STATED)
    return Suite(folder, name, version, summary, codes, splits, named, own_tasks, licence, read_by)


_KEYS: Final = (*_TEXTS, "languages")


def _check_named(kind: str, names: Sequence[str], known: Sequence[str], task: str, path: Path) -> None:
    for name in names:
        if name not in known:
            raise DataError(path, f"[{task}] names the {kind} {name!r:.80}, which is none of: {', '.join(known)}.")


def _strings(value: Any, key: str, path: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
        raise DataError(path, f"the key {key!r} takes a list of strings, not {shown(value)}.")
    for text in value:
        if value.count(text) > 1:
            raise DataError(path, f"the key {key!r} names {text!r:.80} twice.")
    return tuple(value)


def path_of(task: TaskSpec, language: str, split: str) -> str:
    """The path of a split in the folder of a suite."""
    return f"{task.data}/{split}-{language}.jsonl"


def _is_there(path: Path) -> bool:
    """Whether a name exists, also that of a link to nothing."""
    return path.is_symlink() or path.exists()


def _row(line: str, location: str, wanted: Sequence[str], module: Any, is_own: bool) -> Row:
    """A row, by the reader of the task's release files; without a cluster only where the task is the user's own."""
    values = parse(line, location)
    for key in values:
        if key not in (*wanted, *getattr(module, "OPTIONAL", ())):
            what = f"there is no key {key[:80]!r}.{nearest(key, wanted)}"
            raise DataError(location, f"{what} A row has: {', '.join(wanted)}.")
    for key in wanted:
        if key not in values and not (is_own and key == _CLUSTER):
            raise DataError(location, f"the key {key!r} is missing. A row has: {', '.join(wanted)}.")
    native = text_of(values, "id", location)
    cluster = text_of(values, _CLUSTER, location) if _CLUSTER in values else ""
    return Row(native, location, module.record(values, location), cluster)
