"""What the commands print on a terminal: tables, entries where it is too narrow for them, bars; and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from textwrap import indent
from typing import Any, Final, final

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from robust_xtreme.core.sinks import echo, json_text, one_line, printed, terminal

WIDE: Final = 160


@final
class Terminal(Console):
    """A console whose text contains no control characters: they are shown as codes. Its own signs and colours stay."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """The segments of what is printed."""
        for segment in Console.render(self, renderable, options):
            yield segment if segment.control else segment._replace(text=terminal(segment.text))

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        """The lines of what is printed, when their widths are settled."""
        return printed(Console._render_buffer(self, buffer))


def output(width: int = WIDE) -> Console:
    """The console of stdout: as wide as the terminal, or `width` columns without one."""
    console = Terminal(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = width
    return console


def messages() -> Console:
    """The console of stderr."""
    return Terminal(stderr=True, markup=False, highlight=False, emoji=False)


def print_line(console: Console, line: str) -> None:
    """Print a line of progress; a line break in it is shown, too."""
    console.print(one_line(line), soft_wrap=True)


def bar(console: Console, *counts: ProgressColumn, transient: bool = True) -> Progress:
    """A progress bar with counts on its right."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), *counts)
    return Progress(*columns, console=console, transient=transient)


@contextmanager
def steps(
    first: str, *counts: ProgressColumn, total: float | None = None, quiet: bool = False
) -> Iterator[Callable[..., None]]:
    """A bar on a terminal's stderr, nothing elsewhere: gives what updates it, by the arguments of `Progress.update`."""
    console = messages()
    if quiet or not console.is_terminal:
        yield lambda **_: None
        return
    with bar(console, *counts) as progress:
        yield partial(progress.update, progress.add_task(first, total=total))


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
    echo(json_text(value, indent=1))
