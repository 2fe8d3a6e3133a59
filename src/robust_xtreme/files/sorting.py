"""Sorts rows by several columns, strings by code points, and cuts them into groups: by one number for each row.

Sorting thirteen columns of strings takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, Final

import numpy as np
import polars as pl

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


def grouped(
    frame: pl.DataFrame, keys: Sequence[str], order: Sequence[str], kept: Sequence[str] = ()
) -> tuple[pl.DataFrame, pl.DataFrame, Any]:
    """The frame sorted by keys and order, its distinct keys, and where each of them starts (with the end).

    `kept` are the columns of the sorted frame, by default all: those of keys need most of the memory.
    """
    rows = frame.select(kept) if kept else frame
    if _increase(frame, (*keys, *order)):
        first = np.flatnonzero(np.append(frame.height > 0, changes(frame, keys)))
        return rows, frame.select(keys)[first], np.append(first, frame.height)
    at, distinct, starts = groups(frame, keys, _numbers(frame, order))
    return rows if at is None else rows[at], distinct, starts


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
