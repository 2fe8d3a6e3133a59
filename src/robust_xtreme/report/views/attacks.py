"""The view attacks."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.attacked import attacked
from robust_xtreme.report.cells import sectioned
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.schema import CELL

_COLUMNS: Final = (
    "language", "noise", "clean", "robust", "robust_random", "robust_noise", "success", "success_low", "success_high",
    "queries", "queries_to_success", "words", "graphemes", "no_edit", "attacked", "n", "label_risk",
)  # fmt: skip


@view(title="Attacks", order=36)
def attacks(results: Results) -> pl.DataFrame:
    """The score that an attack leaves, beside random search by as many queries and one draw with as many edits."""
    whole = attacked(results)
    cost = results.attacks.drop("n", "clusters").rename({"words": "edited_words"})
    whole = whole.drop("success", "queries").join(cost, on=CELL, maintain_order="left")
    return sectioned(whole.rename({"edited_words": "words"}), "metric").select(SECTION, *_COLUMNS)
