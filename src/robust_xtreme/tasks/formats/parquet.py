"""Parquet: a column of texts, or of lists of words, is noised; a row is read as a line of JSON lines is.

A file is in memory as a whole. All columns keep their types, names and order, and the file its metadata, but the file
is written again with other bytes, unless no text changes. Without pyarrow, polars writes it with its own types.
"""

import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import DataError, UserError
from robust_xtreme.tasks.formats import jsonl
from robust_xtreme.tasks.formats._file import Source, TextLine, size
from robust_xtreme.tasks.formats._moving import MOVING
from robust_xtreme.tasks.formats._record import ReadOptions, Record, SlotResult, show_names

TAKES: Final = ("--language-field", "--keep", "--skip-null")

_LARGEST: Final = 1 << 30
_CELLS: Final = 100_000_000
_TEXTS: Final = (pl.String, pl.List(pl.String), pl.Null, pl.Categorical, pl.List(pl.Categorical))
_READ_AS_TEXT: Final = (pl.Categorical, pl.Enum, pl.Decimal, pl.Date, pl.Datetime, pl.Time)
"""Types whose values are read as texts where an option names the column."""

_Changed = dict[str, dict[int, Any]]
"""The new values by column and row."""


def records(source: Source, options: ReadOptions) -> Iterator[Record]:
    """A record for each row, and one that writes the file. Raises DataError and UserError."""
    data = source.whole(_LARGEST)
    frame = _frame(data, source.path)
    rows = frame.select(_columns(frame, source.path, options))
    changed: _Changed = {}
    length = 0
    for number, row in enumerate(rows.iter_rows(named=True, buffer_size=64)):
        line = TextLine(number + 1, json.dumps(row), "")
        if (length := length + len(line.text)) > _LARGEST:
            raise DataError(source.path, f"contains more than {size(_LARGEST)} of text as JSON, and is read whole.")
        record = jsonl.record_of(line, source.path, options)
        yield record._replace(write=partial(_noted, changed, number, row, record))
    yield Record((), lambda _: _written(data, frame, changed, source.path, options), 0)


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


def _columns(frame: pl.DataFrame, path: str, options: ReadOptions) -> list[pl.Expr]:
    """The columns that are read: those whose values JSON has. Raises UserError where others are needed."""
    named = [*options.fields, *filter(None, [options.language_field])]
    kinds = {name: _read_as(kind) if name in (*named, "id") else kind for name, kind in frame.schema.items()}
    for name in named:
        if name not in frame.columns:
            known = show_names(other for other in frame.columns if _read_as(frame.schema[other]) in _TEXTS)
            raise UserError(f"{path} has no column {name!r}; its texts are: {known}. Name one of these.")
        is_text = (kinds if options.gold else frame.schema)[name] in _TEXTS  # noise does not fit into all read types
        if not (_is_json(kinds[name]) if name in (options.gold, options.language_field) else is_text):
            raise UserError(
                f"{path}: the column {name!r} contains {frame.schema[name]}, and no texts. Write it as texts (String) "
                "first, or name another column."
            )
    read = [name for name, kind in kinds.items() if _is_json(kind)]
    for name in MOVING if not options.gold else ():
        if name in frame.columns and name not in (*read, *options.keep):
            raise UserError(
                f"{path}: the places in the column {name!r}, which contains {frame.schema[name]}, do not move. "
                f"Leave them: --keep {name}"
            )
    return [pl.col(name).cast(kinds[name]) for name in read]


def _read_as(kind: pl.DataType) -> pl.DataType:
    """The type that a column of this one is read as where an option names it."""
    if isinstance(kind, pl.List):
        return pl.List(_read_as(kind.inner))  # type: ignore[arg-type]  # an instance, as the schema of a frame has
    return pl.String() if isinstance(kind, _READ_AS_TEXT) else kind


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


def _written(data: bytes, frame: pl.DataFrame, changed: _Changed, path: str, options: ReadOptions) -> bytes:
    """The file with the new values, or its own bytes where there are none. Raises DataError."""
    if not changed:
        return data
    columns = {name: dict(enumerate(frame[name].to_list())) | values for name, values in changed.items()}
    file = io.BytesIO()
    try:
        if find_spec("pyarrow"):
            _write_with_arrow(data, columns, file)
        else:
            options.tell("other columns have the types of polars (to keep those of the file: pip install pyarrow)")
            series = [pl.Series(name, [*values.values()], frame.schema[name]) for name, values in columns.items()]
            metadata = pl.read_parquet_metadata(io.BytesIO(data))
            kept = {key: value for key, value in metadata.items() if key != "ARROW:schema"}
            frame.with_columns(series).write_parquet(file, metadata=kept)
    except (
        pl.exceptions.PolarsError,
        TypeError,
        ValueError,
        OSError,
        RuntimeError,
        pl.exceptions.PanicException,
    ) as error:
        raise DataError(path, f"the new values do not fit into their columns: {_first(error)}") from None
    return file.getvalue()


def _write_with_arrow(data: bytes, columns: _Changed, file: io.BytesIO) -> None:
    """Write the file with new values in some columns, and the types and the metadata that it has."""
    import pyarrow as pa  # type: ignore[import-untyped]  # it has no types
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # likewise

    table = pq.read_table(io.BytesIO(data))
    for name, values in columns.items():
        field, index = table.schema.field(name), table.schema.get_field_index(name)
        table = table.set_column(index, field, pa.array([*values.values()], field.type))
    metadata = {**(pq.read_metadata(io.BytesIO(data)).metadata or {}), **(table.schema.metadata or {})}
    metadata.pop(b"ARROW:schema", None)  # which the writer makes of the types
    pq.write_table(table.replace_schema_metadata(metadata), file, compression="zstd")
