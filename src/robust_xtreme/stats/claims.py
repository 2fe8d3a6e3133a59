"""What may be claimed: cells that claim nothing, and corrections of p-values for many tests.

Where the noise decides, never an answer, there is nothing to claim. An attack edits only items that are right on clean
text, as do random search and noise at its rate: they can be lost and never gained, so that a drop shows nothing. No
such cell is in a family of tests or in an average. Whether one has edits is up to the answers, and not asked.

Holm's bounds the chance of any false claim. Those of Benjamini and Hochberg and of Benjamini and Yekutieli bound the
expected share of false ones among the claims; the first asks for tests that are independent or positively dependent.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import UserError

CLEAN: Final = "clean"
NOT_APPLICABLE: Final = "not applicable"
NO_EDITS: Final = "no edits"
INERT: Final = "inert"
SELECTED: Final = "selected on the outcome"

_RECIPES: Final = r"attack|bae\b|deepwordbug|input_reduction|pruthi|pwws|textattack|textbugger|textfooler"
_ATTACKED: Final = rf"(?i)(^|[+:])({_RECIPES})|^frozen:|@like="
"""What names an attack, also in a chain and of other programs, the texts that one left, or noise at the rate of one."""


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


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given, that bound the chance of any false claim (Holm 1979)."""
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    return _in_order(order, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p-values that bound the expected share of false claims (Benjamini and Hochberg 1995)."""
    return _stepped_up(p, 1.0)


def benjamini_yekutieli(p: Sequence[float]) -> list[float]:
    """The same, whatever the dependence of the tests (Benjamini and Yekutieli 2001)."""
    return _stepped_up(p, float((1 / np.arange(1, len(p) + 1)).sum()))


CORRECTIONS: Final[Mapping[str, Callable[[Sequence[float]], list[float]]]] = {
    "holm": holm,
    "bh": benjamini_hochberg,
    "by": benjamini_yekutieli,
}
"""The corrections by the names that a policy uses."""


def _stepped_up(p: Sequence[float], factor: float) -> list[float]:
    values = _checked(p)
    order = np.argsort(-values, kind="stable")
    ranks = len(values) - np.arange(len(values))
    return _in_order(order, np.minimum.accumulate(values[order] * len(values) / ranks * factor))


def _in_order(order: Any, adjusted: Any) -> list[float]:
    result = np.empty_like(adjusted)
    result[order] = np.minimum(adjusted, 1.0)
    return [float(value) for value in result]


def _checked(p: Sequence[float]) -> Any:
    values = np.asarray(p, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise UserError(f"A p-value is outside [0, 1]: {next(value for value in p if not 0 <= value <= 1)}.")
    return values
