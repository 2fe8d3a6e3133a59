"""The heat tables of the page: the change of each task in each language, a table for each perturbation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from robust_xtreme.report.blocks import Block, Hyperlink, Paragraph, Phrase, Section, Table, TableCell, TableColumn
from robust_xtreme.report.cells import highest
from robust_xtreme.report.charts.style import STEPS
from robust_xtreme.report.columns import NOTHING, percent, points, signed
from robust_xtreme.report.names import anchor, language_name, script, script_name
from robust_xtreme.report.summary import MARKED, UNDECIDED, headline_cells, mark
from robust_xtreme.report.view import Results
from robust_xtreme.stats.no_claim import SELECTED

_PATTERNS: Final = {MARKED: "marked", UNDECIDED: "undecided", "": ""}
_KEY: Final = Paragraph(
    "Change in points at each perturbation's highest strength, perturbed minus clean; the colours are those of the "
    f"change, whichever number is shown; cells that cannot be measured have none. {MARKED} and hatched: with a mark, "
    f"see marks. {UNDECIDED} and dotted: without a mark, and neither a drop nor a gain is shown. Grey: not in the run, "
    "not served, or the noise does not reach the model."
)


def heat(results: Results) -> Iterator[Section]:
    """A table for each perturbation, languages by script in rows and tasks in columns."""
    cells = highest(headline_cells(results)).filter(pl.col("no_claim").ne_missing(SELECTED))
    blocks: list[Block] = [_KEY, scale()]
    for (noise,), group in cells.group_by("noise", maintain_order=True):
        blocks.append(_table(str(noise), group))
    if cells.height:
        yield Section("Where it breaks", "heat", tuple(blocks))


def scale() -> Table:
    """The colours with the changes that have them, losses first."""
    sizes = [*zip(STEPS, (*STEPS[1:], None), strict=True)]
    losses, gains = ([_step(sign, *size) for size in sizes] for sign in "-+")
    row = (*reversed(losses), TableCell(f"less than {STEPS[0]}", 0.0), *gains)
    return Table(tuple(TableColumn("") for _ in row), (row,), role="scale")


def _step(sign: str, low: int, high: int | None) -> TableCell:
    return TableCell(f"{sign}{low} {'and more' if high is None else f'to {sign}{high}'}", float(f"{sign}{low}"))


def _table(noise: str, cells: pl.DataFrame) -> Table:
    """Tasks in columns, several models of a task beside each other in the order of the run."""
    order = ("task", "split", "fields_rank", "run_rank", "model")
    columns = cells.sort(order, maintain_order=True).get_column("column").unique(maintain_order=True).to_list()
    rows = {(row["language"], row["column"]): row for row in cells.iter_rows(named=True)}
    codes = sorted({language for language, _ in rows}, key=lambda code: (script(code), code))
    first = {script(code): code for code in reversed(codes)}  # the first language of each script names it
    body: tuple[tuple[Phrase | TableCell, ...], ...] = tuple(
        (
            script_name(script(code)) if first[script(code)] == code else "",
            (Hyperlink(language_name(code), f"#{anchor(code)}"),),
            *(_cell(rows.get((code, column))) for column in columns),
        )
        for code in codes
    )
    heads = (TableColumn("script"), TableColumn("language"), *(TableColumn(name, right=True) for name in columns))
    return Table(heads, body, noise, role="heat")


def _cell(row: Mapping[str, Any] | None) -> TableCell:
    """A cell of the run: its change, and what the toggles show; an empty one where the run has none."""
    if row is None:
        return TableCell("", mark="absent")
    if row["no_claim"]:
        return TableCell(row["no_claim"], mark="absent")
    lost = row["relative"]
    texts = {
        "relative": NOTHING if lost is None else f"{-lost + 0.0:+.1f} %",
        "noisy": points(row["value"]),
        "edits": percent(row["grapheme_edit_rate"]),
    }
    also = {name: text + mark(row) for name, text in texts.items()}
    return coloured(row, (Hyperlink(signed(row["change"]) + mark(row), f"#{row['address']}"),), also)


def coloured(row: Mapping[str, Any], text: Phrase, also: Mapping[str, str] | None = None) -> TableCell:
    """A text in the colour and with the pattern of a cell of the run."""
    return TableCell(text, 0.0 if row["near_chance"] else row["change"], _PATTERNS[mark(row)], also or {})
