"""A part of the page for each language: its changes sorted by loss, and what explains them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from robust_xtreme.report.blocks import MEDIUM, Block, Link, Paragraph, Part, Strong, Table, inlines, joined
from robust_xtreme.report.cells import highest
from robust_xtreme.report.names import anchor, language_name, script, script_name
from robust_xtreme.report.page.heat import coloured
from robust_xtreme.report.summary import headline_cells, runs_of, verdict_on
from robust_xtreme.report.tables import narrow, tables
from robust_xtreme.report.view import SECTION, Results, View

MOST: Final = 60
"""The number of changes of one language; a run with more has only those at the highest strengths, then the worst."""

_FIRST: Final = 12
"""The number of changes that are shown at once."""

_ROWS, _FEWEST_ROWS = 1200, 24
"""The number of rows of another view of all languages together, and the least of one language."""

_COLUMNS: Final = (
    "task", "noise", "change", "no_claim", "change_low", "change_high", "p_adjusted", "clean", "value",
    "grapheme_edit_rate", "tokens_per_word_clean", "tokens_per_word", "label_risk", "marks",
)  # fmt: skip


def languages(results: Results, views: list[View], examples: Sequence[Part] = ()) -> Iterator[Part]:
    """A part for each language, by name; `views` are those whose rows are divided among them."""
    cells = headline_cells(results)
    divided = [(view, view.make(results)) for view in views]
    codes = cells.get_column("language").unique().to_list()
    most = max(_FEWEST_ROWS, _ROWS // max(1, len(codes)))
    for code in sorted(codes, key=language_name):
        title = f"{language_name(code)}, {script_name(script(code))} script"
        links = _links([part for part in examples if part.anchor == f"examples/{anchor(code)}"])
        blocks = [
            *_verdicts(cells.filter(language=code), results),
            *_changes(cells.filter(language=code), code),
            *links,
            *_views(divided, code, most),
        ]
        yield Part(title, anchor(code), tuple(blocks), level=3)


def _links(examples: Sequence[Part]) -> Iterator[Paragraph]:
    """Where the examples of each task are."""
    tasks = [block for part in examples for block in part.blocks if isinstance(block, Part)]
    if tasks:
        yield Paragraph(("Examples: ", *joined([(Link(task.title, f"#{task.anchor}"),) for task in tasks]), "."))


def _verdicts(cells: pl.DataFrame, results: Results) -> Iterator[Paragraph]:
    """The verdict of each run."""
    for name, of_run in runs_of(cells, results):
        if of_run.height:
            yield Paragraph((*((Strong(f"{name}: "),) if name else ()), *inlines(verdict_on(of_run))))


def _changes(cells: pl.DataFrame, code: str) -> Iterator[Block]:
    """The cells of a language, the largest loss first; those that claim nothing last."""
    shown = cells if cells.height <= MOST else highest(cells)
    shown = shown.sort("change", "address", nulls_last=True).head(MOST)
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


def _views(divided: list[tuple[View, pl.DataFrame]], code: str, most: int) -> Iterator[Block]:
    for view, frame in divided:
        rows = frame.filter(pl.col("language") == code).drop("language")
        shown = rows.head(most).with_columns(pl.col(SECTION).alias("of")).with_columns(pl.lit("").alias(SECTION))
        if shown.is_empty():
            continue
        blocks: list[Block] = [narrow(table, MEDIUM) for table in tables(shown)]
        if left := rows.height - shown.height:
            blocks.append(Paragraph(f"{left} more rows of the language are in report.md."))
        yield Part(view.title, f"{view.name.replace('_', '-')}/{anchor(code)}", tuple(blocks), level=4, folded=True)
