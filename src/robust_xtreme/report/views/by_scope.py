"""The view by_scope."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.metric import CLEAN_TWIN
from robust_xtreme.report.cells import headline, highest, in_order, sectioned, with_condition, with_language
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.schema import CELL

_SCOPES: Final = ("noised_gold", "untouched")


@view(title="Noised and untouched", order=30)
def by_scope(results: Results) -> pl.DataFrame:
    """The gold spans that noise changed, and those it left, in the clean and the perturbed answers."""
    scores = results.scores.filter(pl.col("condition") != "clean")
    rows = headline(highest(in_order(with_language(with_condition(scores)), results)), results)
    whole = rows.filter(pl.col("scope") == "all")
    for scope in _SCOPES:
        whole = whole.join(_part(rows, scope), on=CELL, how="left", maintain_order="left")
    parted = whole.filter(pl.any_horizontal(pl.col(scope).is_not_null() for scope in _SCOPES))
    levels = [f"{scope}{end}" for scope in _SCOPES for end in ("_clean", "", "_low", "_high")]
    columns = ("language", "perturbation", "strength", "value", *levels, "word_edit_rate")
    return sectioned(parted, "metric").select(SECTION, *columns)


def _part(rows: pl.DataFrame, scope: str) -> pl.DataFrame:
    """The level of one scope with its interval, and the level of the same spans in the clean answers."""
    part = rows.filter(pl.col("scope") == scope)
    clean = rows.filter(pl.col("scope") == scope + CLEAN_TWIN)
    levels = part.select(*CELL, pl.col("value").alias(scope), pl.col("low", "high").name.prefix(f"{scope}_"))
    return levels.join(clean.select(*CELL, pl.col("value").alias(scope + CLEAN_TWIN)), on=CELL, how="left")
