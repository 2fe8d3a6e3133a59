"""Which file of a set of noisy examples belongs to a task in a language, and how its rows are read.

A set has the layout of the task's release files, or of the suite that is evaluated, or one in which noisy data were
published: `test_LANGUAGE_typos_RATE.tsv` (XNLI: labels as numbers, cells in single quotes), the same name with `.jsonl`
(PAN-X: JSON lines of `tokens` and `ner_tags`, numbers) and `xquad-asr-natural.json` (XQuAD in English, as SQuAD).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple

from robust_xtreme.core.errors import DataError, MissingData, UserError, shown
from robust_xtreme.core.examples import Example, kind_of
from robust_xtreme.core.specs import Origin, Row, TaskSpec
from robust_xtreme.noise.conditions.paired import Paired, pair_up
from robust_xtreme.noise.conditions.pairing import Noisy, paired, stated
from robust_xtreme.tasks.formats import CHANGES, numbered_lines, parse, read_file, reader
from robust_xtreme.tasks.sources.release import options
from robust_xtreme.tasks.sources.rows import SourceRows, check
from robust_xtreme.tasks.sources.source import Source
from robust_xtreme.tasks.sources.suite import Suite, path_of

_PUBLISHED: Final = {
    "xnli": r"test_{language}_.+\.tsv",
    "panx": r"(.*[^A-Za-z0-9])?{language}([^A-Za-z0-9].*)?\.jsonl?",
    "xquad": r"xquad-(asr|keyboard|translation)-(natural|synthetic)\.json",
}
"""Patterns of the names of published files, by task; those of XQuAD are English."""

_NUMBERED: Final = ("0", "1", "2")


class TaskSplit(NamedTuple):
    """A task in a language, or a pair such as `de@en`, of one split; `auto` is that which a file's name says."""

    task: TaskSpec
    language: str
    split: str


@dataclass(frozen=True, slots=True)
class NoisySet:
    """A named set of noisy examples: a folder or one file; `cells` are the tasks and languages of the run."""

    name: str
    path: Path
    cells: tuple[tuple[str, str], ...]

    def file(self, cell: TaskSplit) -> Path | None:
        """The file of a task and language; None where the set has none. Raises UserError where several may be it."""
        if not self.path.exists():
            raise MissingData(f"--external {self.name}: {self.path} does not exist.")
        if cell.task.pool is not None:
            return None
        if not self.path.is_dir():
            return self.path if self._is_of(cell) else None
        matching = list(dict.fromkeys(_files(self.path, cell)))
        if len(matching) > 1:
            names = ", ".join(path.relative_to(self.path).as_posix() for path in matching)
            what = f"has several files of {cell.task.name} in {cell.language}: {names}"
            raise UserError(f"--external {self.name}: {self.path} {what}. Name one of them.")
        return matching[0] if matching else None

    def _is_of(self, cell: TaskSplit) -> bool:
        """Whether the file's name names this task and language; where it names none, the run has no others."""
        if _named(self.path, cell) or len(self.cells) == 1:
            return True
        is_said = re.search(rf"(?<![A-Za-z]){re.escape(cell.language)}(?![A-Za-z])", self.path.name)
        return bool(is_said) and len({task for task, language in self.cells if language == cell.language}) == 1

    def unused(self) -> str:
        """The message where no task of the run has a file in the set."""
        what = f"--external {self.name}: {self.path} has no file of a task and language of this run"
        if not self.path.is_dir():
            return f"{what}: its name does not say which. Name them: --tasks and --languages, one of each."
        return f"{what}. Its files have the names of the tasks' release files, or those in docs/external.md."


def read(cell: TaskSplit, path: Path, source: Source) -> Noisy:
    """The noisy examples of a file, by the task's own adapter. Raises DataError, one line that names the row."""
    rows = _rows(cell, path, source)
    check(rows)
    origin = Origin(cell.task.name, cell.split, cell.language)
    # With a cluster the rows may be in any order, and some may be missing.
    given = tuple(replace(row, cluster="external") for row in rows.rows)
    examples = cell.task.adapt(given, origin)
    native = isinstance(source, Suite) or cell.task.files[cell.split].ids == "native"
    steps = [stated(row.values.get(CHANGES), row.location) for row in rows.rows]
    return Noisy(examples, [row.location for row in rows.rows], native, steps)


def _files(folder: Path, cell: TaskSplit) -> Iterable[Path]:
    """The files under a folder whose names are those of a task and language."""
    names = [name for path in _paths(cell) for name in (path, PurePath(path).name)]
    yield from (path for name in names for path in sorted(folder.glob(name)) if path.is_file())
    yield from (path for path in sorted(folder.iterdir()) if path.is_file() and _published(path, cell))


def _paths(cell: TaskSplit) -> list[str]:
    """The paths of files of the task and language: those of its release, and that in a suite."""
    files = cell.task.files.get(cell.split)
    released = () if files is None else options(files, cell.language, everywhere=files.mixed)
    return [*(path for option in released for path in option), path_of(cell.task, cell.language, cell.split)]


def _named(path: Path, cell: TaskSplit) -> bool:
    """Whether the end of a path is that of a file of the task and language."""
    return any(path.match(known) for known in _paths(cell)) or _published(path, cell)


def _published(path: Path, cell: TaskSplit) -> bool:
    """Whether a file has the name of a published set of the task and language."""
    pattern = _PUBLISHED.get(cell.task.name)
    if pattern is None or (cell.task.name == "xquad" and cell.language != "en"):
        return False
    return re.fullmatch(pattern.replace("{language}", re.escape(cell.language)), path.name) is not None


def _rows(cell: TaskSplit, path: Path, source: Source) -> SourceRows:
    """The rows of a file, by the reader of its layout."""
    file = read_file(path)
    files = ((path.name, file.sha256),)
    if isinstance(source, Suite):
        return SourceRows(source.rows_of(cell.task, file.text, str(path)), str(path), files)
    if kind_of(cell.task.family).words and file.text.lstrip().startswith("{"):
        rows: Sequence[Row] = _tagged(cell.task, file.text, str(path))
    else:
        module = reader(cell.task.files[cell.split].reader)
        if not hasattr(module, "read"):
            raise UserError(f"{path}: the files of {cell.task.name} are read several at once, which --external is not.")
        rows = _as_released(module.read(file.text, str(path)), cell.task)
    if cell.task.files[cell.split].ids != "native":
        rows = [replace(row, native=str(number)) for number, row in enumerate(rows)]
    return SourceRows(tuple(rows), str(path), files)


def _as_released(rows: Sequence[Row], task: TaskSpec) -> Sequence[Row]:
    """Rows of pairs with labels by name and texts without the single quotes that published files have around them."""
    texts = [row.values[name] for row in rows for name in ("first", "second") if name in row.values]
    is_quoted = bool(texts) and all(isinstance(it, str) and len(it) > 1 and it[0] == it[-1] == "'" for it in texts)
    is_numbered = _has_numbers(rows, task)
    if not (is_quoted or is_numbered):
        return rows
    changed = []
    for row in rows:
        values = dict(row.values)
        values |= {name: values[name][1:-1].replace("''", "'") for name in ("first", "second") if is_quoted}
        values |= {"label": task.labels[int(values["label"])]} if is_numbered else {}
        changed.append(replace(row, values=values))
    return changed


def _has_numbers(rows: Sequence[Row], task: TaskSpec) -> bool:
    """Whether labels are numbers. Raises DataError for a label that is none, where most are."""
    others = [row for row in rows if row.values.get("label") not in _NUMBERED]
    if 2 * len(others) >= len(rows) or len(task.labels) != len(_NUMBERED):
        return False
    for row in others:
        known = ", ".join(map(" is ".join, zip(_NUMBERED, task.labels, strict=True)))
        raise DataError(row.location, f"the label {row.values.get('label')!r:.80} is none of the numbers: {known}.")
    return True


def _tagged(task: TaskSpec, text: str, path: str) -> list[Row]:
    """Rows of JSON lines with the keys `tokens` and `ner_tags`, numbers of the task's labels. Raises DataError."""
    rows: list[Row] = []
    for number, line in numbered_lines(text):
        location = f"{path}:{number}"
        row = parse(line, location)
        words = _list_of(row, "tokens", location, lambda word: isinstance(word, str) and bool(word.strip()), "words")
        what = f"numbers from 0 to {len(task.labels) - 1}"
        tags = _list_of(row, "ner_tags", location, lambda tag: type(tag) is int and 0 <= tag < len(task.labels), what)
        if len(words) != len(tags):
            raise DataError(location, f"has {len(words)} tokens and {len(tags)} ner_tags.")
        values = {"words": tuple(words), "tags": tuple(task.labels[tag] for tag in tags)}
        rows.append(Row(str(len(rows)), location, values))
    return rows


def _list_of(row: Any, key: str, location: str, fits: Callable[[Any], bool], what: str) -> list[Any]:
    """The list under a key. Raises DataError naming the value that does not fit."""
    values = row.get(key)
    if not isinstance(values, list) or not values:
        raise DataError(location, f"the key {key!r} takes a list of {what}, not {shown(values)}.")
    for value in values:
        if not fits(value):
            raise DataError(location, f"the key {key!r} takes a list of {what}, and {shown(value)} is in it.")
    return values


def read_pairs(
    noisy_set: NoisySet, cell: TaskSplit, source: Source, split: Sequence[Example], is_partial: bool
) -> tuple[Path, Paired] | None:
    """The file of a task and language, and its items with all clean examples of the split; None without a file."""
    path = noisy_set.file(cell)
    if path is None:
        return None
    noisy = read(cell, path, source)
    return path, pair_up(noisy_set.name, split, noisy, paired(split, noisy, cell.task.labels, is_partial))
