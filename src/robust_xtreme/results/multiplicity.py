"""Holm's correction for many tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robust_xtreme.errors import UserError


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given, that bound the chance of any false claim (Holm 1979)."""
    values = np.asarray(p, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise UserError(f"A p-value is outside [0, 1]: {next(value for value in p if not 0 <= value <= 1)}.")
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)), 1.0)
    return [float(value) for value in adjusted]
