"""Reads sorted rows of PREDICTIONS or STATS in blocks, and files of them as if they were one sorted file."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import polars as pl

from robust_xtreme.files import store
from robust_xtreme.files.schema import CELL, Frame
from robust_xtreme.files.store import changes

BASE: Final = CELL[:-1]
"""The first columns of the key of PREDICTIONS and STATS: the cells of a model in a task run differ in the next one."""

T = TypeVar("T")

_ROWS: Final = 1 << 17
"""The rows that are in memory at a time."""

_KEPT: Final = 1 << 20
"""The rows of files that are merged up to which each is read once, strings as codes, and not a block at a time."""


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows with the same values of BASE, which are the `key`, and the number of rows before them."""

    key: tuple[str, ...]
    rows: pl.LazyFrame
    start: int
    height: int

    def frames(self) -> Iterator[pl.DataFrame]:
        """The rows, some at a time; what is the same in all of them is not read."""
        same = [pl.lit(value, pl.String).alias(name) for name, value in zip(BASE, self.key, strict=True)]
        for start in range(0, self.height, _ROWS):
            others = self.rows.drop(BASE).slice(start, _ROWS).collect(engine="streaming")
            yield store.strings(others).select(*same, pl.all())


def blocks(rows: pl.LazyFrame) -> Iterator[Block]:
    """The blocks of sorted rows, in their order."""
    start = 0
    for key, same in groupby(_runs(rows), key=itemgetter(0)):
        height = sum(length for _, length in same)
        yield Block(key, rows.slice(start, height), start, height)
        start += height


def together(parts: Iterable[T], height: Callable[[T], int]) -> Iterator[list[T]]:
    """Parts in their order, as many together as have few enough rows to be in memory, at least one."""
    several, rows = list[T](), 0
    for part in parts:
        rows += (more := height(part))
        if several and rows > _ROWS:
            yield several
            several, rows = [], more
        several.append(part)
    if several:
        yield several


def _runs(rows: pl.LazyFrame) -> Iterator[tuple[tuple[str, ...], int]]:
    """The values of BASE that follow each other, and how many rows have them; the same values may follow."""
    for start in range(0, rows.select(pl.len()).collect().item(), _ROWS):
        keys = rows.slice(start, _ROWS).select(BASE).collect(engine="streaming")
        starts = _starts(keys)
        yield from zip(keys[starts].rows(), np.diff(starts, append=keys.height).tolist(), strict=True)


def _starts(keys: pl.DataFrame) -> Any:
    """Where each run of equal values begins in sorted rows: where the first column changes, if that tells all runs."""
    for names in (BASE[:1], BASE):
        starts = np.flatnonzero(np.append(True, changes(keys, names)))
        if keys[starts].equals(keys[np.append(starts[1:], keys.height) - 1]):
            break
    return starts


def merged(paths: Iterable[Path], frame: Frame) -> Iterator[pl.DataFrame]:
    """The rows of sorted files of PREDICTIONS or of STATS in the order of the key of the frame, some at a time.

    Raises DataError where a file cannot be read, Mismatch naming a row that two of them have.
    """
    every: list[tuple[Block, Path]] = []
    room = _KEPT
    for path in paths:
        with store.reading(path):
            scanned = store.scan_coded(path)
            read = scanned.head(room + 1).collect(engine="streaming")
            is_whole = read.height <= room
            room -= read.height if is_whole else room
            every += [(block, path) for block in blocks(read.lazy() if is_whole else scanned)]
    every.sort(key=lambda named: named[0].key)
    for _, same in groupby(every, key=lambda named: named[0].key):
        (first, path), *others = same
        if others:
            rows = pl.concat([rows for block, path in ((first, path), *others) for rows in _frames(block, path)])
            yield store.canonical(rows, frame)
        else:
            yield from _frames(first, path)


def _frames(block: Block, path: Path) -> Iterator[pl.DataFrame]:
    with store.reading(path):
        yield from block.frames()
