"""The view label_risk."""

from __future__ import annotations

import polars as pl

from robust_xtreme.report.cells import headline, highest, perturbed, sectioned
from robust_xtreme.report.view import SECTION, Results, view


@view(title="Label risk", order=45)
def label_risk(results: Results) -> pl.DataFrame:
    """Cells with edited numbers or negators, at each perturbation's highest strength, and their change without them."""
    rows = headline(highest(perturbed(results)), results).filter(pl.col("scope") == "all", pl.col("label_risk") > 0)
    without = pl.when(pl.col("no_claim").is_null()).then(-pl.col("drop_without_risk") + 0.0)
    columns = ("language", "perturbation", "strength", "label_risk", "change", "no_claim", "change_without_risk")
    return sectioned(rows.with_columns(change_without_risk=without)).select(SECTION, *columns)
