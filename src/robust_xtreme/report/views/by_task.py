"""The view by_task."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.averages import CHANGE, NOISE, PREDICTION, with_extremes, within_tasks
from robust_xtreme.report.cells import sectioned
from robust_xtreme.report.view import SECTION, Results, view
from robust_xtreme.results.averages import LANGUAGES

_KEY: Final = ("metric", "fields", *NOISE)


@view(title="By task", order=10)
def by_task(results: Results) -> pl.DataFrame:
    """Averages over languages, each once, the same in all models, clean and perturbed; others are not covered."""
    rows = with_extremes(within_tasks(results, LANGUAGES), results)
    columns = (*_KEY, *CHANGE, *PREDICTION, "least", "most", "grapheme_edit_rate", "averaged", "left_out")
    return sectioned(rows, noise=False).select(SECTION, *columns)
