"""Renders frames of views as markdown, as HTML, and as tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from robust_xtreme.report.columns import MEDIUM, Shown, shown
from robust_xtreme.report.view import SECTION
from robust_xtreme.sinks import html_text, markdown, visible

_SIGNS: Final = str.maketrans(dict.fromkeys("▌▋▊▉█", "#") | dict.fromkeys("▏▎▍", ""))
"""The blocks of a bar for a terminal that has none."""


def sections(frame: pl.DataFrame) -> Iterator[tuple[str, list[Shown], list[list[str]]]]:
    """Each section of a view's frame: its name, its shown columns, its rows as texts.

    A column without values in a whole section is left out of it.
    """
    columns = shown(frame.columns)
    for name in frame.get_column(SECTION).unique(maintain_order=True):
        inside = frame.filter(pl.col(SECTION) == name)
        rows = [
            [column.form(*(row[taken] for taken in column.takes)) for column in columns]
            for row in inside.iter_rows(named=True)
        ]
        filled = [index for index in range(len(columns)) if any(row[index] not in ("", "-") for row in rows)]
        yield name, [columns[index] for index in filled], [[row[index] for index in filled] for row in rows]


def markdown_table(columns: list[Shown], rows: list[list[str]]) -> str:
    """One table in markdown, every cell escaped."""
    lines = [
        [markdown(column.heading) for column in columns],
        ["---:" if column.right else "---" for column in columns],
        *([markdown(cell) for cell in row] for row in rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def html_tables(title: str, frame: pl.DataFrame) -> str:
    """A view's frame in HTML, every cell escaped: sections with the same columns are in one table.

    Columns that only a wide terminal shows are left out.
    """
    made = [(name, *_narrow(columns, rows)) for name, columns, rows in sections(frame)]
    grouped = groupby(made, key=lambda section: [column.heading for column in section[1]])
    caption = f"<caption>{html_text(title)}</caption>"
    return "\n".join("\n".join(["<table>", caption, *_html_lines(list(alike)), "</table>"]) for _, alike in grouped)


def _narrow(columns: list[Shown], rows: list[list[str]]) -> tuple[list[Shown], list[list[str]]]:
    kept = [index for index, column in enumerate(columns) if column.room <= MEDIUM]
    return [columns[index] for index in kept], [[row[index] for index in kept] for row in rows]


def _html_lines(alike: list[tuple[str, list[Shown], list[list[str]]]]) -> Iterator[str]:
    """The rows of sections that have the same columns, each section after its name."""
    columns = alike[0][1]
    sides = [f' style="text-align: {"right" if column.right else "left"}"' for column in columns]
    yield _html_row("th", sides, [column.heading for column in columns])
    for name, _, rows in alike:
        if name:
            yield _html_row("th", [f' colspan="{len(columns)}" style="text-align: left"'], [name])
        yield from (_html_row("td", sides, row) for row in rows)


def _html_row(tag: str, attributes: list[str], texts: list[str]) -> str:
    filled = zip(attributes, texts, strict=True)
    return f"<tr>{''.join(f'<{tag}{how}>{html_text(text)}</{tag}>' for how, text in filled)}</tr>"


def print_table(console: Console, title: str, columns: list[Shown], rows: list[list[str]]) -> None:
    """One table on a terminal, without the columns that it has no room for; its text is not read as markup.

    A naming column with the same value in all rows (as the metric) is in the title.
    """
    same = [index for index, column in enumerate(columns) if column.named and len({row[index] for row in rows}) == 1]
    taken = [index for index, column in enumerate(columns) if index not in same and console.width >= column.room]
    title = ", ".join([title, *(rows[0][index] for index in same)])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index in taken:
        table.add_column(
            Text(columns[index].heading),
            justify="right" if columns[index].right else "left",
            no_wrap=not columns[index].folds,
            overflow="fold",
        )
    bars = _SIGNS if console.options.ascii_only else {}
    for row in rows:
        table.add_row(*(Text(visible(row[index]).translate(bars)) for index in taken))
    console.print()
    console.print(Text(visible(title), style="italic"))
    console.print(table)
