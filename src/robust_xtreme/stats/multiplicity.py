"""Corrections of p-values for many tests.

Holm's bounds the chance of any false claim. Those of Benjamini and Hochberg and of Benjamini and Yekutieli bound the
expected share of false ones among the claims; the first asks for tests that are independent or positively dependent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from robust_xtreme.core.errors import UserError


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
