"""Prints tables of a document on a terminal."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from robust_xtreme.report.blocks import Table, text_of
from robust_xtreme.report.tables import narrow, titled
from robust_xtreme.sinks import visible

_SIGNS: Final = str.maketrans(
    dict.fromkeys("▌▋▊▉█", "#") | dict.fromkeys("▏▎▍", "") | dict(zip("▁▂▃▄▅▆▇", "__..--=", strict=True))
)
"""The blocks of a bar for a terminal that has none."""


def print_table(console: Console, table: Table) -> None:
    """One table, without the columns that the terminal has no room for; its text is not read as markup.

    A naming column with the same value in all rows (as the metric) is in the title.
    """
    shown = narrow(titled(table), console.width)
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for column in shown.columns:
        grid.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            no_wrap=not column.folds,
            overflow="fold",
        )
    bars = _SIGNS if console.options.ascii_only else {}
    for row in shown.rows:
        grid.add_row(*(Text(visible(text_of(cell)).translate(bars)) for cell in row))
    console.print()
    console.print(Text(visible(shown.title), style="italic"))
    console.print(grid)
    for sign, meaning in shown.notes:
        console.print(Text(f"{sign} {meaning}"))
