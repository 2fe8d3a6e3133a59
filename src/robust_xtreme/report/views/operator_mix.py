"""The view operator_mix."""

from __future__ import annotations

import json

import polars as pl

from robust_xtreme.report.cells import headline, highest, perturbed, sectioned
from robust_xtreme.report.view import SECTION, Results, view


@view(title="What the noise did", order=40)
def operator_mix(results: Results) -> pl.DataFrame:
    """Shares of the accepted edits by operator, at each perturbation's highest strength: languages differ in them."""
    rows = headline(highest(perturbed(results)), results).filter(pl.col("scope") == "all")
    counts = [json.loads(text) for text in rows.get_column("operators")]
    names = sorted({name for count in counts for name in count})
    totals = [sum(count.values()) for count in counts]
    pairs = list(zip(counts, totals, strict=True))
    shares = {name: [count.get(name, 0) / total if total else None for count, total in pairs] for name in names}
    columns = [pl.Series(f"share_{name}", values, dtype=pl.Float64) for name, values in shares.items()]
    edits = pl.Series("edits", totals, dtype=pl.Int64)
    return sectioned(rows).select(SECTION, "language", "perturbation", "strength", edits, *columns)
