"""The differences of two runs as a part of their page: a verdict, heat tables, charts, and the largest falls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from robust_xtreme.gating.comparing import Comparison
from robust_xtreme.gating.document import KINDS, LEGEND, contrast_table, differences_sentence, in_order, is_shown
from robust_xtreme.report.blocks import Block, Cell, Chart, Column, Heading, Link, Paragraph, Part, Phrase, Table, Terms
from robust_xtreme.report.charts.forest import forest
from robust_xtreme.report.columns import signed
from robust_xtreme.report.names import anchor, language_name, script, script_name
from robust_xtreme.report.page.heat import scale
from robust_xtreme.report.summary import UNDECIDED
from robust_xtreme.results.contrasts import CELLS, CHANGE, PERTURBED, TASKS
from robust_xtreme.results.degrade import parts_of, without_fields

ANCHOR: Final = "differences"
"""The address of the part."""

_TITLE: Final = "Differences"
_FIRST, _MOST, _DRAWN = 12, 60, 40
"""The rows of a table that are shown at once, those of it and its fold, and those of the chart of cells."""

_STILL: Final = 1e-9
"""Levels that differ by less are equal but for the last bits of their sums."""

_KEY: Final = (
    "Candidate minus baseline, in points, of the levels; the colours are those of the changes below. "
    f"{UNDECIDED} and dotted: a tie, no difference is shown."
)
_DESCRIPTION: Final = (
    "Candidate minus baseline in points, the largest fall first. Thick: the interval that is valid for all levels of a "
    "kind at once; thin: that of the row alone. The tick is minus the MDE: the fall that is detected with 80 % power."
)


def differences_part(comparison: Comparison) -> Part:
    """The part of a page that compares two runs."""
    rows = comparison.frame.sort("difference", *in_order(comparison.frame))
    blocks: list[Block] = [
        Paragraph(f"Candidate: {comparison.candidate}; baseline: {comparison.baseline}."),
        Paragraph(differences_sentence(rows)),
        Paragraph(comparison.note),
        Paragraph(_KEY),
        scale(),
        *_heat(rows.filter(pl.col("kind") == CELLS, pl.col("scale") != CHANGE)),
        *_described([*_charts(rows)]),
    ]
    for kind, title in KINDS.items():
        blocks += _tables(rows.filter(kind=kind), kind, title)
    return Part(_TITLE, ANCHOR, (*blocks, Terms(tuple(LEGEND.items()))))


def no_differences(why: str) -> Part:
    """The part of a page of two runs that cannot be compared."""
    return Part(_TITLE, ANCHOR, (Paragraph(f"The differences of the two runs are not shown: {why}"),))


# ----------------------------------------------------------------------------------------------------------------- heat


def _heat(cells: pl.DataFrame) -> Iterator[Table]:
    """A table for clean text and for each noise, languages by script in rows and tasks in columns."""
    named = _named(cells)
    noises = sorted({row["noise"] for row in named}, key=lambda noise: (noise != "clean", noise))
    linked = {row["code"] for row in named if row["scale"] == PERTURBED}  # which have a part of the page
    for noise in noises:
        yield _heat_table(noise, [row for row in named if row["noise"] == noise], linked)


def _heat_table(noise: str, rows: list[dict[str, Any]], linked: set[str]) -> Table:
    several = _several_of(rows)
    by_cell = {(row["code"], _column(row, several)): row for row in rows}
    columns = sorted({column for _, column in by_cell})
    codes = sorted({code for code, _ in by_cell}, key=lambda code: (script(code), code))
    first = {script(code): code for code in reversed(codes)}
    body: tuple[tuple[Phrase | Cell, ...], ...] = tuple(
        (
            script_name(script(code)) if first[script(code)] == code else "",
            (Link(language_name(code), f"#{anchor(code)}"),) if code in linked else language_name(code),
            *(_cell(by_cell.get((code, column))) for column in columns),
        )
        for code in codes
    )
    heads = (Column("script"), Column("language"), *(Column(name, right=True) for name in columns))
    return Table(heads, body, noise, role="heat")


def _named(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of CONTRASTS with their noise, without its fields, and the code of their language."""
    every = rows.iter_rows(named=True)
    return [{**row, "noise": without_fields(row["condition"]), "code": _code(row)} for row in every]


def _several_of(rows: list[dict[str, Any]]) -> dict[str, set[str]]:
    """What tells cells of one task, language and noise apart, each with the tasks where it does."""
    return {column: _several(rows, column) for column in ("split", "setting", "inference", "condition")}


def _several(rows: list[dict[str, Any]], column: str) -> set[str]:
    values: dict[tuple[str, str, str], set[str]] = {}
    for row in rows:
        values.setdefault((row["task"], row["code"], row["noise"]), set()).add(row[column])
    return {task for (task, _, _), known in values.items() if len(known) > 1}


def _column(row: Mapping[str, Any], several: Mapping[str, set[str]]) -> str:
    """A task, with what else tells its columns apart."""
    values = {**row, "condition": parts_of(row["condition"])[2]}
    return " ".join((row["task"], *(values[name] for name, tasks in several.items() if row["task"] in tasks)))


def _cell(row: Mapping[str, Any] | None) -> Cell:
    if row is None:
        return Cell("", mark="absent")
    if is_shown(row):
        return Cell(signed(row["difference"]), row["difference"])
    return Cell(f"{signed(row['difference'])}{UNDECIDED}", row["difference"], "undecided")


def _code(row: Mapping[str, Any]) -> str:
    question, context = row["language"], row["context_language"]
    return question if question == context else f"{question} on {context}"


# --------------------------------------------------------------------------------------------------- charts and tables


def _described(charts: list[Chart]) -> tuple[Block, ...]:
    """The charts after what they show in words."""
    return (Paragraph(_DESCRIPTION), *charts) if charts else ()


def _charts(rows: pl.DataFrame) -> Iterator[Chart]:
    """The differences of tasks, and the cells with the largest falls."""
    levels = rows.filter(pl.col("scale") != CHANGE, pl.col("low").is_not_null())
    falls = levels.filter(pl.col("kind") == CELLS, pl.col("difference") < -_STILL)
    for title, drawn in (("By task", levels.filter(kind=TASKS)), ("Largest falls", falls.head(_DRAWN))):
        if drawn.height:
            yield Chart(title, _DESCRIPTION, forest(_as_cells(drawn), "difference in points (left: worse)"))


def _as_cells(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with the columns that the chart of changes takes."""
    named = _named(rows)
    several = _several_of(named)
    names = [(_label(row, several), row["noise"]) for row in named]
    columns = {"change": "difference", "change_low": "low", "change_high": "high", "mde": "mde"}
    joint = {"joint_change_low": "joint_low", "joint_change_high": "joint_high"}
    return rows.select(
        "condition", **{name: pl.col(column) for name, column in (columns | joint).items()}
    ).with_columns(
        pl.Series("language", [name for name, _ in names], dtype=pl.String),
        pl.Series("noise", [noise for _, noise in names], dtype=pl.String),
    )


def _label(row: Mapping[str, Any], several: Mapping[str, set[str]]) -> str:
    return " ".join(filter(None, (_column(row, several), row["code"])))


def _tables(rows: pl.DataFrame, kind: str, title: str) -> Iterator[Block]:
    """The rows of a kind, the largest falls first, of which most are folded."""
    if rows.is_empty():
        return
    yield Heading(title, 3)
    yield contrast_table(rows.head(_FIRST))
    if rows.height > _FIRST:
        more: list[Block] = [contrast_table(rows.slice(_FIRST, _MOST))]
        if left := rows.height - _FIRST - _MOST:
            more += [Paragraph(f"{left} more rows are in the table to download.")] if left > 0 else []
        shown = min(rows.height - _FIRST, _MOST)
        yield Part(f"{shown} more rows", f"{ANCHOR}-{kind}", tuple(more), level=4, folded=True)
