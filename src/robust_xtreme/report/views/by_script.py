"""The view by_script."""

from __future__ import annotations

import polars as pl

from robust_xtreme.report.kinds import by_kind
from robust_xtreme.report.view import Results, view


@view(title="By script", order=24)
def by_script(results: Results) -> pl.DataFrame:
    """Averages over the languages of one script (ISO 15924), each language counted once."""
    return by_kind(results, "script")
