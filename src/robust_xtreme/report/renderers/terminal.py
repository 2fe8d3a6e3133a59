"""Prints tables of a document on a terminal."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from robust_xtreme.core.sinks import cut, inert, visible
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.blocks import Diff, Paragraph, Phrase, Sample, Table, inlines, text_of
from robust_xtreme.report.columns import only, titled
from robust_xtreme.report.renderers._fitting import Fitted, fitted, folded, naming, tried

_SIGNS: Final = str.maketrans(
    dict.fromkeys("▌▋▊▉█", "#") | dict.fromkeys("▏▎▍", "") | dict(zip("▁▂▃▄▅▆▇", "__..--=", strict=True))
)
"""The blocks of a bar for a terminal that has none."""

_TONES: Final = {"": "", "unmeasured": "bold magenta", "lost": "bold red", "won": "bold blue"}
_LONGEST: Final = 400
"""The characters of a text that a screen has room for."""


def print_blocks(console: Console, blocks: Iterable[doc.Block]) -> None:
    """Sentences, titles and tables of a document; its legend and its charts are left out."""
    for block in blocks:
        match block:
            case Paragraph():
                parts = ((visible(text_of(part)), _TONES[getattr(part, "tone", "")]) for part in inlines(block.text))
                console.print(Text.assemble("\n", *parts), soft_wrap=not console.is_terminal)
            case doc.Bullets():
                lines = "\n".join(f"- {visible(text_of(item))}" for item in block.items)
                console.print(Text(f"\n{lines}"), soft_wrap=not console.is_terminal)
            case doc.Heading():
                console.print(Text(f"\n{visible(block.text)}", style="bold"))
            case Table():
                print_table(console, block)
            case doc.Section():
                print_blocks(console, block.blocks)


def print_table(console: Console, table: Table) -> None:
    """One table as wide as the terminal; its text is not read as markup.

    Columns that a terminal has no room for are left out and named below it; numbers and names of rows are whole. Where
    not even these fit, each row is an entry of several lines, without columns of a low weight. A naming column with the
    same value in all rows (as the metric) is in the title.
    """
    whole = titled(table)
    shown = _plain(console, only(whole, [*tried(whole, console.width)]))
    console.print(Text(f"\n{visible(shown.title)}" if shown.title else "", style="italic"))
    is_split = not any(column.weight for column in shown.columns)  # columns that weigh the same are a further table
    fitting = fitted(shown, console.width)
    if fitting:
        console.print(_grid(fitting))
    else:
        heavy = {at for at, column in enumerate(shown.columns) if column.weight > 1 or is_split}
        shown = only(shown, sorted(heavy | {*naming(shown)}))
        _print_entries(console, shown)
    for sign, meaning in shown.notes:
        console.print(Text(f"{sign} {meaning}"))
    left_out = fitting.left_out if fitting else ()
    there = fitting.table.columns if fitting and not is_split else shown.columns
    if absent := [column.title for column in whole.columns if column not in there]:
        console.print(Text(f"Columns left out: {', '.join(absent)}."))
    if left_out and is_split:
        print_table(console, only(shown, sorted({*naming(shown), *left_out})))


def height(console: Console, table: Table) -> int:
    """The number of lines that a table takes."""
    with console.capture() as printed:
        print_table(console, table)
    return printed.get().count("\n")


def _plain(console: Console, table: Table) -> Table:
    """The table with texts as cells."""
    bars = _SIGNS if console.options.ascii_only else {}
    return replace(
        table,
        title=cut(table.title, _LONGEST),
        rows=tuple(tuple(visible(cut(text_of(cell), _LONGEST)).translate(bars) for cell in row) for row in table.rows),
    )


def _grid(fitting: Fitted) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    columns = list(zip(fitting.table.columns, fitting.widths, strict=True))
    for column, width in columns:
        heading = Text("\n".join(folded(column.title, width)))
        grid.add_column(heading, justify="right" if column.right else "left", no_wrap=True, width=width)
    for row in fitting.table.rows:
        cells = ((text_of(cell), *shown) for cell, shown in zip(row, columns, strict=True))
        grid.add_row(*(Text(text if column.right else "\n".join(folded(text, width))) for text, column, width in cells))
    return grid


def _print_entries(console: Console, table: Table) -> None:
    """Each row with its names in a line and the other columns below it, a line each."""
    names = naming(table)
    for row in table.rows:
        console.print(Text(", ".join(filter(None, (text_of(row[index]) for index in names))), style="bold"))
        for index, column in enumerate(table.columns):
            if index not in names:
                console.print(Text(f"  {column.title}: {text_of(row[index])}"))


def is_coloured(console: Console) -> bool:
    """Whether a console has colours, which mark edits; without them signs do."""
    return console.color_system is not None and not console.no_color


def print_sample(console: Console, sample: Sample) -> None:
    """One example: its title, then a line for each text and fact, indented where it wraps."""
    coloured = is_coloured(console)
    console.print()
    became = f" ({visible(sample.labels['became'])})" if sample.labels.get("became") else ""
    console.print(_text(sample.title, coloured).append_text(Text(became, "bold")), overflow="fold")
    for name, value in (*((name, (diff,)) for name, diff in sample.texts), *sample.facts):
        line = Text(f"{visible(name)}: ", "dim").append_text(_text(value, coloured))
        console.print(Padding(line, (0, 0, 0, 2), expand=False), overflow="fold")


def _text(phrase: Phrase, coloured: bool) -> Text:
    """A phrase in one line; where the terminal has no colours, signs mark the edits."""
    line = Text(style="")
    for part in inlines(phrase):
        if isinstance(part, Diff):
            line.append_text(diff_text(part, coloured=coloured))
        else:
            line.append(visible(part if isinstance(part, str) else part.text))
    return line


def diff_text(diff: Diff, *, coloured: bool) -> Text:
    """The text with removed and added parts marked by colours or signs; invisible characters are shown."""
    line = Text()
    for removed, added, mark in diff.marked:
        style = "underline" if mark else ""
        if removed == added:
            line.append(inert(added), style)
        elif coloured:
            line.append(inert(removed), f"red strike {style}".rstrip())
            line.append(inert(added), f"bold green {style}".rstrip())
        else:
            line.append(f"[-{inert(removed)}-]" if removed else "").append(f"{{+{inert(added)}+}}" if added else "")
    return line
