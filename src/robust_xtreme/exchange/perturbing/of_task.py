"""The texts that `eval` reads from a task's file, by their location in the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import final

from robust_xtreme.core.errors import DataError, MissingData, UnknownName, UserError
from robust_xtreme.core.examples import Example, Text
from robust_xtreme.core.specs import Origin, Row, TaskSpec
from robust_xtreme.tasks.formats import read_file, reader
from robust_xtreme.tasks.sources import has_language
from robust_xtreme.tasks.sources.paths import options
from robust_xtreme.tasks.sources.release import Release
from robust_xtreme.tasks.sources.rows import SourceRows, check
from robust_xtreme.tasks.sources.source import Source, open_source
from robust_xtreme.tasks.sources.suite import MANIFEST

Texts = Mapping[tuple[str, str], Text]


@final
@dataclass(frozen=True, slots=True)
class TaskChoice:
    """A task, a split (`auto`: by the file's name) and a language, or a pair such as `de@en`."""

    task: TaskSpec
    split: str
    language: str


def texts(asked: TaskChoice, file: str, called: Mapping[str, str]) -> Texts:
    """The texts of a task's file by their location in it and by field, as `called` in the file.

    They have the ids, values and spans that `eval` noises, so that they get the same noise. Raises as `examples`.
    """
    return {
        (location, called[name]): text
        for location, example in examples(asked, file)[1]
        for name, text in example.texts.items()
        if name in called
    }


def examples(asked: TaskChoice, file: str) -> tuple[str, list[tuple[str, Example]]]:
    """The split of a task's file, and its examples, as `eval` reads them, with their location in the file.

    Raises DataError, MissingData, UnknownName, UserError.
    """
    task, path = asked.task, Path(file).absolute()
    if not path.is_file():
        raise DataError(file, "is not a file that can be read.")
    split, result = _rows(asked, path)
    check(result)
    origin = Origin(task.name, split, asked.language)
    by_id = {example.id: example for example in task.adapt(result.rows, origin)}
    return split, [
        (location, example)
        for row in result.rows
        if (location := _location(row, path)) and (example := by_id.get(origin.id(row.native)))
    ]


def _location(row: Row, path: Path) -> str:
    """The location of a row within the file; an empty text where the row is from another file."""
    head = f"{path}:"
    return row.location.removeprefix(head).strip() if row.location.startswith(head) else ""


def _rows(asked: TaskChoice, path: Path) -> tuple[str, SourceRows]:
    """The split, and its rows: those of all files that `eval` reads with this file, or of this file alone."""
    task, suite = asked.task, path.parent.parent
    if (suite / MANIFEST).is_file():
        source = open_source(str(suite))
        _check_language(asked, source)
        named = [path.name.removesuffix(f"-{asked.language}{path.suffix}")]
        split = _split(asked, source.splits(task), named, path)
        return split, source.read(task, asked.language, split)
    _check_language(asked, Release(path.parent))
    roots = {split: root for split in task.files if (root := _root(asked, split, path)) is not None}
    split = _split(asked, tuple(task.files), list(roots), path)
    if split in roots:
        result = Release(roots[split]).read(task, asked.language, split)
        if any(_location(row, path) for row in result.rows):
            return split, result
    # The file is in another folder: its rows alone.
    files, file = task.files[split], read_file(path)
    rows: Sequence[Row] = reader(files.reader).read(file.text, str(path))
    if files.ids == "ordinal":
        rows = [replace(row, native=str(number)) for number, row in enumerate(rows)]
    return split, SourceRows(tuple(rows), str(path), ((str(path), file.sha256),))


def _split(asked: TaskChoice, known: Sequence[str], named: Sequence[str], path: Path) -> str:
    """The split that is named, that the file's name contains, or the only split that is evaluated."""
    if asked.split != "auto":
        if asked.split not in known:
            raise MissingData(f"{asked.task.name} has no {asked.split} split. It has: {', '.join(known)}.")
        return asked.split
    evaluated = [split for split in known if split != "train"]
    candidates = [split for split in named if split in known] or evaluated
    if len(candidates) != 1:
        known_by = " or ".join(f"--split {split}" for split in candidates or known)
        raise UserError(f"{path.name} may be of any split of {asked.task.name}. Name it: {known_by or 'it has none'}")
    return candidates[0]


def _root(asked: TaskChoice, split: str, path: Path) -> Path | None:
    """The release folder of a file of that split; None where its path is not that of a file of the split."""
    trained = asked.language in asked.task.train_languages
    for option in options(asked.task.files[split], asked.language, everywhere=asked.task.files[split].mixed or trained):
        for part in option:
            depth = len(PurePath(part).parts)
            if len(path.parents) > depth and path.relative_to(path.parents[depth - 1]).match(part):
                return path.parents[depth - 1]
    return None


def _check_language(asked: TaskChoice, source: Source) -> None:
    if not has_language(asked.task, source, asked.language):
        known = source.languages(asked.task)
        raise UnknownName(f"language of {asked.task.name}{source.within}", asked.language, known, source.see)
