"""Makes tables of the frames of views: shown columns, and cells as texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from robust_xtreme.report.blocks import Column, Table
from robust_xtreme.report.columns import Shown, shown
from robust_xtreme.report.view import SECTION


def tables(frame: pl.DataFrame) -> Iterator[Table]:
    """A table for each section of a view's frame, with the section's name as title.

    A column without values in a whole section is left out of it.
    """
    columns = shown(frame.columns)
    for name in frame.get_column(SECTION).unique(maintain_order=True):
        inside = frame.filter(pl.col(SECTION) == name)
        texts = [_texts(column, inside) for column in columns]
        filled = [index for index, column in enumerate(texts) if any(text not in ("", "-") for text in column)]
        heads = tuple(_head(columns[index]) for index in filled)
        yield Table(heads, tuple(zip(*(texts[index] for index in filled), strict=True)), name)


def _texts(column: Shown, frame: pl.DataFrame) -> list[str]:
    return [column.form(*values) for values in frame.select(column.takes).iter_rows()]


def _head(column: Shown) -> Column:
    return Column(column.heading, column.right, column.room, column.folds, column.named, column.legend)


def narrow(table: Table, room: int) -> Table:
    """The table without the columns that only a wider terminal shows."""
    kept = [index for index, column in enumerate(table.columns) if column.room <= room]
    columns = tuple(table.columns[index] for index in kept)
    return replace(table, columns=columns, rows=tuple(tuple(row[index] for index in kept) for row in table.rows))
