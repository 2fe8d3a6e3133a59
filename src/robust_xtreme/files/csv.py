"""Frames as CSV: one fixed form, numbers that are read back exactly, rows that diff line by line."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core import resources
from robust_xtreme.core.errors import DataError, Mismatch, RobustXtremeError, UserError, counted
from robust_xtreme.core.sinks import csv_cell, text_of_cell, visible
from robust_xtreme.files.schema import SCHEMA_VERSION, Frame, FrameColumn, build

_VERSION: Final = "schema_version"


def check_version(path: Path, version: str, cure: str = "Run the evaluation again.") -> None:
    """Raise Mismatch where a file has another schema version than this program reads."""
    if version != str(SCHEMA_VERSION):
        known = f"schema version {version}" if version else "no schema version"
        raise Mismatch(f"{path} has {known}; this robust-xtreme reads version {SCHEMA_VERSION}. {cure}")


def dump(data: pl.DataFrame, frame: Frame) -> bytes:
    """The rows as CSV with a header; floats in the shortest form that is read back exactly, null as empty.

    A text that a spreadsheet would take for a formula has a quote before it, and hidden characters are codes.
    """
    return table(data.select(pl.lit(str(SCHEMA_VERSION)).alias(_VERSION), *frame.columns))


def table(data: pl.DataFrame, shown: Callable[[str], str] = visible) -> bytes:
    """Any rows as CSV of the same form, without a version; `shown` is that of `csv_cell`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(data.columns)
    writer.writerows([_written(value, shown) for value in row] for row in data.iter_rows())
    return text.getvalue().encode()


def _written(value: Any, shown: Callable[[str], str]) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return repr(value + 0.0)
        case str():
            return csv_cell(value, shown)
        case _:
            return str(value)


def load(path: Path, frame: Frame) -> pl.DataFrame:
    """A frame from its CSV.

    Raises DataError with the line that is malformed, Mismatch for another version.
    """
    header, *rows = _rows(path)
    if rows and header[:1] == [_VERSION]:
        check_version(path, rows[0][0])  # before the columns, which another version has otherwise
    if header != [_VERSION, *frame.columns]:
        raise DataError(path, f"is not a {frame.name} file: its header has other columns", line=1)
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise DataError(path, f"has {counted(len(row), 'value')} instead of {len(header)}", line=number)
        check_version(path, row[0])
    values = {
        name: [_read(row[position], frame.columns[name], path, number) for number, row in enumerate(rows, 2)]
        for position, name in enumerate(frame.columns, 1)
    }
    try:
        return build(values, frame)
    except UserError:
        raise
    except RobustXtremeError as error:
        raise DataError(path, f"is malformed: {error}") from error


def _rows(path: Path) -> Sequence[list[str]]:
    try:
        text = io.StringIO(resources.data_of(path).decode("utf-8"), newline="")
        rows = list(csv.reader(text, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(path, f"is not CSV in UTF-8: {error}") from error
    if not rows:
        raise DataError(path, "is empty")
    return rows


def _read(text: str, column: FrameColumn, path: Path, line: int) -> Any:
    if not text and (column.nullable or column.dtype != pl.String):
        return None
    try:
        if column.dtype == pl.Boolean:
            return {"true": True, "false": False}[text]
        return {pl.Int64: int, pl.Float64: float}.get(column.dtype, text_of_cell)(text)
    except (ValueError, KeyError):
        raise DataError(path, f"{text!r} is not {column.dtype}", line=line) from None
