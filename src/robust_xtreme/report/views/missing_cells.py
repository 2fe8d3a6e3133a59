"""The view missing_cells."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.benchmarks import TITLE, average_heading, benchmark_rows
from robust_xtreme.report.view import SECTION, Results, view

_SCHEMA: Final = dict.fromkeys((SECTION, "average", "noise", "splits", "absent"), pl.String)


@view(title="What the overall averages are over", order=4)
def missing_cells(results: Results) -> pl.DataFrame:
    """The split whose cells count for each task, and every missing cell of an average."""
    named: dict[tuple[str, str, str], tuple[list[str], list[str]]] = {}
    for (title, _), rows in benchmark_rows(results).group_by(TITLE, "condition", maintain_order=True):
        splits = _splits(rows.filter(pl.col("task") != ""))
        for row in rows.filter(pl.col("task") == "").iter_rows(named=True):
            averages, noises = named.setdefault((str(title), splits, row["missing"] or ""), ([], []))
            averages.append(average_heading(row))
            noises.append(row["condition"])
    made = [
        (title, *(", ".join(dict.fromkeys(names)) for names in over), splits, absent)
        for (title, splits, absent), over in named.items()
    ]
    return pl.DataFrame(made, schema=_SCHEMA, orient="row")


def _splits(scores: pl.DataFrame) -> str:
    """Tasks by split."""
    pairs = scores.select("split", "task").unique(maintain_order=True).sort("split", maintain_order=True)
    by_split = pairs.group_by("split", maintain_order=True).agg("task")
    return "; ".join(f"{split}: {' '.join(tasks)}" for split, tasks in by_split.rows())
