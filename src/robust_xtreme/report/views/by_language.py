"""The view by_language."""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.report.cells import headline, perturbed, sectioned
from robust_xtreme.report.view import SECTION, Results, view

_COLUMNS: Final = (
    "language", "perturbation", "strength", "clean", "value", "change", "no_claim", "change_low", "change_high",
    "relative", "relative_corrected", "p_adjusted", "joint_change_low", "joint_change_high", "mde", "seed_spread", "n",
    "clusters", "chance", "chance_name", "shallow", "shallow_noisy", "marks", "grapheme_edit_rate", "word_edit_rate",
    "tokens_per_word_clean", "tokens_per_word", "unchanged", "not_applicable", "truncated", "inert", "overlap",
)  # fmt: skip


@view(title="By language", order=20)
def by_language(results: Results) -> pl.DataFrame:
    """Each perturbed cell of the headline metric beside its clean twin."""
    rows = headline(perturbed(results), results).filter(pl.col("scope") == "all")
    return sectioned(rows, "metric").select(SECTION, *_COLUMNS)
