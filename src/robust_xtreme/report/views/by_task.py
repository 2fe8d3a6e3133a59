"""The view by_task."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.cells import GROUP, common, perturbed, sectioned
from robust_xtreme.report.columns import signed
from robust_xtreme.report.view import SECTION, Results, view

_KEY: Final = ("metric", "fields", "perturbation", "strength")
_MEANS: Final = ("chance", "clean", "value", "change", "grapheme_edit_rate")


@view(title="By task", order=10)
def by_task(results: Results) -> pl.DataFrame:
    """Averages over languages, each counted once, the same clean and perturbed; where none claims anything, no row."""
    rows = common(perturbed(results).filter(pl.col("scope") == "all"))
    changes = [f"{language} {signed(change)}" for language, change in rows.select("language", "change").iter_rows()]
    averages = (
        rows.with_columns(named=pl.Series(changes, dtype=pl.String))
        .group_by(*GROUP, "perturbation", "strength", maintain_order=True)
        .agg(
            pl.col(_MEANS).filter(pl.col("averaged")).mean(),
            _extreme(descending=True).alias("least"),
            _extreme(descending=False).alias("most"),
            pl.col("averaged").sum().cast(pl.Int64).alias("languages"),
            (~pl.col("averaged")).sum().cast(pl.Int64).alias("left_out"),
        )
    )
    columns = (*_KEY, *_MEANS[:4], "least", "most", "grapheme_edit_rate", "languages", "left_out")
    return sectioned(averages.filter(pl.col("languages") > 0), noise=False).select(SECTION, *columns)


def _extreme(descending: bool) -> pl.Expr:
    """The language that changes least (or most), with its change in points."""
    inside = pl.col("averaged")
    change = pl.col("change").filter(inside)
    return pl.col("named").filter(inside).sort_by(change, descending=descending, maintain_order=True).first()
