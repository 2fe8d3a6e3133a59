"""Which perturbed cells claim nothing, and why: no noise reaches the model there, or its items are chosen by answers.

Where the noise decides, never an answer, there is nothing to claim. An attack edits only items that are right on clean
text, as do random search and noise at its rate: they can be lost and never gained, so that a drop shows nothing. No
such cell is in a family of tests or in an average. Whether one has edits is up to the answers, and not asked.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from robust_xtreme.stats._cells import CLEAN

NOT_APPLICABLE: Final = "not applicable"
NO_EDITS: Final = "no edits"
INERT: Final = "inert"
SELECTED: Final = "selected on the outcome"

_ATTACKED: Final = r"(^|\+)(attack_|textattack\.)|^frozen:|@like="
"""What names an attack, also in a chain, the texts that one left, or noise at the rate of one."""


def unreached() -> pl.Expr:
    """The reason why no noise reaches a row of SCORES or DELTAS; null if it does, and for clean cells.

    The noise does not apply to any item, edits none, or the tokenizer undoes it in all: of an attack only the first.
    """
    reasons = {
        NOT_APPLICABLE: pl.col("not_applicable") >= 1,
        NO_EDITS: (pl.col("unchanged") >= 1) & ~_attacked(),
        INERT: pl.col("inert") & ~_attacked(),
    }
    named = [pl.when(applies).then(pl.lit(reason)) for reason, applies in reasons.items()]
    return pl.when(pl.col("condition") != CLEAN).then(pl.coalesce(named)).alias("unreached")


def no_claim() -> pl.Expr:
    """The reason why a row of SCORES or DELTAS claims nothing; null if it does claim, and for clean cells."""
    return pl.coalesce(pl.when(_attacked()).then(pl.lit(SELECTED)), unreached()).alias("no_claim")


def _attacked() -> pl.Expr:
    """Whether a row is of an attack, by its name or since the model was asked."""
    return pl.col("condition").str.contains(_ATTACKED) | pl.col("queries").is_not_null()


def is_selected(condition: str) -> bool:
    """Whether a condition edits only items that a model gets right on clean text, by its name."""
    return re.search(_ATTACKED, condition) is not None
