"""What the commands print on a terminal: tables, entries where it is too narrow for them, bars; and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from textwrap import indent
from typing import Any, Final

import typer
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.table import Column, Table
from rich.text import Text

WIDE: Final = 160


def output(width: int = WIDE) -> Console:
    """The console of stdout: as wide as the terminal, or `width` columns without one."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = width
    return console


def messages() -> Console:
    """The console of stderr."""
    return Console(stderr=True, markup=False, highlight=False)


def bar(console: Console, *counts: ProgressColumn, transient: bool = True) -> Progress:
    """A progress bar with counts on its right."""
    columns = (TextColumn("{task.description}"), BarColumn(), *counts)
    return Progress(*columns, console=console, transient=transient)


def table_of(columns: Iterable[Column], rows: Iterable[Sequence[str | Text]]) -> Table:
    """A table without lines."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    return table


def fits(console: Console, table: Table, widest: int = WIDE) -> bool:
    """Whether a table has its full width on a console."""
    return console.measure(table, options=console.options.update(max_width=widest)).maximum <= console.width


def print_stacked(console: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print the rows of a table as entries, one below the other."""
    for first, *cells in rows:
        console.print(Text(first, "bold"))
        for column, text in zip(columns[1:], cells, strict=True):
            if text:
                print_entry(console, f"{column}:\n{indent(text, '  ')}" if "\n" in text else f"{column}: {text}")


def print_entry(console: Console, line: str) -> None:
    """Print a line of an entry, indented where it wraps."""
    console.print(Padding(Text(line, overflow="fold"), (0, 0, 0, 2), expand=False))


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))
