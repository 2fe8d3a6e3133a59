"""The view languages_in_columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from robust_xtreme.report.cells import highest
from robust_xtreme.report.columns import NOTHING, SCORE, interval, signed
from robust_xtreme.report.names import script, with_addresses
from robust_xtreme.report.summary import headline_cells, mark
from robust_xtreme.report.view import SECTION, Results, view

_WIDTH: Final = 6
"""The number of languages beside each other."""


@view(title="Languages in columns", order=19)
def languages_in_columns(results: Results) -> pl.DataFrame:
    """Changes with simultaneous intervals; \u2020: a mark, \u00b0: tested without a verdict, -: no cell."""
    cells = with_addresses(highest(headline_cells(results)))
    made = [pl.DataFrame(rows) for rows in _tables(cells)]
    return pl.concat(made, how="diagonal") if made else pl.DataFrame(schema={SECTION: pl.String})


def _tables(cells: pl.DataFrame) -> Iterator[list[dict[str, str]]]:
    """The rows of each table: the languages of one script, some at a time."""
    codes = cells.get_column("language").unique().sort().to_list()
    for name in sorted({script(code) for code in codes}):
        inside = [code for code in codes if script(code) == name]
        for start in range(0, len(inside), _WIDTH):
            shown = inside[start : start + _WIDTH]
            yield list(_rows(cells.filter(pl.col("language").is_in(shown)), f"{name}: {' '.join(shown)}", shown))


def _rows(cells: pl.DataFrame, section: str, codes: list[str]) -> Iterator[dict[str, str]]:
    for (task, noise), rows in cells.group_by("column", "noise", maintain_order=True):
        texts = {row["language"]: _text(row) for row in rows.iter_rows(named=True)}
        scores = {SCORE + code: texts.get(code, NOTHING) for code in codes}
        yield {SECTION: section, "task": str(task), "noise": str(noise), **scores}


def _text(row: Mapping[str, Any]) -> str:
    if row["no_claim"]:
        return str(row["no_claim"])
    kind = "" if row["joint_change_low"] is None else "joint_"
    bounds = interval(row[f"{kind}change_low"], row[f"{kind}change_high"])
    return f"{signed(row['change'])}{mark(row)} {bounds}"
