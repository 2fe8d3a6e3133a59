"""Writes files that appear whole or not at all, with the same bytes for the same rows."""

import fcntl
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from robust_xtreme.core import errors, resources, strict_json
from robust_xtreme.core.examples import digest
from robust_xtreme.core.sinks import json_text
from robust_xtreme.files import csv
from robust_xtreme.files.frames import check_columns, check_distinct
from robust_xtreme.files.new_files import appended, created, sync, write_all
from robust_xtreme.files.schema import SCHEMA_VERSION, Frame, validate

# Sorts rows by several columns, strings by code points, and cuts them into groups: by one number for each row.
#
# Sorting thirteen columns of strings takes ten times as long.

_MOST: Final = 1 << 62
_LONG: Final = 4
"""The mean length of runs of equal values from which on the runs are ranked instead of the rows."""


def ordered(data: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The rows sorted by some columns; rows that are alike in them keep their order."""
    return ordered_rows(data, names)[0]


def ordered_rows(data: pl.DataFrame, names: Sequence[str]) -> tuple[pl.DataFrame, bool]:
    """The rows sorted by some columns, and whether they all differ in these."""
    if _increase(data, names):
        return data, True
    numbers = _numbers(data, names)
    at = _order(numbers)
    rows, numbers = (data, numbers) if at is None else (data[at], numbers[at])
    return rows, bool((numbers[1:] != numbers[:-1]).all())


def grouped(frame: pl.DataFrame, keys: Sequence[str], order: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame, Any]:
    """The frame sorted by keys and order, its distinct keys, and where each of them starts (with the end)."""
    if _increase(frame, (*keys, *order)):
        first = np.flatnonzero(np.append(frame.height > 0, changes(frame, keys)))
        return frame, frame.select(keys)[first], np.append(first, frame.height)
    at, distinct, starts = groups(frame, keys, _numbers(frame, order))
    return frame if at is None else frame[at], distinct, starts


def groups(frame: pl.DataFrame, keys: Sequence[str], within: Any) -> tuple[Any, pl.DataFrame, Any]:
    """Where rows are in the order of keys and of numbers `within` them (n,) int64 from 0 on; keys as in `grouped`.

    The places are None where the rows are in order.
    """
    of_keys = _numbers(frame, keys)
    at = _order(joined(of_keys, within))
    first = np.flatnonzero(np.diff(of_keys if at is None else of_keys[at], prepend=-1))
    distinct = frame.select(keys)[first if at is None else at[first]]
    return at, distinct, np.append(first, frame.height)


def _increase(data: pl.DataFrame, names: Iterable[str]) -> bool:
    """Whether each row is after the one before it, in the order of some columns."""
    alike = np.ones(max(data.height - 1, 0), np.bool_)
    for values in filter(_differ, map(data.get_column, names)):
        before, after = values[:-1], values[1:]
        differ = alike & (before != after).to_numpy()
        if differ.any() and not (before < after).to_numpy()[differ].all():
            return False
        alike &= ~differ
    return not alike.any()


def changes(data: pl.DataFrame, names: Iterable[str]) -> Any:
    """Whether each row but the first (n - 1,) differs from the one before it in some columns."""
    changes = np.zeros(max(data.height - 1, 0), np.bool_)
    for values in filter(_differ, map(data.get_column, names)):
        changes |= (values[:-1] != values[1:]).to_numpy()
    return changes


def _order(numbers: Any) -> Any:
    """Where the numbers (n,) are in their order; None where they are in order."""
    return None if (numbers[1:] >= numbers[:-1]).all() else np.argsort(numbers, kind="stable")


def _numbers(data: pl.DataFrame, names: Iterable[str]) -> Any:
    """A number from 0 on for each row, int64 (n,), that is in the order of the columns, the first before the others."""
    columns = (data.get_column(name) for name in names)
    return reduce(joined, map(ranks, filter(_differ, columns)), np.zeros(data.height, np.int64))


def joined(first: Any, second: Any) -> Any:
    """Numbers in the order of the first, and where these are equal in that of the second."""
    many = int(second.max(initial=0)) + 1
    if int(first.max(initial=0)) + 1 > _MOST // many:
        first = np.unique(first, return_inverse=True)[1]
    return first * many + second


def _differ(values: pl.Series) -> bool:
    return not values.is_empty() and not (values == values[0]).all()


def coded(strings: Sequence[str]) -> pl.Series:
    """Strings as an Enum, whose numbers are in the order of the strings."""
    return pl.Series(strings, dtype=pl.Enum(sorted({*strings})))


def ranks(values: pl.Series) -> Any:
    """Numbers in the order of the values, int64 (n,); of an Enum as `coded` makes it those that it has."""
    if isinstance(values.dtype, pl.Enum):
        return values.to_physical().to_numpy().astype(np.int64)
    runs = values.rle()
    if len(runs) * _LONG > len(values):
        return _dense(values)
    return np.repeat(_dense(runs.struct.field("value")), runs.struct.field("len").to_numpy())


def _dense(values: pl.Series) -> Any:
    if values.dtype == pl.String:
        ranks = values.cast(pl.Enum(values.unique().sort())).to_physical()
    else:
        ranks = values.rank("dense") - 1
    return ranks.to_numpy().astype(np.int64)


Write = Callable[[Path, bytes], None]
"""Writes a file whole or not at all."""

LOCK: Final = ".lock"
"""The file that a writer of a folder locks, as long as it writes."""

OTHER: Final = "folder: --out DIR"
_ROW_GROUP: Final = 1 << 17
_READABLE: Final = 80
_VERSION: Final = "schema_version"
_VALUES: Final = 10_000_000
_VALUES_OF_A_BYTE: Final = 50
"""The most repetitive frame of 1,161 of real runs, of 150 kB, has 18; a longer one can have more."""

_PARQUET: Final[Mapping[str, Any]] = {
    "compression": "zstd",
    "compression_level": 3,
    "statistics": False,
    "row_group_size": _ROW_GROUP,
    "metadata": {_VERSION: str(SCHEMA_VERSION)},
}


def write(path: Path, content: bytes, other: str = OTHER) -> None:
    """Write a file whole or not at all. Raises DiskError, which ends with `other`: how another place is named.

    In the folder of a run `Journal.write` does it, which the functions below take as `write`.
    """
    with writing(path, other):
        write_all({path: content})


@contextmanager
def writing(path: Path, other: str = OTHER) -> Iterator[None]:
    """Raise DiskError where a file cannot be written within the context; it ends with `other`, as that of `write`."""
    try:
        yield
    except OSError as error:
        raise disk_error(path, error, other) from error


def write_frame(path: Path, data: pl.DataFrame, frame: Frame, write: Write = write) -> str:
    """Write a frame as `.parquet` or `.csv`, sorted by its key; return the sha256. The same rows give the same bytes.

    Raises RobustXtremeError where the data are not such a frame, DiskError where the file cannot be written.
    """
    rows = canonical(data, frame)
    if path.suffix == ".csv":
        content = csv.dump(rows, frame)
    else:
        buffer = io.BytesIO()
        if rows.height <= _ROW_GROUP:  # one row group needs no source that gives one after the other
            _copied([rows]).lazy().sink_parquet(buffer, engine="streaming", **_PARQUET)
        else:
            _sink(buffer, [rows], rows.schema)
        content = buffer.getvalue()
    write(path, content)
    return hashlib.sha256(content).hexdigest()


def canonical(data: pl.DataFrame, frame: Frame) -> pl.DataFrame:
    """The rows sorted by the frame's key (strings by code points), in one chunk. Raises as `validate`."""
    rows, are_distinct = ordered_rows(check_columns(data, frame), frame.key)
    if not are_distinct:
        check_distinct(data, frame)
    return rows.rechunk()


def write_sorted(tmp: Path, chunks: Iterable[pl.DataFrame], frame: Frame) -> None:
    """Write a new parquet file from rows in the order of the frame's key, some in memory at a time, and sync it.

    The same rows give the same bytes whatever the chunks are. Raises OSError where the file cannot be written.
    """
    with created(tmp) as file:
        target = _Target(file)
        try:
            _sink(target, chunks, frame.schema)
        except pl.exceptions.PolarsError as error:
            raise target.error or error from error
        sync(file)


@dataclass(slots=True)  # keeps the error of a write, of which polars does not always give the number
class _Target:
    """A file that polars writes to."""

    file: BinaryIO
    error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write, and keep the error."""
        try:
            return self.file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Do nothing: what is buffered is written by who opened the file."""


def _sink(target: Any, chunks: Iterable[pl.DataFrame], schema: Mapping[str, Any]) -> None:
    raised = list[Exception]()

    def kept(*_: object) -> Iterator[pl.DataFrame]:
        try:
            yield from _row_groups(chunks)
        except Exception as error:
            raised.append(error)
            raise

    try:
        register_io_source(kept, schema=schema).sink_parquet(target, engine="streaming", **_PARQUET)
    except pl.exceptions.PolarsError as error:  # in polars 1 also for what the chunks raised
        raise next(iter(raised), error) from None


def _row_groups(chunks: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The rows of chunks in frames of one row group each, whose lists share no memory with the chunks.

    Parquet divides a column of lists into pages by the size of the memory that its values are a part of.
    """
    kept: list[pl.DataFrame] = []
    room = _ROW_GROUP
    for chunk in chunks:
        # the rows that fill the room of a row group, and those that follow
        for start, stop in pairwise([0, *range(room, chunk.height, _ROW_GROUP), chunk.height]):
            kept.append(chunk[start:stop])
            room -= stop - start
            if not room:
                yield _copied(kept)
                kept, room = [], _ROW_GROUP
    if kept:
        yield _copied(kept)


def _copied(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames).rechunk().with_columns(pl.selectors.list().gather(pl.int_range(pl.len())))


def read_frame(path: Path, frame: Frame) -> pl.DataFrame:
    """A stored frame, validated. Raises DataError where it is missing or malformed, Mismatch for another schema."""
    with checking(path):
        rows = csv.load(path, frame) if path.suffix == ".csv" else _read_parquet(path)
        return validate(rows, frame)


@contextmanager
def checking(path: Path) -> Iterator[None]:
    """Raise DataError where rows of a file are not a valid frame within the context; errors of users stay."""
    try:
        yield
    except errors.UserError:
        raise
    except errors.RobustXtremeError as error:
        raise errors.DataError(path, f"is malformed. {error}") from error


def _read_parquet(path: Path) -> pl.DataFrame:
    with reading(path):
        content = resources.content(path)  # polars would take [, * and ? of a path for a pattern
        _check_version(path, io.BytesIO(content))
        _check_size(path, pl.scan_parquet(io.BytesIO(content)), len(content))
        return strings(pl.read_parquet(io.BytesIO(content)))


def _check_version(path: Path, file: IO[bytes]) -> None:
    csv.check_version(path, pl.read_parquet_metadata(file).get(_VERSION, ""))


def _check_size(path: Path, rows: pl.LazyFrame, size: int) -> None:
    """Raise DataError where a file has many more values than a run writes in so many bytes."""
    values = rows.select(pl.len()).collect().item() * len(rows.collect_schema())
    if values > _VALUES + _VALUES_OF_A_BYTE * size:
        raise errors.DataError(path, f"has {values:,} values in {size:,} bytes, which no run writes")


def scan(path: Path) -> pl.LazyFrame:
    """A stored parquet file, of which nothing is read yet."""
    return scan_coded(path).with_columns(pl.selectors.enum().cast(pl.String))


def scan_coded(path: Path) -> pl.LazyFrame:
    """A stored parquet file, of which nothing is read yet; columns of strings can be an Enum, see `strings`."""
    return pl.scan_parquet(path.absolute(), glob=False)


def strings(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with each Enum as strings, in a third of the time of a cast; in one query, as each has its own cost."""
    coded = ((each.name, each.dtype) for each in rows.get_columns())
    return rows.with_columns(
        pl.lit(dtype.categories).gather(pl.col(name).to_physical()).alias(name)
        for name, dtype in coded
        if isinstance(dtype, pl.Enum)
    )


def scan_frame(path: Path) -> pl.LazyFrame:
    """A stored parquet file, of which only the schema version was read. Raises as `read_frame`."""
    with reading(path):
        resources.check_regular(path)
        with path.open("rb") as file:
            _check_version(path, file)
        _check_size(path, scan_coded(path), path.stat().st_size)
    return scan(path)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise DataError where a parquet file cannot be read within the context, DiskError with too many open files."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        if limited := errors.out_of_files(error):
            raise limited from error
        raise errors.DataError(path, f"is not a readable parquet file: {str(error).splitlines()[0]}") from error


def write_text(path: Path, text: str, write: Write = write) -> str:
    """Write a text file (UTF-8) whole; return the sha256. Raises DiskError."""
    content = text.encode("utf-8", "backslashreplace")
    write(path, content)
    return hashlib.sha256(content).hexdigest()


def write_json(path: Path, value: Any, write: Write = write) -> None:
    """Write JSON as `json_bytes`. Raises DiskError, and ValueError for NaN."""
    write(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """JSON with sorted keys, one entry a line. Raises ValueError for NaN."""
    return (json_text(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def read_json(path: Path, most: int | None = None) -> Any:
    """The value of a JSON file. Raises DataError where it is missing, malformed or larger than `most` bytes."""
    try:
        return strict_json.loads(resources.data_of(path, most).decode("utf-8"))
    except ValueError as error:
        raise errors.DataError(path, f"is not JSON: {error}") from error
    except RecursionError:
        raise errors.DataError(path, "cannot be read as JSON: it is nested too deeply") from None


def part_path(folder: Path, *names: str, suffix: str = ".parquet") -> Path:
    """The part file of a block: one safe file name, different for different names, never outside of the folder."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", "-".join(names))[:_READABLE]
    return folder / f"{readable}-{digest(*names)}{suffix}"


def sha256(path: Path) -> str:
    """The sha256 of a file, in hex. Raises DataError where it cannot be read."""
    try:
        resources.check_regular(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise errors.DataError(path, f"cannot be read: {error.strerror}") from error


def make_folder(path: Path) -> Path:
    """Create a folder and its parents. Raises DiskError."""
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def is_odd(path: Path) -> bool:
    """Whether something that is not a file has the name of one."""
    return path.is_symlink() or (path.exists() and not path.is_file())


def check_file(path: Path) -> None:
    """Raise Mismatch where something that is not a file has the name of one that a run writes."""
    if is_odd(path):
        what = "is not the file that a run writes, but a link, a folder or a pipe"
        raise errors.Mismatch(f"{path} {what}. Move it away.")


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Lock a folder against other writers, until the block or the process ends.

    Raises Locked where another run has the lock, DiskError where the folder cannot be written, Mismatch where the
    lock is not a file.
    """
    path = make_folder(folder) / LOCK
    check_file(path)
    with writing(path):
        file = appended(path)
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            what = f"Another run, in this process or another, is writing {folder}"
            raise errors.Locked(f"{what}. Wait for it, or name another folder: --out DIR") from None
        except OSError as error:
            raise disk_error(folder, error) from error
        yield


@contextmanager
def staying(file: Path) -> Iterator[None]:
    """Raise DiskError where a file, and with it the folder of a run, is removed within the context."""
    removed = f"{file.parent} was removed or emptied while it was written. Start again with the same command."
    try:
        yield
    except Exception as error:
        if not file.is_file():
            raise errors.DiskError(removed) from error
        raise
    if not file.is_file():
        raise errors.DiskError(removed)


def write_synced(tmp: Path, data: bytes) -> None:
    """Write a new file, and wait until the disk has it."""
    with created(tmp) as file:
        file.write(data)
        sync(file)


def disk_error(path: Path, error: OSError, other: str = OTHER) -> errors.DiskError:
    """A one-line error for a file that cannot be written, with what to do."""
    reason = error.strerror or str(error)
    next_step = errors.no_room(error) or "Make it writable"
    return errors.DiskError(f"{path} cannot be written: {reason}. {next_step}, or name another {other}")
