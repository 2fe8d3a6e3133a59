"""Averages over languages of one kind: of one script, or of one family."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.errors import UnknownName
from robust_xtreme.languages import language
from robust_xtreme.report.cells import GROUP, common, headline, perturbed, sectioned
from robust_xtreme.report.view import SECTION, Results

UNKNOWN: Final = "unknown"
_MEANS: Final = ("clean", "value", "change", "grapheme_edit_rate")
_NOISE: Final = ("perturbation", "strength")


def by_kind(results: Results, kind: str) -> pl.DataFrame:
    """Averages of the headline metric over the languages with the same `kind`, an attribute of Language.

    The language of a pair is the question's. Languages that claim nothing are left out and counted.
    """
    rows = common(headline(perturbed(results), results).filter(pl.col("scope") == "all"))
    rows = rows.with_columns(pl.col("language").map_elements(lambda code: _kind(code, kind), pl.String).alias(kind))
    inside = pl.col("averaged")
    means = rows.group_by(*GROUP, *_NOISE, kind, maintain_order=True).agg(
        *(pl.col(name).filter(inside).mean() for name in _MEANS),
        pl.col("language").filter(inside).sort().str.join(" ").alias("averaged_over"),
        (~inside).sum().cast(pl.Int64).alias("left_out"),
        pl.col("fields_rank").first(),
    )
    means = means.filter(pl.col("averaged_over") != "").sort(*GROUP, *_NOISE, kind)
    return sectioned(means, "metric").select(SECTION, kind, *_NOISE, *_MEANS, "averaged_over", "left_out")


def _kind(code: str, kind: str) -> str:
    try:
        return str(getattr(language(code.split()[0]), kind))
    except UnknownName:
        return UNKNOWN
