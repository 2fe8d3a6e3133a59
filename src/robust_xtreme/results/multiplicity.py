"""Corrections for many tests: Holm confirms, Benjamini-Hochberg explores, Benjamini-Yekutieli under any dependence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robust_xtreme.errors import UserError


def holm(p: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given, that bound the chance of any false claim (Holm 1979)."""
    values, order = _ordered(p)
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    return _restored(stepped, order)


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p-values that bound the share of false claims for independent or positively dependent tests (1995)."""
    values, order = _ordered(p)
    count = len(values)
    scaled = values[order] * count / np.arange(1, count + 1)
    return _restored(np.minimum.accumulate(scaled[::-1])[::-1], order)


def benjamini_yekutieli(p: Sequence[float]) -> list[float]:
    """Adjusted p-values that bound the share of false claims under any dependence (2001)."""
    harmonic = sum(1 / rank for rank in range(1, len(p) + 1))
    values, order = _ordered(p)
    count = len(values)
    scaled = values[order] * harmonic * count / np.arange(1, count + 1)
    return _restored(np.minimum.accumulate(scaled[::-1])[::-1], order)


def _ordered(p: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(p, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise UserError(f"A p-value is outside [0, 1]: {next(value for value in p if not 0 <= value <= 1)}.")
    return values, np.argsort(values, kind="stable")


def _restored(stepped: np.ndarray, order: np.ndarray) -> list[float]:
    adjusted = np.empty_like(stepped)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]
