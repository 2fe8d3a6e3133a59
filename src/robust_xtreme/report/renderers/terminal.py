"""Prints tables of a document on a terminal."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from robust_xtreme.report.blocks import Table, text_of
from robust_xtreme.sinks import visible

_SIGNS: Final = str.maketrans(
    dict.fromkeys("▌▋▊▉█", "#") | dict.fromkeys("▏▎▍", "") | dict(zip("▁▂▃▄▅▆▇", "__..--=", strict=True))
)
"""The blocks of a bar for a terminal that has none."""


def print_table(console: Console, table: Table) -> None:
    """One table, without the columns that the terminal has no room for; its text is not read as markup.

    A naming column with the same value in all rows (as the metric) is in the title.
    """
    rows = [[text_of(cell) for cell in row] for row in table.rows]
    named = [index for index, column in enumerate(table.columns) if column.named]
    same = [index for index in named if len({row[index] for row in rows}) == 1]
    taken = [index for index, column in enumerate(table.columns) if index not in same and console.width >= column.room]
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for index in taken:
        column = table.columns[index]
        grid.add_column(
            Text(column.heading),
            justify="right" if column.right else "left",
            no_wrap=not column.folds,
            overflow="fold",
        )
    bars = _SIGNS if console.options.ascii_only else {}
    for row in rows:
        grid.add_row(*(Text(visible(row[index]).translate(bars)) for index in taken))
    console.print()
    console.print(Text(visible(", ".join([table.title, *(rows[0][index] for index in same)])), style="italic"))
    console.print(grid)
