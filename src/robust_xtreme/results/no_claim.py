"""Which perturbed cells claim nothing, because no noise reaches the model there, and why.

Only the noise decides, never an answer: such a cell is in no family of tests and in no average.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from robust_xtreme.results._cells import CLEAN

NOT_APPLICABLE: Final = "not applicable"
NO_EDITS: Final = "no edits"
INERT: Final = "inert"


def no_claim() -> pl.Expr:
    """The reason why a row of SCORES or DELTAS claims nothing; null if it does claim, and for clean cells.

    The noise does not apply to any item, edits none, or the tokenizer undoes it in all.
    """
    reasons = {
        NOT_APPLICABLE: pl.col("not_applicable") >= 1,
        NO_EDITS: pl.col("unchanged") >= 1,
        INERT: pl.col("inert"),
    }
    named = [pl.when(applies).then(pl.lit(reason)) for reason, applies in reasons.items()]
    return pl.when(pl.col("condition") != CLEAN).then(pl.coalesce(named)).alias("no_claim")
