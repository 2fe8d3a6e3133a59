"""The power of a comparison of training seeds: the t test of a mean over seeds, by the noncentral t.

A test of the mean of S numbers, one of each seed, with the standard deviation `sd` over seeds: an effect has the
noncentrality effect / (sd / sqrt(S)), with S - 1 degrees of freedom. `tests` are the tests that share a two-sided alpha
of 0.05 (the first step of Holm); it can be a fraction: a primary endpoint that has 0.8 of alpha is 1 / 0.8 tests.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

from robust_xtreme.core.errors import UserError
from robust_xtreme.stats.intervals import CONFIDENCE, POWER, t_quantile

MOST_SEEDS: Final = 1000
"""More seeds than that are not planned."""

_ALPHA: Final = 1 - CONFIDENCE
_FEWEST: Final = 2
_LARGE: Final = 1000.0


def power_of(effect: float, sd: float, seeds: int, tests: float = 1) -> float:
    """The chance that an effect is shown, in its direction, from 0 to 1; effect and sd in the same unit.

    Fewer than two seeds show nothing. Raises UserError for an sd that is not above 0.
    """
    _check(sd, tests)
    if seeds < _FEWEST:
        return 0.0
    df = seeds - 1
    return _shown(df, _critical(df, tests), abs(effect) * math.sqrt(seeds) / sd)


def mde_of(sd: float, seeds: int, tests: float = 1, power: float = POWER) -> float | None:
    """The smallest effect that is shown with this power, in the unit of `sd`; None with fewer than two seeds."""
    _check(sd, tests)
    return None if seeds < _FEWEST else noncentrality(seeds - 1, tests, power) * sd / math.sqrt(seeds)


def seeds_for(effect: float, sd: float, tests: float = 1, power: float = POWER) -> int | None:
    """The fewest seeds that show an effect with this power; None where 1,000 are too few."""
    several = range(_FEWEST, MOST_SEEDS + 1)
    return next((seeds for seeds in several if power_of(effect, sd, seeds, tests) >= power), None)


@cache
def noncentrality(df: float, tests: float = 1, power: float = POWER) -> float:
    """The smallest effect in standard errors that is shown with this power, if the error has `df`."""
    from scipy import optimize

    critical = _critical(df, tests)
    return float(optimize.brentq(lambda shift: _shown(df, critical, shift) - power, 0.0, 4 * critical + 20, xtol=1e-8))


def _critical(df: float, tests: float) -> float:
    return t_quantile(1 - _ALPHA / tests / 2, df)


def _shown(df: float, critical: float, shift: float) -> float:
    """The chance that t is above its critical value: the right direction alone counts.

    Where the critical value is large, the error of the mean is small beside that of its standard error, by chi-square.
    """
    from scipy import special, stats

    if critical > _LARGE:
        return float(special.chdtr(df, df * (shift / critical) ** 2))
    return float(stats.nct.sf(critical, df, shift))


def _check(sd: float, tests: float) -> None:
    if not sd > 0 or not tests > 0:
        raise UserError(f"Power is computed from a spread and a number of tests above 0, not {sd:g} and {tests:g}.")
