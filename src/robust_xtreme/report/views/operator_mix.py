"""The view operator_mix."""

from __future__ import annotations

import json

import polars as pl

from robust_xtreme.report.cells import headline, highest, perturbed, sectioned
from robust_xtreme.report.columns import percent
from robust_xtreme.report.view import SECTION, Results, view


@view(title="What the noise did", order=40)
def operator_mix(results: Results) -> pl.DataFrame:
    """Shares of the accepted edits by operator, at each perturbation's highest strength: languages differ in them."""
    every = headline(highest(perturbed(results)), results)
    rows = every.filter(pl.col("scope") == "all", pl.col("operators").is_not_null())
    counts = [json.loads(text) for text in rows.get_column("operators")]
    edits = pl.Series("edits", [sum(count.values()) for count in counts], dtype=pl.Int64)
    mix = pl.Series("mix", [_mix(count) for count in counts], dtype=pl.String)
    return sectioned(rows).select(SECTION, "language", "perturbation", "strength", edits, mix)


def _mix(counts: dict[str, int]) -> str:
    """The share of each operator, the largest first."""
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {percent(count / total)}" for name, count in ranked if count)
