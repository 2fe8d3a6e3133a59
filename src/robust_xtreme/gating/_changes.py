"""What differs between the levels of two baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from robust_xtreme.errors import counted
from robust_xtreme.results.run_cells import KEY

SAME: Final = 1e-7
"""The points by which equal levels may differ."""


def changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The cells of two LEVELS frames whose level differs.

    The columns are KEY, `before`, `after` (points, means over runs) and `difference`. A cell that only one of
    them has is null in the other, and last; the largest loss is first.
    """
    means = [side.group_by(KEY).agg(pl.col("value").mean()) for side in (before, after)]
    both = (
        means[0]
        .rename({"value": "before"})
        .join(means[1].rename({"value": "after"}), on=KEY, how="full", coalesce=True)
    )
    difference = (pl.col("after") - pl.col("before")).alias("difference")
    changed = both.with_columns(difference).filter(pl.col("difference").is_null() | (pl.col("difference").abs() > SAME))
    return changed.sort("difference", *KEY, nulls_last=True)


def in_words(changed: pl.DataFrame) -> str:
    """What `changes` found, in a line: how many levels changed, the largest loss and gain, cells added and removed."""
    both = changed.drop_nulls("difference")
    parts = []
    if both.height:
        loss, gain = (f"{row['difference']:+.2f} ({named(row)})" for row in both[[0, -1]].iter_rows(named=True))
        parts.append(f"{counted(both.height, 'level')} changed, by {loss} to {gain} points")
    for verb, column in (("added", "before"), ("removed", "after")):
        if count := changed[column].null_count():
            parts.append(f"{counted(count, 'cell')} {verb}")
    return "; ".join(parts) if parts else "no level changed"


def named(row: Mapping[str, Any]) -> str:
    """A cell in a message."""
    return f"{row['task']}/{row['language']} {row['condition']}"
