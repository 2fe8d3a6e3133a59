"""The view averaged_languages."""

from __future__ import annotations

import polars as pl

from robust_xtreme.report.cells import GROUP, common, perturbed, sectioned
from robust_xtreme.report.view import SECTION, Results, view


@view(title="What the averages are over", order=15)
def averaged_languages(results: Results) -> pl.DataFrame:
    """The languages of each average by name, and those left out with the reason."""
    rows = common(perturbed(results).filter(pl.col("scope") == "all")).with_columns(
        reason=pl.col("no_claim").drop_nulls().first().over(*GROUP, "language").fill_null("not under every condition")
    )
    languages = rows.unique([*GROUP, "language"], keep="first", maintain_order=True)
    named = pl.concat_str(pl.col("language"), pl.lit(" ("), pl.col("reason"), pl.lit(")"))
    lists = languages.group_by(GROUP, maintain_order=True).agg(
        pl.col("language").filter(pl.col("averaged")).sort().str.join(" ").alias("averaged_over"),
        named.filter(~pl.col("averaged")).sort().str.join(", ").alias("left_out_named"),
    )
    return sectioned(lists, noise=False).select(SECTION, "metric", "fields", "averaged_over", "left_out_named")
