"""Least squares over the arms, rungs or languages of one training seed; its coefficients are numbers of that seed.

No standard error is taken from the residuals of a fit: the unit of a claim is the seed, and the interval of a
coefficient is Student's t over its values in the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from robust_xtreme.core.errors import Mismatch, SpecError
from robust_xtreme.stats.intervals import CONFIDENCE, t_quantile

INTERCEPT: Final = "intercept"
"""The key of a fit's constant."""

_SMALL: Final = 1e-8

Factors = Mapping[str, Sequence[float]]
"""Name of a factor to its value in each row."""


def fitted(outcome: Sequence[float], factors: Factors) -> dict[str, float]:
    """The intercept and a coefficient of each factor, in units of the outcome for each unit of the factor.

    Raises Mismatch where the lengths differ or a number is not finite, SpecError for a factor that others determine.
    """
    matrix = _matrix(factors, len(outcome))
    if not np.isfinite(matrix).all() or not np.isfinite(outcome).all():
        raise Mismatch("A regression has a number that is not finite.")
    check_rank(factors)
    means = matrix.mean(axis=0)
    centred = np.asarray(outcome, float) - np.mean(outcome)
    values, *_ = np.linalg.lstsq(matrix - means, centred, rcond=None)
    intercept = float(np.mean(outcome) - means @ values)
    return {INTERCEPT: intercept, **dict(zip(factors, map(float, values), strict=True))}


def check_rank(factors: Factors) -> None:
    """Raise SpecError naming the first factor that is constant, or that the factors before it determine."""
    rows = len(next(iter(factors.values()), ()))
    for index, name in enumerate(factors):
        before = {other: factors[other] for other in list(factors)[:index]}
        spread = _residual(factors[name], {})
        scale = _SMALL * max(1.0, float(np.abs(factors[name]).max(initial=0.0)))
        if float(np.linalg.norm(spread)) <= scale:
            raise SpecError(f"The factor {name!r} has one value in all {rows} rows: no coefficient can be estimated.")
        if float(np.linalg.norm(_residual(factors[name], before))) <= _SMALL * float(np.linalg.norm(spread)):
            what = f"is determined by {', '.join(map(repr, before))} in these {rows} rows"
            raise SpecError(f"The factor {name!r} {what}: no coefficient can be estimated. Vary it at a fixed value.")


def inflation(factors: Factors) -> dict[str, float]:
    """The variance inflation of each factor, 1 / (1 - R2) on others: 1 without collinearity, 10 is high; else inf."""
    inflations = {}
    for name, values in factors.items():
        others = {other: factors[other] for other in factors if other != name}
        total, rest = (float((_residual(values, given) ** 2).sum()) for given in ({}, others))
        inflations[name] = total / rest if rest > _SMALL**2 * total else math.inf
    return inflations


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The slope of the line of least squares. Raises SpecError where x does not vary."""
    return fitted(y, {"x": x})["x"]


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's rho, with mean ranks of ties; None where x or y does not vary, or has fewer than three values."""
    from scipy import stats

    if len(x) < 3 or len(set(x)) < 2 or len(set(y)) < 2:
        return None
    return float(np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1])


@final
@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a mean line is 0, with the bounds of Fieller's interval at 95 %, in units of x."""

    estimate: float
    low: float
    high: float


def crossing(levels: Sequence[float], slopes: Sequence[float], centre: float) -> Crossing | None:
    """The x at which the mean over seeds of level + slope (x - centre) is 0, one level and slope a seed.

    The interval has every x at which Student's t over the seeds does not reject 0 (Fieller 1954). It is bounded only if
    the slope's interval excludes 0; None otherwise, and with fewer than two seeds.
    """
    seeds = len(levels)
    if seeds < 2:
        return None
    a, b = float(np.mean(levels)), float(np.mean(slopes))
    (var_a, both), (_, var_b) = np.cov([levels, slopes]) / seeds
    t2 = t_quantile(0.5 + CONFIDENCE / 2, seeds - 1) ** 2
    lead = b * b - t2 * var_b
    if lead <= 0:
        return None
    half = a * b - t2 * both
    root = math.sqrt(max(half * half - lead * (a * a - t2 * var_a), 0.0))
    return Crossing(centre - a / b, centre + (-half - root) / lead, centre + (-half + root) / lead)


def _matrix(factors: Factors, rows: int) -> Any:
    """The factors as columns, (rows, factors). Raises Mismatch where a factor has another number of rows."""
    for name, values in factors.items():
        if len(values) != rows:
            raise Mismatch(f"The factor {name!r} has {len(values)} rows, and the outcome {rows}.")
    return np.array([*factors.values()], float).T.reshape(rows, len(factors))


def _residual(values: Sequence[float], factors: Factors) -> Any:
    """What a constant and the factors leave of the values, (rows,)."""
    rest = np.asarray(values, float) - np.mean(values)
    if not factors:
        return rest
    matrix = _matrix(factors, len(values))
    matrix = matrix - matrix.mean(axis=0)
    matrix = matrix / np.maximum(np.linalg.norm(matrix, axis=0), _SMALL)
    solution, *_ = np.linalg.lstsq(matrix, rest, rcond=None)
    return rest - matrix @ solution
