"""The view by_family."""

from __future__ import annotations

import polars as pl

from robust_xtreme.report.kinds import by_kind
from robust_xtreme.report.view import Results, view


@view(title="By language family", order=26)
def by_family(results: Results) -> pl.DataFrame:
    """Averages over the languages of one family, each language counted once."""
    return by_kind(results, "family")
