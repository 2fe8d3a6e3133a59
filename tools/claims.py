"""Compares the claims of two versions of a kept report: what was claimed of each tested cell, and what is now.

`python -m tools.claims reports/NAME --since COMMIT [-o FILE]` reads `deltas.csv` of the commit, of any schema version.
"""

from __future__ import annotations

import argparse
import io
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.files import store
from robust_xtreme.report.blocks import Paragraph, ReportPage, grid
from robust_xtreme.report.columns import signed
from robust_xtreme.report.renderers import markdown

_CELL: Final = ("task", "split", "language", "context_language", "condition")
_ALPHA: Final = 0.05
_DROP, _GAIN, _NONE, _NOT_TESTED = "drop", "gain", "no change shown", "not tested"

Row = Mapping[str, Any]


def claim(row: Row | None) -> str:
    """What is claimed of a cell at the corrected level, in one of four terms."""
    if row is None or row["p_adjusted"] is None:
        return _NOT_TESTED
    if row["p_adjusted"] >= _ALPHA:
        return _NONE
    return _DROP if row["drop"] > 0 else _GAIN


def text(row: Row | None) -> str:
    """The claim with the change that it is about, and the reason or the marks beside it."""
    if row is None:
        return "no such cell"
    reasons = [name for name in ("at_floor", "inert") if row.get(name)]
    beside = ", ".join(filter(None, [*(reason.replace("_", " ") for reason in reasons), row.get("marks")]))
    return f"{claim(row)}, {signed(-row['drop'])}" + (f" ({beside})" if beside else "")


def rows(data: bytes) -> dict[tuple[str, ...], Row]:
    """The rows of headline metrics by cell, from the bytes of `deltas.csv`."""
    frame = pl.read_csv(io.BytesIO(data), infer_schema_length=None)
    tasks = frame.get_column("task").unique().to_list()
    first = {task: registry.load("task", task).metrics[0] for task in tasks}
    headline = pl.col("metric") == pl.col("task").replace_strict(first, return_dtype=pl.String)
    kept = frame.filter(pl.col("scope") == "all", headline)
    return {tuple(row[name] for name in _CELL): row for row in kept.iter_rows(named=True)}


def page(title: str, since: str, old: Mapping[tuple[str, ...], Row], new: Mapping[tuple[str, ...], Row]) -> str:
    """The counts of old and new claims, and a row for each cell that was or is tested."""
    cells = sorted(cell for cell in {*old, *new} if {claim(old.get(cell)), claim(new.get(cell))} != {_NOT_TESTED})
    pairs = Counter((claim(old.get(cell)), claim(new.get(cell))) for cell in cells)
    what = "A difference can come from the rule of claims, from the intervals, or from other draws of the noise."
    counts = ((before, now, str(count)) for (before, now), count in sorted(pairs.items()))
    changes = ((*_where(cell), text(old.get(cell)), text(new.get(cell))) for cell in cells)
    blocks = (
        Paragraph(f"Before: the report of commit {since}. {what}"),
        grid(("before", "now", "cells"), counts, 2),
        grid(("task", "language", "condition", "before", "now"), changes),
    )
    return markdown.render(ReportPage(f"Claims of {title}: before and now", blocks))


def _where(cell: tuple[str, ...]) -> tuple[str, str, str]:
    """The task, the language and the condition of a cell."""
    task, _, language, context, condition = cell
    return task, language if language == context else f"{language} on {context}", condition


def main() -> None:
    """Compare the claims of two versions of a kept report."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("report", type=Path, help="the folder of the report")
    parser.add_argument("--since", required=True, help="the commit with the earlier version")
    parser.add_argument("-o", "--out", type=Path, help="the page (default: claims.md in the folder)")
    words = parser.parse_args()
    at = f"{words.since}:./{words.report.as_posix()}/deltas.csv"
    earlier = subprocess.run(["git", "show", at], check=True, capture_output=True).stdout
    made = page(words.report.name, words.since, rows(earlier), rows((words.report / "deltas.csv").read_bytes()))
    store.write_text(words.out or words.report / "claims.md", made)


if __name__ == "__main__":
    main()
