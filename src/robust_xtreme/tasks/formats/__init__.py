"""File formats, one module each: rows are read, and files are written again with only their texts changed.

A module that reads has `read` (or `read_parts`, for several files), and for rows of a suite `record` and `FIELDS`,
their keys; a row may have those of `OPTIONAL` too. A module that writes has `records`. It may have the fields that can
be `NOISED` (else they are named with --fields), and the `FAMILY` whose rules it follows. `WRITTEN` names the format in
which a task's own file is written.
"""

import importlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from shlex import quote
from types import ModuleType
from typing import Final

from robust_xtreme.core.errors import DataError, UnknownName, UserError
from robust_xtreme.tasks.formats._file import PACKED as PACKED
from robust_xtreme.tasks.formats._file import STREAM as STREAM
from robust_xtreme.tasks.formats._file import Source as Source
from robust_xtreme.tasks.formats._file import numbered_lines as numbered_lines
from robust_xtreme.tasks.formats._file import opened as opened
from robust_xtreme.tasks.formats._file import read_file as read_file
from robust_xtreme.tasks.formats._json import index_of as index_of
from robust_xtreme.tasks.formats._json import number_of as number_of
from robust_xtreme.tasks.formats._json import parse as parse
from robust_xtreme.tasks.formats._json import text_of as text_of
from robust_xtreme.tasks.formats._moving import looks_placed as looks_placed
from robust_xtreme.tasks.formats._record import CHANGES as CHANGES
from robust_xtreme.tasks.formats._record import Reader as Reader
from robust_xtreme.tasks.formats._record import ReadOptions as ReadOptions
from robust_xtreme.tasks.formats._record import Record as Record
from robust_xtreme.tasks.formats._record import Slot as Slot
from robust_xtreme.tasks.formats._record import SlotResult as SlotResult
from robust_xtreme.tasks.formats._record import word_spans as word_spans
from robust_xtreme.tasks.formats._table import PAIR
from robust_xtreme.tasks.formats.conll import DOCUMENT

FORMATS: Final = ("conll", "conllu", "csv", "iob2", "jsonl", "lines", "parquet", "squad", "tsv")

_SUFFIXES: Final = {
    ".conllu": "conllu",
    ".conll": "conll",
    ".csv": "csv",
    ".iob2": "iob2",
    ".json": "squad",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".tsv": "tsv",
    ".txt": "lines",
}
_TAGGED: Final = re.compile(r"\s*\S+(?:(\t)| )\s*(?:O|[BIESLU]-\S+)\s*")
_CHOICES: Final = "choices"


def module(name: str) -> ModuleType:
    """The module of a format. Raises UnknownName."""
    if name not in FORMATS:
        raise UnknownName("format", name, FORMATS, "robust-xtreme perturb --help")
    return importlib.import_module(f"robust_xtreme.tasks.formats.{name}")


def of_file(file: str, named: str = "") -> str:
    """The format of a file: the one named, or by the suffix of its name or that before `.gz`.

    Raises UserError where it is unknown, and where the first bytes of the file are of another format.
    """
    format = named or _by_suffix(file)
    if file != STREAM and Path(file).is_file():
        with opened(file) as source:
            _check_start(source, format)
    if not named and (file == STREAM or format is None):
        shown = "stdin" if file == STREAM else file
        raise UserError(
            f"The name of {shown} does not say what its format is. Name it with --format: {', '.join(FORMATS)}. "
            f"Names that do end in {', '.join(_SUFFIXES)} (or with {PACKED} after it); a sheet is saved as .csv."
        )
    return format or named


def _check_start(source: Source, format: str | None) -> None:
    """Raise DataError where a file begins as Parquet or as an array of JSON does, and is read as another format."""
    start = source.start.removeprefix(source.mark.encode()).lstrip()
    if start.startswith(b"PAR1\x15") and format != "parquet":
        raise DataError(source.path, "is a Parquet file. Name its format: --format parquet")
    if start.startswith(b"[") and format in ("jsonl", "squad", None):
        cure = f"jq -c '.[]' {quote(source.path)} > rows.jsonl"
        raise DataError(source.path, f"is a JSON array, and rows are read from JSON lines. Write them: {cure}")


def _by_suffix(file: str) -> str | None:
    name = PurePath(file.lower())
    return _SUFFIXES.get(PurePath(name.stem).suffix if name.suffix == PACKED else name.suffix)


def check_same(format: str, file: str, out: str) -> None:
    """Raise UserError where the name of the output says another format than it gets, which is that of the input."""
    named = _by_suffix(out)
    if named not in (None, format, _by_suffix(file)) and not {named, format} <= {"conll", "conllu", "iob2", "tsv"}:
        raise UserError(f"{out} would contain {format}, the format of the input, not {named}. Give it another name.")


def reader(name: str) -> ModuleType:
    """The module of that reader: in this folder, or `package.module` of a third party. Raises UserError."""
    try:
        module = importlib.import_module(name if "." in name else f"robust_xtreme.tasks.formats.{name}")
    except ImportError as error:
        raise UserError(f"The reader {name!r} that a task names does not load: {error}") from error
    if not (hasattr(module, "read") or hasattr(module, "read_parts")):
        raise UserError(f"The reader {name!r} that a task names has no function `read`, and no `read_parts`.")
    return module


def expectation(name: str) -> str:
    """What a reader expects, by the first line of its module, as the end of a message about another format."""
    described = (reader(name).__doc__ or "").partition("\n")[0]
    return f"The file does not look like {name}. Expected: {described}".removesuffix(" Expected: ")


def records_of(format: str, *, named: bool) -> Reader:
    """The reader of a format; a format that was not `named` by the user is checked against the first lines."""
    return lambda source, options: module(_checked(format, source, named=named)).records(source, options)


def _checked(format: str, source: Source, *, named: bool) -> str:
    """The format by the file's first lines, where its suffix is ambiguous. Raises UserError where they are too."""
    _check_start(source, format)
    if named:
        return format
    lines = [line for line in source.head() if line.strip() and not line.startswith(DOCUMENT)]
    tagged = [match for line in lines if (match := _TAGGED.fullmatch(line))]
    if format == "lines" and 2 * len(tagged) > len(lines):  # the tags would be noised too
        kind = "iob2" if tagged[0][1] else "conll"
        raise UserError(
            f"{source.path}: its lines look like words with their tags, such as {tagged[0][0].strip()[:40]!r}. "
            f"Name the format: --format {kind}, or lines where they are texts."
        )
    if format != "conll" or not lines:
        return format
    tabs = sum("\t" in line for line in lines)
    if 0 < tabs < len(lines):
        raise UserError(
            f"{source.path}: in {tabs} of its first {len(lines)} lines words and tags are separated by a tab, in "
            "others not. Name the format: --format iob2 (TAB), conll (TAB or SPACE) or conllu"
        )
    return "iob2" if tabs else "conll"


def of_reader(name: str, file: str, task: str) -> str:
    """The format of a task's own file, by its reader; a suite's files are JSON lines. Raises UserError."""
    suffix = PurePath(file.lower().removesuffix(PACKED)).suffix
    if _SUFFIXES.get(suffix) == "jsonl":
        return "jsonl"
    if name == "conllu" and suffix == ".tsv":
        return "iob2"
    format: str = getattr(reader(name), "WRITTEN", "")
    if not format:
        raise not_written(task)
    return format


def not_written(task: str) -> UserError:
    """The refusal of a task's files that make rows together."""
    return UserError(f"Files of {task} are not written. `robust-xtreme eval --tasks {task}` noises them as it reads.")


def fields_of_task(format: str, name: str, fields: tuple[str, ...], perturbed: tuple[str, ...]) -> Mapping[str, str]:
    """The name of each field of a task in its own file; fields that the file does not have are left out."""
    if format == "tsv":
        return dict(zip(perturbed, PAIR, strict=False))
    known = getattr(module(format), "NOISED", ()) or reader(name).FIELDS or fields
    if _CHOICES in known:
        known = (*known, *(field for field in fields if field.startswith("choice") and field != _CHOICES))
    called = {field: "question" if field == "query" and field not in known else field for field in fields}
    return {field: in_file for field, in_file in called.items() if in_file in known}
