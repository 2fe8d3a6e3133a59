"""The formats by name, by the ending of a file's name, and by the reader of a task's own files."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from types import ModuleType
from typing import Final

from robust_xtreme.errors import UnknownName, UserError
from robust_xtreme.files._record import Reader
from robust_xtreme.files._source import STREAM, Source

FORMATS: Final = ("conll", "conllu", "iob2", "jsonl", "lines", "squad", "tsv")
"""The names of all formats."""

_SUFFIXES: Final = {
    ".conllu": "conllu",
    ".conll": "conll",
    ".iob2": "iob2",
    ".json": "squad",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".tsv": "tsv",
    ".txt": "lines",
}
_TAGGED: Final = re.compile(r"\s*\S+(?:(\t)| )\s*(?:O|[BIESLU]-\S+)\s*")
_DOCUMENT: Final = "-DOCSTART-"
_CHOICES: Final = "choices"
_READERS: Final = {
    "squad_json": "squad",
    "squad_sentences": "squad",
    "iob2": "iob2",
    "conll_space": "conll",
    "conllu": "conllu",
    "tsv_pairs": "tsv",
    "tsv_paraphrases": "tsv",
    "jsonl_choices": "jsonl",
}


def module(name: str) -> ModuleType:
    """The module of a format. Raises UnknownName."""
    if name not in FORMATS:
        raise UnknownName("format", name, FORMATS, "robust-xtreme perturb --help")
    return importlib.import_module(f"robust_xtreme.files.{name}")


def of_file(file: str) -> str:
    """The format of a file by its name. Raises UserError where that says nothing."""
    found = _SUFFIXES.get(PurePath(file).suffix.lower())
    if file == STREAM or found is None:
        known = ", ".join(FORMATS)
        shown = "stdin" if file == STREAM else file
        raise UserError(f"The name of {shown} does not say what its format is. Name it with --format: {known}.")
    return found


def reader(format: str, *, named: bool) -> Reader:
    """How a format is read: the one that was named, or that of a file's name and of what stands in it."""
    if named:
        found: Reader = module(format).read
        return found
    return lambda source, options: module(_told(format, source)).read(source, options)


def _told(format: str, source: Source) -> str:
    """The format of which a file's name said one that may be another. Raises UserError where it stays unclear."""
    lines = [line for line in source.head() if line.strip() and not line.startswith(_DOCUMENT)]
    if format == "lines":
        _check_plain(lines, source.path)
    if format != "conll" or not lines:
        return format
    tabs = sum("\t" in line for line in lines)
    if 0 < tabs < len(lines):
        what = f"in {tabs} of its first {len(lines)} lines words and tags are separated by a tab, in others not"
        raise UserError(f"{source.path}: {what}. Say what it is: --format iob2 (TAB), conll (TAB or SPACE) or conllu")
    return "iob2" if tabs else "conll"


def _check_plain(lines: Sequence[str], path: str) -> None:
    """Raise UserError where most lines are a word and its tag, which would be noised too."""
    tagged = [found for line in lines if (found := _TAGGED.fullmatch(line))]
    if 2 * len(tagged) > len(lines):
        kind = "iob2" if tagged[0][1] else "conll"
        what = f"its lines look like words with their tags, such as {tagged[0][0].strip()[:40]!r}"
        raise UserError(f"{path}: {what}. Name the format: --format {kind}, or lines where they are texts.")


def of_reader(reader: str, file: str, task: str) -> str:
    """The format of a task's own file, by its reader; those of a suite are JSON lines. Raises UserError."""
    suffix = PurePath(file).suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        return "jsonl"
    if reader == "conllu" and suffix == ".tsv":
        return "iob2"
    if reader not in _READERS:
        raise UserError(
            f"Files of {task} are not written. `robust-xtreme eval --tasks {task}` noises them as it reads."
        )
    return _READERS[reader]


def fields_of_task(format: str, reader: str, fields: tuple[str, ...], perturbed: tuple[str, ...]) -> Mapping[str, str]:
    """What a task's fields are called in its own file, by what the task calls them, and only those that stand there."""
    if format == "tsv":
        return dict(zip(perturbed, ("first", "second"), strict=False))
    known = module(format).FIELDS or importlib.import_module(f"robust_xtreme.sources.{reader}").FIELDS
    called = {name: "question" if name == "query" else name for name in fields}
    return {name: own for name, own in called.items() if own in known or (_CHOICES in known and _is_choice(own))}


def _is_choice(name: str) -> bool:
    return name.startswith("choice") and name != _CHOICES
