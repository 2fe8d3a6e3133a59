"""Partial pooling: means of languages are moved towards their common mean, the further the less is known of each.

The model is normal: mean_i ~ N(theta_i, se_i^2), theta_i ~ N(mu, tau^2), with tau^2 by restricted maximum likelihood
(REML), and empirical-Bayes means of theta_i. The errors of languages are treated as independent; they share training
seeds, so that the intervals of the pooled means are a description and not a claim.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

_ROUNDS: Final = 500
_STILL: Final = 1e-10


@final
@dataclass(frozen=True, slots=True)
class Shrunk:
    """A language's mean after pooling, its standard deviation, and the weight of its own mean (0 to 1)."""

    mean: float
    sd: float
    weight: float


@final
@dataclass(frozen=True, slots=True)
class Pooled:
    """The common mean and its standard error, the standard deviation `tau` between languages, and each language."""

    mean: float
    se: float
    tau: float
    parts: Mapping[str, Shrunk]


def pooled(means: Mapping[str, float], errors: Mapping[str, float]) -> Pooled | None:
    """The pooled means from plain means and their standard errors, by name.

    Names without an error, or with one of 0, are left out. None with fewer than three names.
    """
    names = [name for name in means if errors.get(name, 0.0) > 0]
    if len(names) < 3:
        return None
    y, v = np.array([means[name] for name in names]), np.array([errors[name] ** 2 for name in names])
    tau2 = _reml(y, v)
    weights = 1 / (v + tau2)
    mean = float(weights @ y / weights.sum())
    se = float(1 / math.sqrt(weights.sum()))
    parts = {name: _shrunk(y[i], v[i], tau2, mean, se) for i, name in enumerate(names)}
    return Pooled(mean, se, math.sqrt(tau2), parts)


def _shrunk(value: float, variance: float, tau2: float, mean: float, se: float) -> Shrunk:
    """A part's pooled mean; the variance includes that of the common mean."""
    weight = tau2 / (tau2 + variance)
    spread = math.sqrt(weight * variance + (1 - weight) ** 2 * se**2)
    return Shrunk(float(weight * value + (1 - weight) * mean), spread, float(weight))


def _reml(y: Any, v: Any) -> float:
    """The variance between parts by REML, from the moment estimate on, by its fixed point; at least 0."""
    tau2 = _moments(y, v)
    for _ in range(_ROUNDS):
        w = 1 / (v + tau2)
        rest = (y - w @ y / w.sum()) ** 2
        before, tau2 = tau2, max(float(w**2 @ (rest - v) / (w**2).sum() + 1 / w.sum()), 0.0)
        if abs(tau2 - before) <= _STILL * (1 + tau2):
            break
    return tau2


def _moments(y: Any, v: Any) -> float:
    """The variance between parts by DerSimonian and Laird (1986)."""
    w = 1 / v
    q = float(w @ (y - w @ y / w.sum()) ** 2)
    return max((q - (len(y) - 1)) / float(w.sum() - (w**2).sum() / w.sum()), 0.0)
