"""Makes tables of the frames of views: shown columns, and cells as texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from robust_xtreme.report.blocks import Table, TableColumn, text_of
from robust_xtreme.report.columns import Shown, shown
from robust_xtreme.report.view import SECTION


def tables(frame: pl.DataFrame) -> Iterator[Table]:
    """A table for each section of a view's frame, with the section's name as title.

    A column without values in a whole section is left out of it.
    """
    columns = shown(frame.columns)
    for name in frame.get_column(SECTION).unique(maintain_order=True):
        inside = frame.filter(pl.col(SECTION) == name).to_dict(as_series=False)
        texts = [_texts(column, inside) for column in columns]
        filled = [index for index, column in enumerate(texts) if any(text not in ("", "-") for text in column)]
        heads = tuple(_head(columns[index]) for index in filled)
        yield Table(heads, tuple(zip(*(texts[index] for index in filled), strict=True)), name)


def _texts(column: Shown, values: Mapping[str, list[Any]]) -> list[str]:
    return [column.form(*cells) for cells in zip(*(values[name] for name in column.takes), strict=True)]


def _head(column: Shown) -> TableColumn:
    placed = (column.heading, column.right, column.room, column.folds, column.named, column.legend, column.group)
    return TableColumn(*placed, column.weight)


def noted(table: Table, meanings: Mapping[str, str]) -> Table:
    """The table with a note for each sign that its numbers have, alone or, if it is not of ASCII, after a number."""
    texts = {
        text_of(cell) for row in table.rows for cell, column in zip(row, table.columns, strict=True) if column.right
    }
    every = "".join(texts)
    signs = [sign for sign in meanings if (sign in texts if sign.isascii() else sign in every)]
    return replace(table, notes=tuple((sign, meanings[sign]) for sign in signs))


def titled(table: Table) -> Table:
    """The table with the naming columns that have one value in its title."""
    shared = {
        index: text_of(table.rows[0][index])
        for index, column in enumerate(table.columns)
        if column.named and len({text_of(row[index]) for row in table.rows}) == 1
    }
    kept = [index for index in range(len(table.columns)) if index not in shared]
    title = ", ".join(filter(None, (table.title, *shared.values())))
    return replace(only(table, kept), title=title)


def narrow(table: Table, room: int) -> Table:
    """The table without the columns that only a wider terminal shows."""
    return only(table, [index for index, column in enumerate(table.columns) if column.room <= room])


def only(table: Table, kept: Sequence[int]) -> Table:
    """The table with some of its columns, by their positions."""
    columns = tuple(table.columns[index] for index in kept)
    return replace(table, columns=columns, rows=tuple(tuple(row[index] for index in kept) for row in table.rows))
