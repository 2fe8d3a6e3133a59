"""The cells of a run, read from its file when they are asked for, so that those of one task run are in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import DataError, Mismatch
from robust_xtreme.files import store
from robust_xtreme.files.manifest import check_file
from robust_xtreme.files.schema import CELL, CHANCE, SHALLOW, STATS, Frame, validate
from robust_xtreme.stats._cells import ALL, Cell, cells
from robust_xtreme.stats.benchmark import Task, tasks_of
from robust_xtreme.stats.claims import unreached
from robust_xtreme.stats.contrasts import Key
from robust_xtreme.stats.merging import BASE, blocks

KEY: Final = (*CELL[1:], "metric")
"""The names of the values of a key."""


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Rows of a stored file of a frame, read when they are asked for; `stamp` is that of the file."""

    path: Path
    frame: Frame
    lazy: pl.LazyFrame
    stamp: tuple[int, ...]

    def read(self) -> pl.DataFrame:
        """The rows, validated. Raises DataError where they cannot be read, or the file is not the same any more."""
        with store.reading(self.path), store.checking(self.path):
            if stamp_of(self.path) != self.stamp:
                raise DataError(self.path, "was changed while it was in use. Load it again")
            return validate(self.lazy.collect(engine="streaming"), self.frame)


def stamp_of(path: Path) -> tuple[int, ...]:
    """What shows that a file was replaced or written: its number, its size and the time of its last change."""
    with store.reading(path):
        status = path.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns


class StoredCells(Mapping[Key, Cell]):
    """The cells of a run by their keys, in parts: that of the last cell that was asked for is in memory.

    `parts` give rows of STATS from the file `path`, and `where` is the number of the part that each cell is in.
    """

    __slots__ = ("_last", "_parts", "_path", "_where")

    def __init__(self, path: Path, parts: Sequence[Callable[[], pl.DataFrame]], where: Mapping[Key, int]) -> None:
        self._path, self._parts, self._where = path, parts, where
        self._last: tuple[int, Mapping[Key, Cell]] = (-1, {})

    def __getitem__(self, key: Key) -> Cell:
        number, (last, kept) = self._where[key], self._last
        if number != last:
            del kept
            self._last = (-1, {})  # the part before is not in memory while the next is read
            try:
                kept = {(*cell.key[1:], cell.metric): cell for cell in cells(self._parts[number]())}
            except Mismatch as error:
                raise DataError(self._path, str(error)) from error
            self._last = (number, kept)
        if key not in kept:
            named = "{task}/{language} {condition}".format(**dict(zip(KEY, key, strict=True)))
            raise Mismatch(f"{named} has a score and no items. Evaluate it again.")
        return kept[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._where)

    def __len__(self) -> int:
        return len(self._where)

    def __contains__(self, key: object) -> bool:
        return key in self._where


def headline_rows(
    folder: Path, manifest: Mapping[str, Any], scores: pl.DataFrame
) -> tuple[list[StoredRows], dict[Key, int]]:
    """The STATS of the cells that runs are compared by, in parts, and the part of each. Raises DataError, Mismatch."""
    path = folder / "stats.parquet"
    check_file(folder, path.name, manifest)
    served = headlines(scores, tasks_of(manifest["tasks"])).filter(unreached().is_null()).select(*CELL, "metric")
    served = served.with_columns(any_precision())
    every, stamp = store.scan_frame(path).with_columns(any_precision()), stamp_of(path)
    rows, where = list[StoredRows](), dict[Key, int]()
    with store.reading(path):
        for block in blocks(every):
            of_block = served.filter(*(pl.col(name) == value for name, value in zip(BASE, block.key, strict=True)))
            _add(where, of_block, len(rows))
            kept = block.rows.filter(pl.col("scope") == ALL).join(of_block.lazy(), on=of_block.columns, how="semi")
            rows += [StoredRows(path, STATS, kept, stamp)] if of_block.height else []
    return rows, where


def any_precision() -> pl.Expr:
    """The inference of cells without its precision: that is the model's, so that runs of several are compared."""
    return pl.col("inference").str.replace(r" ?precision=\S+", "")


def headlines(scores: pl.DataFrame, tasks: Mapping[str, Task]) -> pl.DataFrame:
    """The SCORES of models on whole items by the headline metric of their task."""
    heads = pl.DataFrame({"task": [*tasks], "metric": [task.metrics[0] for task in tasks.values()]})
    answers = ~pl.col("model").str.contains(f"^({CHANCE}|{SHALLOW})")
    return scores.filter(answers, scope=ALL).join(heads, on=["task", "metric"], how="semi")


def _add(where: dict[Key, int], cells_of_part: pl.DataFrame, part: int) -> None:
    for row in cells_of_part.iter_rows(named=True):
        key = tuple(row[name] for name in cells_of_part.columns[1:])
        if key in where:
            what = "Two models of one run answer {task}/{language} {condition} ({model})".format(**row)
            raise Mismatch(f"{what}. Compare runs with one model for each task.")
        where[key] = part
