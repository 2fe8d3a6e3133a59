"""From a task, a language and a split to examples: find the file, read it, name the rows, adapt them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast, final

from robust_xtreme.errors import DataError, MissingData, SpecError, UnknownName, UserError
from robust_xtreme.examples import Answers, Choice, Document, Example, Tags
from robust_xtreme.languages import language as language_of
from robust_xtreme.sources._file import read_file
from robust_xtreme.specs import Files, Origin, Row, TaskSpec

SPLITS: Final = ("train", "validation", "test")
_AUTO: Final = ("test", "validation")
_HELP: Final = "XTREME's scripts/download_data.sh writes these files; --data names the folder that holds them."

Reader = Callable[[str, str], tuple[Row, ...]]


@final
@dataclass(frozen=True, slots=True)
class Split:
    """The examples of one language of a split; `files` are (path under the data folder, sha256).

    `labelled` is False where there is no label, where every answer is empty, or where one label serves all rows:
    so XTREME's scripts leave test sets.
    """

    task: str
    language: str
    split: str
    examples: tuple[Example, ...]
    files: tuple[tuple[str, str], ...]
    labelled: bool


def load(task: TaskSpec, folder: Path, language: str, split: str) -> Split:
    """Read one split. Raises MissingData where no file holds it, DataError where the file is malformed."""
    files = _files(task, split)
    path = _find(task, files, folder, language)
    if path is None:
        raise MissingData(_missing(task, [split], folder, language))
    source = read_file(folder / path)
    rows = _named(_reader(files.reader)(source.text, str(folder / path)), files, folder / path)
    examples = task.adapt(rows, Origin(task.name, split, language))
    return Split(task.name, language, split, examples, ((path, source.sha256),), is_labelled(examples))


def available(task: TaskSpec, folder: Path, split: str) -> tuple[str, ...]:
    """The task's languages that have a file for the split; `auto` is test or validation."""
    wanted = [task.files[one] for one in _candidates(split) if one in task.files]
    return tuple(code for code in task.languages if any(_find(task, files, folder, code) for files in wanted))


def resolve(task: TaskSpec, folder: Path, split: str, language: str) -> Split:
    """Read a split, where `auto` is test, or validation where test is absent or unlabelled.

    Raises MissingData where `auto` finds no labelled file.
    """
    if split != "auto":
        return load(task, folder, language, split)
    wanted = [one for one in _AUTO if one in task.files]
    unlabelled = []
    for one in wanted:
        if _find(task, task.files[one], folder, language):
            found = load(task, folder, language, one)
            if found.labelled:
                return found
            unlabelled.append(found.files[0][0])
    if unlabelled:
        what = f"{task.name} {language}: {' and '.join(unlabelled)} under {folder} hold no labels."
        raise MissingData(f"{what} XTREME's scripts strip those of test sets; put the labelled release files there.")
    raise MissingData(_missing(task, wanted, folder, language))


def is_labelled(examples: Sequence[Example]) -> bool:
    """Whether the targets say anything: see Split."""
    seen: set[object] = set()
    for example in examples:
        match example.target:
            case Choice(index):
                seen.add(index)
            case Tags(names):
                seen.update(names)
            case Answers(spans) if spans:
                return True
            case Document(ids) if ids:
                return True
    return len(seen) > 1 or (len(examples) == 1 and bool(seen) and not seen <= {-1, "O"})


def _candidates(split: str) -> tuple[str, ...]:
    if split != "auto" and split not in SPLITS:
        raise SpecError(f"There is no split {split!r}. Name one of: {', '.join((*SPLITS, 'auto'))}.")
    return _AUTO if split == "auto" else (split,)


def _files(task: TaskSpec, split: str) -> Files:
    _candidates(split)
    if split not in task.files or split == "auto":
        has = ", ".join(one for one in SPLITS if one in task.files)
        raise MissingData(f"{task.name} has no {split} split. It has: {has}. Choose with --split, or --split auto.")
    return task.files[split]


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


def _find(task: TaskSpec, files: Files, folder: Path, language: str) -> str | None:
    return next((path for path in _paths(task, files, language) if (folder / path).is_file()), None)


def _missing(task: TaskSpec, splits: Sequence[str], folder: Path, language: str) -> str:
    if not folder.is_dir():
        return f"The data folder {folder} does not exist. Name the folder of release files with --data."
    paths = ", ".join(path for one in splits for path in _paths(task, task.files[one], language))
    what = f"{task.name} {language}: no {' or '.join(splits)} file under {folder}"
    return f"{what}. Looked for {paths}. {_HELP}" if paths else f"{what}: the task has none in that language."


def _reader(name: str) -> Reader:
    """The function `read` of that module: one of this folder, or `package.module` of a third party."""
    try:
        module = importlib.import_module(name if "." in name else f"robust_xtreme.sources.{name}")
        return cast(Reader, module.read)
    except (ImportError, AttributeError) as error:
        raise UserError(f"The reader {name!r} that a task names does not load: {error}") from error


def _named(rows: tuple[Row, ...], files: Files, path: Path) -> tuple[Row, ...]:
    """Rows with their final native ids, checked: some, and no id twice."""
    if not rows:
        raise DataError(path, "holds no examples.")
    if files.ids == "ordinal":
        return tuple(replace(row, native=str(index)) for index, row in enumerate(rows))
    for first, second in _twice(rows):
        raise DataError(second.place, f"the id {second.native!r} is not unique; it stands at {first.place} too.")
    return rows


def _twice(rows: tuple[Row, ...]) -> Iterator[tuple[Row, Row]]:
    seen: dict[str, Row] = {}
    for row in rows:
        if row.native in seen:
            yield seen[row.native], row
        seen[row.native] = row
