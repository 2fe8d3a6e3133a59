"""Parquet: a column of texts, or of lists of words, is noised; a row is read as a line of JSON lines is.

A file is in memory as a whole. The other columns keep their values, types, names and order, and the file keeps its
metadata, but the file is written again with other bytes, unless no text changes.
"""

import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import DataError, UserError
from robust_xtreme.tasks.formats import jsonl
from robust_xtreme.tasks.formats._file import Source, TextLine, size
from robust_xtreme.tasks.formats._moving import MOVING
from robust_xtreme.tasks.formats._record import ReadOptions, Record, SlotResult

TAKES: Final = ("--language-field", "--keep", "--skip-null")

_LARGEST: Final = 1 << 30
_CELLS: Final = 100_000_000
_TEXTS: Final = (pl.String(), pl.List(pl.String()), pl.Null())

_Changed = dict[str, dict[int, Any]]
"""The new values by column and row."""


def records(source: Source, options: ReadOptions) -> Iterator[Record]:
    """A record for each row, and one that writes the file. Raises DataError and UserError."""
    data = source.whole(_LARGEST)
    frame = _frame(data, source.path)
    read = _columns(frame, source.path, options)
    changed: _Changed = {}
    length = 0
    for number, row in enumerate(frame.select(read).iter_rows(named=True, buffer_size=64)):
        line = TextLine(number + 1, json.dumps(row), "")
        if (length := length + len(line.text)) > _LARGEST:
            raise DataError(source.path, f"contains more than {size(_LARGEST)} of text as JSON, and is read whole.")
        record = jsonl.record_of(line, source.path, options)
        yield record._replace(write=partial(_noted, changed, number, row, record))
    yield Record((), lambda _: _written(data, frame, changed, source.path), 0)


def _frame(data: bytes, path: str) -> pl.DataFrame:
    """The content of a file. Raises DataError where it is damaged or too large."""
    try:
        with _without_panics():
            scan = pl.scan_parquet(io.BytesIO(data))
            rows, columns = scan.select(pl.len()).collect().item(), len(scan.collect_schema())
            if rows * columns > _CELLS:
                raise DataError(path, f"has {rows:,} rows of {columns:,} columns; at most {_CELLS:,} values are read.")
            return scan.collect()
    except (pl.exceptions.PolarsError, OSError, ValueError, pl.exceptions.PanicException) as error:
        raise DataError(path, f"is not a readable Parquet file: {_first(error)}") from None


@contextmanager
def _without_panics() -> Iterator[None]:
    """Keep from stderr what polars writes there itself when it panics at a damaged file; it raises an error as well."""
    with ExitStack() as undone:
        with suppress(OSError):  # stderr may be closed
            stderr = os.dup(2)
            undone.callback(os.close, stderr)
            undone.callback(os.dup2, stderr, 2)
            nothing = os.open(os.devnull, os.O_WRONLY)
            undone.callback(os.close, nothing)
            os.dup2(nothing, 2)
        yield


def _first(error: BaseException) -> str:
    """The beginning of the first line of a message."""
    return (str(error).splitlines() or [""])[0][:160]


def _columns(frame: pl.DataFrame, path: str, options: ReadOptions) -> list[str]:
    """The columns that are read: those whose values JSON has. Raises UserError where others are needed."""
    read = [name for name, kind in frame.schema.items() if _is_json(kind)]
    for name in options.fields:
        if name not in frame.columns:
            known = ", ".join(other for other in frame.columns if frame.schema[other] in _TEXTS)[:200] or "none"
            raise UserError(f"{path} has no column {name!r}; its texts are: {known}. Name one of these.")
        if frame.schema[name] not in _TEXTS and name != options.gold:
            what = f"the column {name!r} contains {frame.schema[name]}, and no texts."
            raise UserError(f"{path}: {what} Write it as texts (String) first, or name others with --fields.")
    for name in MOVING if not options.gold else ():
        if name in frame.columns and name not in (*read, *options.keep):
            what = f"the places in the column {name!r}, which contains {frame.schema[name]}, do not move."
            raise UserError(f"{path}: {what} Leave them: --keep {name}")
    return read


def _is_json(kind: pl.DataType) -> bool:
    """Whether a column has values of JSON alone: texts, numbers, true and false, and lists and structures of them."""
    match kind:
        case pl.List() | pl.Array():
            return _is_json(kind.inner)  # type: ignore[arg-type]  # an instance, as the schema of a frame has
        case pl.Struct():
            return all(_is_json(inner.dtype) for inner in kind.fields)  # type: ignore[arg-type]  # likewise
        case _:
            return kind in (pl.String, pl.Boolean, pl.Null) or kind.is_integer() or kind.is_float()


def _noted(changed: _Changed, number: int, row: Mapping[str, Any], record: Record, done: Sequence[SlotResult]) -> str:
    """Note the new values of a row; nothing is written before all rows are known."""
    written = record.write(done)
    if any(outcome.value != outcome.slot.value for outcome in done):
        for name, value in json.loads(written).items():
            if value != row[name]:
                changed.setdefault(name, {})[number] = value
    return ""


def _written(data: bytes, frame: pl.DataFrame, changed: _Changed, path: str) -> bytes:
    """The file with the new values, or its own bytes where there are none. Raises DataError."""
    if not changed:
        return data
    try:
        series = [_series(frame[name], values) for name, values in changed.items()]
        metadata = pl.read_parquet_metadata(io.BytesIO(data))
        file = io.BytesIO()
        kept = {key: value for key, value in metadata.items() if key != "ARROW:schema"}
        frame.with_columns(series).write_parquet(file, metadata=kept)
    except (pl.exceptions.PolarsError, TypeError, pl.exceptions.PanicException) as error:
        raise DataError(path, f"the new values do not fit into their columns: {_first(error)}") from None
    return file.getvalue()


def _series(column: pl.Series, values: Mapping[int, Any]) -> pl.Series:
    """A column with some new values."""
    every = column.to_list()
    for number, value in values.items():
        every[number] = value
    return pl.Series(column.name, every, column.dtype)
