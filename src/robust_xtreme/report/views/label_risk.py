"""The view label_risk."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.cells import headline, highest, perturbed, sectioned
from robust_xtreme.report.view import SECTION, Results, view

_COLUMNS: Final = (
    "language", "perturbation", "strength", "label_risk", "change", "no_claim", "change_low", "change_high",
    "change_without_risk", "without_risk_low", "without_risk_high",
)  # fmt: skip


@view(title="Label risk", order=45)
def label_risk(results: Results) -> pl.DataFrame:
    """Cells with edited numbers or negators, at each perturbation's highest strength, and their change without them."""
    rows = headline(highest(perturbed(results)), results).filter(pl.col("scope") == "all", pl.col("label_risk") > 0)
    return sectioned(rows).select(SECTION, *_COLUMNS)
