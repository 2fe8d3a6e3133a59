"""The view languages_in_columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from robust_xtreme.report.cells import highest
from robust_xtreme.report.columns import GROUPED, NOTHING, interval, signed
from robust_xtreme.report.names import script
from robust_xtreme.report.summary import UNDECIDED, headline_cells, undecided
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.stats.no_claim import SELECTED

_WIDTH: Final = 6
"""The number of languages beside each other."""

_MARKS: Final = {"not shown above chance": "ᵃ", "no room": "ᵇ", "constant": "ᶜ", "cannot reject": "ᵈ"}
_NOTES: Final = {
    **{sign: name for name, sign in _MARKS.items()},
    UNDECIDED: "without a verdict: not tested, or neither a drop nor a gain",
    NOTHING: "not in the run",
    "not applicable": "the noise is not defined there",
    "no edits": "the noise edits no text",
    "inert": "the tokenizer undoes the noise",
}


@view(title="Languages in columns", order=19, notes=_NOTES)
def languages_in_columns(results: Results) -> pl.DataFrame:
    """Changes in points with the joint intervals, else those of cells alone; \u00b0 goes by the corrected p."""
    cells = highest(headline_cells(results)).filter(pl.col("no_claim").ne_missing(SELECTED))
    codes = sorted(set(cells.get_column("language")), key=lambda code: (script(code), code))
    groups = [codes[start : start + _WIDTH] for start in range(0, len(codes), _WIDTH)]
    made = [pl.DataFrame(list(_rows(cells.filter(pl.col("language").is_in(group)), group))) for group in groups]
    return pl.concat(made, how="diagonal") if made else pl.DataFrame(schema={SECTION: pl.String})


def _rows(cells: pl.DataFrame, codes: list[str]) -> Iterator[dict[str, str]]:
    for (task, noise), rows in cells.group_by("column", "noise", maintain_order=True):
        texts = {row["language"]: _text(row) for row in rows.iter_rows(named=True)}
        changes = {f"{GROUPED}{script(code)}/{code}": texts.get(code, NOTHING) for code in codes}
        yield {SECTION: " ".join(codes), "task": str(task), "noise": str(noise), **changes}


def _text(row: Mapping[str, Any]) -> str:
    """A change with the signs of its marks, and its interval."""
    if row["no_claim"]:
        return str(row["no_claim"])
    kind = "" if row["joint_change_low"] is None else "joint_"
    low, high = (row[f"{kind}change_{side}"] for side in ("low", "high"))
    bounds = "" if low is None else f" {interval(low, high)}"
    marks = "".join(_MARKS[name] for name in row["marks"].split(", ")) if row["marks"] else ""
    return f"{signed(row['change'])}{marks}{UNDECIDED if undecided(row) else ''}{bounds}"
