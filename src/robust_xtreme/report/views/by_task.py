"""The view by_task."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.averages import common
from robust_xtreme.report.cells import GROUP, perturbed, sectioned
from robust_xtreme.report.columns import signed
from robust_xtreme.report.view import SECTION, Results, view

_KEY: Final = ("metric", "fields", "perturbation", "strength")
_MEANS: Final = ("baseline", "clean", "value", "change", "grapheme_edit_rate")
_EXTREMES: Final = ("least", "most")


@view(title="By task", order=10)
def by_task(results: Results) -> pl.DataFrame:
    """Averages over languages, each counted once, the same clean and perturbed; where none claims anything, no row."""
    rows = common(perturbed(results).filter(pl.col("scope") == "all"))
    averages = (
        rows.with_columns(named=_named(rows))
        .group_by(*GROUP, "perturbation", "strength", maintain_order=True)
        .agg(
            *(_mean(name) for name in _MEANS),
            _extreme(descending=True).alias("least"),
            _extreme(descending=False).alias("most"),
            pl.col("averaged").sum().cast(pl.Int64).alias("languages"),
            (~pl.col("averaged")).sum().cast(pl.Int64).alias("left_out"),
        )
    )
    columns = (*_KEY, *_MEANS[:4], *_EXTREMES, "grapheme_edit_rate", "languages", "left_out")
    return sectioned(averages.filter(pl.col("languages") > 0), noise=False).select(SECTION, *columns)


def _mean(name: str) -> pl.Expr:
    return pl.col(name).filter(pl.col("averaged")).mean()


def _extreme(descending: bool) -> pl.Expr:
    """The language that changes least (or most), with its change in points."""
    inside = pl.col("averaged")
    change = pl.col("change").filter(inside)
    return pl.col("named").filter(inside).sort_by(change, descending=descending, maintain_order=True).first()


def _named(rows: pl.DataFrame) -> pl.Series:
    return pl.Series(
        [f"{language} {signed(change)}" for language, change in rows.select("language", "change").iter_rows()],
        dtype=pl.String,
    )
