"""Reads files of others by their format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from robust_xtreme.errors import MissingData
from robust_xtreme.importing import jsonl
from robust_xtreme.importing.run import Read
from robust_xtreme.results import store


def format_of(path: Path) -> str:
    """The format of a file or folder by its name: `jsonl`, `lm-eval` or `inspect`. Raises MissingData."""
    if not path.exists():
        raise MissingData(f"{path} does not exist.")
    if path.suffix == ".eval" or (path.is_dir() and any(path.rglob("*.eval"))):
        return "inspect"
    if path.is_dir() or path.name.startswith(("samples_", "results_")):
        return "lm-eval"
    return "jsonl"


def read(files: Sequence[Path], format: str, renamed: Mapping[str, str]) -> Read:
    """What the files contain; `renamed` are keys of JSON lines. Raises DataError naming a file and a line."""
    if format == "jsonl":
        return _jsonl(files, renamed)
    raise NotImplementedError(format)


def _jsonl(files: Sequence[Path], renamed: Mapping[str, str]) -> Read:

    def rows() -> pl.DataFrame:
        return pl.concat([jsonl.read(path, renamed) for path in files], how="diagonal")

    sources = [{"name": path.name, "sha256": store.sha256(path)} for path in files]
    names = ", ".join(path.name for path in files)
    note = f"Another program made the predictions or scores; they are those of {names}."
    return Read(rows, ", ".join(map(str, files)), {"format": "jsonl", "files": sources}, (note,))
