"""Reads files of others by their format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from robust_xtreme.core.errors import MissingData, UserError
from robust_xtreme.exchange.importing import inspect_logs, lm_eval, raw
from robust_xtreme.exchange.importing.raw import ImportedFile
from robust_xtreme.exchange.importing.run import Read
from robust_xtreme.exchange.importing.scoring import CLOSED
from robust_xtreme.files import store

JSONL: Final = "jsonl"
LM_EVAL: Final = "lm-eval"
INSPECT: Final = "inspect"


def given_of(name: str, has_task: bool = False) -> ImportedFile:
    """The file that is named, `FILE` or `FILE=CONDITION`. Raises MissingData where it does not exist."""
    path, condition = Path(name), None
    if not path.exists() and "=" in name:
        file, _, condition = name.rpartition("=")
        path = Path(file)
        if not path.exists() and "=" in file:  # a condition with a parameter: a.jsonl=char_noise:0.1@fields=question
            file, _, rest = name.partition("=")
            path, condition = Path(file), rest
    if not path.exists():
        raise MissingData(f"{path} does not exist.")
    return ImportedFile(path, condition or None, has_task)


def format_of(path: Path) -> str:
    """The format of a file or folder, by its name or by what it has."""
    if any(inspect_logs.files(path)) if path.is_dir() else inspect_logs.is_log(path):
        return INSPECT
    return LM_EVAL if path.is_dir() or path.name.startswith(("samples_", "results_")) else JSONL


def read(
    files: Sequence[ImportedFile],
    format: str,
    renamed: Mapping[str, str],
    only_model: str,
    filter: str,
    family: str = "",
) -> Read:
    """What the files contain; `renamed` are keys of JSON lines, `filter` is one of lm-eval, `family` of all rows.

    Raises UserError where the files have several formats or an option is not for them, and as the readers.
    """
    formats = {format or format_of(given.path) for given in files}
    if len(formats) > 1:
        raise UserError(f"The files have several formats: {', '.join(sorted(formats))}. Import them by themselves.")
    (name,) = formats
    if renamed and name != JSONL:
        raise UserError(f"--{next(iter(renamed))}-key is of JSON lines, and these files are logs of {name}.")
    if filter and name != LM_EVAL:
        raise UserError(f"--filter is of lm-eval's logs, and these files are {name}.")
    if name == LM_EVAL:
        return lm_eval.read(files, only_model, filter, family in CLOSED)
    return inspect_logs.read(files, only_model, family in CLOSED) if name == INSPECT else _jsonl(files, renamed)


def _jsonl(files: Sequence[ImportedFile], renamed: Mapping[str, str]) -> Read:
    sources = [{"name": given.path.name, "sha256": store.sha256(given.path)} for given in files]
    names = ", ".join(given.path.name for given in files)
    note = f"The predictions or scores are those of {names}."

    def rows() -> pl.DataFrame:
        return pl.concat([_rows(given, renamed) for given in files], how="diagonal")

    return Read(rows, ", ".join(str(given.path) for given in files), {"format": JSONL, "files": sources}, (note,))


def _rows(given: ImportedFile, renamed: Mapping[str, str]) -> pl.DataFrame:
    rows = raw.read(given.path, renamed)
    if given.condition is None:
        return rows
    named = pl.lit(given.condition)
    return rows.with_columns(condition=pl.col("condition").fill_null(named) if "condition" in rows.columns else named)
