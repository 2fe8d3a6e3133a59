"""The view defences."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.attacked import attacked
from robust_xtreme.report.view import SECTION, Results, view

_LEVELS: Final = ("clean", "noise", "random", "robust")
_COLUMNS: Final = ("language", "model", *(f"{name}_{part}" for name in _LEVELS for part in ("level", "low", "high")))


@view(title="Defences", order=37)
def defences(results: Results) -> pl.DataFrame:
    """Models under the same attack: clean, under noise with as many edits, random search, and the robust level."""
    whole = attacked(results).filter(pl.col("of_noise").is_not_null())
    several = pl.col("model").n_unique().over("task", "split", "language", "condition") > 1
    shown = whole.filter(several)
    section = pl.concat_str(pl.col("task"), pl.lit(", "), "split", pl.lit(", "), "metric", pl.lit(", "), "condition")
    ordered = shown.with_columns(section.alias(SECTION)).sort(
        "task", "split", "metric", "fields_rank", "condition", "language", "run_rank", "model"
    )
    return ordered.select(SECTION, *_COLUMNS)
