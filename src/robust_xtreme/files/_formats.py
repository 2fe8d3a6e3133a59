"""The formats by name, by the ending of a file's name, and by the reader of a task's own files."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import PurePath
from types import ModuleType
from typing import Final

from robust_xtreme.errors import UnknownName, UserError
from robust_xtreme.files._source import STREAM

FORMATS: Final = ("conll", "conllu", "iob2", "jsonl", "lines", "squad", "tsv")
"""The names of all formats."""

_SUFFIXES: Final = {
    ".conllu": "conllu",
    ".conll": "iob2",
    ".iob2": "iob2",
    ".json": "squad",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".tsv": "tsv",
    ".txt": "lines",
}
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
