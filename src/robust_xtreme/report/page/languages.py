"""A part of the page for each language: its changes sorted by loss, and what explains them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from robust_xtreme.report.blocks import MEDIUM, Block, Heading, Paragraph, Part, Table
from robust_xtreme.report.cells import highest
from robust_xtreme.report.names import anchor, language_name, script
from robust_xtreme.report.page.heat import coloured
from robust_xtreme.report.summary import headline_cells, verdict_on
from robust_xtreme.report.tables import narrow, tables
from robust_xtreme.report.view import SECTION, Results, View

MOST: Final = 60
"""The number of changes of one language; a run with more has only those at the highest strengths, then the worst."""

_FIRST: Final = 12
"""The number of changes that are shown at once."""

_MOST_ROWS: Final = 24
"""The number of rows of other views of one language."""

_COLUMNS: Final = (
    "task", "noise", "clean", "value", "change", "no_claim", "change_low", "change_high", "p_adjusted",
    "grapheme_edit_rate", "tokens_per_word_clean", "tokens_per_word", "label_risk", "marks",
)  # fmt: skip


def languages(results: Results, views: list[View]) -> Iterator[Part]:
    """A part for each language, by name; `views` are those whose rows are divided among them."""
    cells = headline_cells(results)
    divided = [(view, view.make(results)) for view in views]
    codes = cells.get_column("language").unique().to_list()
    for code in sorted(codes, key=language_name):
        title = f"{language_name(code)}, {script(code)}"
        blocks = [*_changes(cells.filter(language=code), code), *_views(divided, code)]
        yield Part(title, anchor(code), tuple(blocks), level=3)


def _changes(cells: pl.DataFrame, code: str) -> Iterator[Block]:
    """The verdict on a language and its cells, the largest loss first; those that claim nothing last."""
    shown = cells if cells.height <= MOST else highest(cells)
    shown = shown.sort("change", "address", nulls_last=True).head(MOST)
    yield Paragraph(verdict_on(cells))
    yield from _table(shown.head(_FIRST))
    if shown.height > _FIRST:
        more = tuple(_table(shown.slice(_FIRST)))
        yield Part(f"{shown.height - _FIRST} more changes", f"more/{anchor(code)}", more, level=4, folded=True)
    if left := cells.height - shown.height:
        yield Paragraph(f"{left} more cells of the language are in the table to download.")


def _table(shown: pl.DataFrame) -> Iterator[Table]:
    """Cells as rows with their addresses, the change in the colour that it has in the heat table."""
    named = shown.with_columns(pl.lit("").alias(SECTION), task=pl.col("column"))
    for table in tables(named.select(SECTION, *_COLUMNS)):
        at = [column.heading for column in table.columns].index("change")
        rows = tuple(
            (*row[:at], coloured(cell, str(row[at])), *row[at + 1 :])
            for row, cell in zip(table.rows, shown.iter_rows(named=True), strict=True)
        )
        yield Table(table.columns, rows, role="cells", anchors=tuple(shown.get_column("address")))


def _views(divided: list[tuple[View, pl.DataFrame]], code: str) -> Iterator[Block]:
    for view, frame in divided:
        rows = frame.filter(pl.col("language") == code).drop("language")
        shown = rows.head(_MOST_ROWS).with_columns(pl.col(SECTION).alias("of")).with_columns(pl.lit("").alias(SECTION))
        for table in tables(shown):
            yield Heading(view.title, 4)
            yield narrow(table, MEDIUM)
