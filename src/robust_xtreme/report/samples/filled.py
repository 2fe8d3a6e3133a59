"""Reads a sheet that raters filled in: every row must be one of the sheet's, once, with a plain answer or none."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, Mismatch, MissingData, UnreadableFiles, counted, shown
from robust_xtreme.files import csv as frames
from robust_xtreme.report.samples.sheet import ROW, VALID, row_name
from robust_xtreme.stats.validity import SHEET_KEY

YES, NO = ("yes", "y"), ("no", "n")
_SEPARATORS: Final = (",", ";", "\t")
_MOST: Final = 20


def key_path(sheet: Path) -> Path:
    """The key of a sheet, beside it."""
    return sheet.with_name(f"{sheet.stem}.key.csv")


def key_of_sheet(sheet: Path, run: str = "") -> pl.DataFrame:
    """SHEET_KEY of a sheet.

    Raises MissingData where it is not beside it, Mismatch where it is of another `run`, DataError where it was changed.
    """
    path = key_path(sheet)
    if not path.is_file():
        raise MissingData(f"There is no {path}, the key that `attack sample` wrote beside the sheet.")
    key = frames.load(path, SHEET_KEY)
    if key.is_empty():
        raise DataError(path, "has no rows")
    if run and set(key.get_column("run")) != {run}:
        raise Mismatch(f"{path} is the key of a sheet of another run.")
    named = ("run", "sheet_seed", "model", "condition", "noise_seed", "example")
    for row in key.iter_rows(named=True):
        if row[ROW] != row_name(*(row[column] for column in named)):
            raise DataError(path, f"has in row {shown(row[ROW])} not what the sheet was drawn of")
        if not 0 <= row["wrong"] <= row["right"] or (row["right"] == 0 and row["kind"] != "clean"):
            what = f"has impossible counts in row {shown(row[ROW])}: of `right` items `wrong` became wrong"
            raise DataError(path, what)
    return key


def answers_of(sheet: Path, key: pl.DataFrame) -> dict[str, bool]:
    """The answers by row; rows without one are left out.

    Raises UnreadableFiles with a line for each row that is missing, unknown, there twice or has another answer.
    """
    known = key.get_column(ROW).to_list()
    answers: dict[str, bool | None] = {}
    problems: list[str] = []
    for line, name, answer in _rows(sheet):
        where = f"{sheet}:{line}: row {shown(name)}"
        if name not in known:
            problems.append(f"{where} is not one of the sheet's: the column {ROW} must stay as it was written.")
        elif name in answers:
            problems.append(f"{where} is there twice.")
        elif answer and answer not in (*YES, *NO):
            problems.append(f"{where} has {shown(answer)} in the column {VALID}: write yes or no, or leave it empty.")
        answers.setdefault(name, None if not answer else answer in YES)
    problems += [f"{sheet}: row {shown(name)} is missing." for name in known if name not in answers]
    if problems:
        more = len(problems) - _MOST
        raise UnreadableFiles([*problems[:_MOST], *([f"and {more} more rows."] if more > 0 else [])])
    return {name: answer for name, answer in answers.items() if answer is not None}


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """The line, the name and the answer of each row. Raises DataError."""
    try:
        text = resources.content(path).decode("utf-8-sig")
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(path, f"is not text in UTF-8: {error}. Save it as CSV in UTF-8.") from error
    begin = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=begin.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        name, answer = _columns(path, header)
        for row in reader:
            if row and len(row) != len(header):
                what = f"has {counted(len(row), 'cell')} instead of {len(header)}"
                raise DataError(path, what, line=reader.line_num)
            if any(cell.strip() for cell in row):
                yield reader.line_num, row[name].strip(), row[answer].strip().casefold()
    except csv.Error as error:
        raise DataError(path, f"is not CSV: {error}", line=reader.line_num) from error


def _columns(path: Path, header: Sequence[str]) -> tuple[int, int]:
    """Where the names of rows are, and the answers. Raises DataError where the header does not have both once."""
    for name in (ROW, VALID):
        if header.count(name) != 1:
            raise DataError(path, f"has {header.count(name) or 'no'} column {name} in its header", line=1)
    return header.index(ROW), header.index(VALID)
