"""The view not_run."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.view import SECTION, Results, view

_KEY: Final = ("task", "split", "condition", "reason", "detail")


@view(title="Not computed", order=50)
def not_run(results: Results) -> pl.DataFrame:
    """The cells that were requested and have no result: missing, unreadable, unlabelled, not applicable or failed."""
    schema = dict.fromkeys((*_KEY, "language"), pl.String)
    asked = [{name: str(entry.get(name, "")) for name in schema} for entry in results.manifest.get("not_run", ())]
    for entry in asked:  # languages with one reason share a row
        entry["detail"] = entry["detail"].removeprefix(f"{entry['task']} {entry['language']}: ")
    missing = pl.col("language").sort().str.join(" ").alias("missing")
    rows = pl.DataFrame(asked, schema=schema).group_by(_KEY).agg(missing).sort(_KEY)
    return rows.select(pl.lit("").alias(SECTION), "task", "split", "reason", "missing", "condition", "detail")
