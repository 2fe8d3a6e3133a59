"""The view defences."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.attacked import attacked
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.schema import CELL

_CELL: Final = (*CELL[:-1], "metric", "scope")
_LEVELS: Final = ("clean", "noise", "random", "robust")
_COLUMNS: Final = ("language", "model", *(f"{name}_{part}" for name in _LEVELS for part in ("level", "low", "high")))


@view(title="Defences", order=37)
def defences(results: Results) -> pl.DataFrame:
    """Models under the same attack: clean, under noise with as many edits, random search, and the robust level."""
    clean = results.scores.filter(pl.col("condition") == "clean")
    bounds = clean.select(*_CELL, clean_low="low", clean_high="high")
    whole = attacked(results).filter(pl.col("drawn").is_not_null())
    whole = whole.join(bounds, on=_CELL, how="left", maintain_order="left")
    several = pl.col("model").n_unique().over("task", "split", "language", "condition") > 1
    named = {"robust_level": "robust", "noise_level": "robust_noise", "random_level": "robust_random"}
    shown = whole.filter(several).with_columns(**{name: pl.col(of) for name, of in named.items()}, clean_level="clean")
    section = pl.concat_str(pl.col("task"), pl.lit(", "), "split", pl.lit(", "), "metric", pl.lit(", "), "condition")
    ordered = shown.with_columns(section.alias(SECTION)).sort(
        "task", "split", "metric", "fields_rank", "condition", "language", "run_rank", "model"
    )
    return ordered.select(SECTION, *_COLUMNS)
