"""Claims about training, whose unit is the training seed: a number of each seed, their mean, and what is claimed.

The examples of a test set are not evidence about another training run. So a contrast is one number of each seed, and
its mean is bounded by Student's t with S - 1 degrees of freedom, S being the number of seeds. There is no interval with
fewer than two seeds, or if the number does not vary. A sign is claimed with at least five seeds, if the interval
excludes 0 and the corrected p is below 0.05.

**Scales.** A contrast on several scales is one claim: its p is the largest of them (1 where they disagree in sign, or
one has no p), so that a sign is claimed on all of its scales or on none (an intersection-union test, Berger 1982). It
counts once in its family.

**Families.** Holm corrects the claims that share a tier and `corrected_with`; those without a p count as p = 1. Claims
of the tier `exploratory` are corrected by Benjamini and Hochberg, and have no sign.

**Tiers.** Primary and secondary claims share alpha: where a study has both, the primary ones have 0.8 of it and the
secondary ones 0.2, or all of it if every primary one is claimed (the fallback procedure of Wiens 2003). A `p_adjusted`
contains this share: it is below 0.05 where the claim is significant. So a grid without any effect claims something with
at most alpha, over primary and secondary claims together, if each tier is one family. Claims of the tier `control` are
about the design, not about its question; they have an alpha of their own.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import UserError
from robust_xtreme.files.frames import build
from robust_xtreme.stats.claims import benjamini_hochberg, holm
from robust_xtreme.stats.intervals import CONFIDENCE, POWER, t_quantile
from robust_xtreme.studies.cells import STILL
from robust_xtreme.studies.design import CONTRASTS, Estimand

# The power of a comparison of training seeds is by the noncentral t.
#
# A test of the mean of S numbers, one of each seed, with the standard deviation `sd` over seeds: an effect has the
# noncentrality effect / (sd / sqrt(S)), with S - 1 degrees of freedom. `tests` are the tests that share a two-sided
# alpha of 0.05 (the first step of Holm); it can be a fraction: a primary endpoint that has 0.8 of alpha is 1 / 0.8
# tests.

MOST_SEEDS: Final = 1000
"""More seeds than that are not planned."""

FEWEST_SEEDS: Final = 5
"""The number of seeds from which a sign may be claimed."""

_FEWEST: Final = 2
_LARGE: Final = 1000.0


def power_of(effect: float, sd: float, seeds: int, tests: float = 1) -> float:
    """The chance that an effect is claimed, in its direction, from 0 to 1; effect and sd, above 0, in the same unit."""
    _check(sd, tests)
    if seeds < FEWEST_SEEDS:
        return 0.0
    df = seeds - 1
    return _shown(df, _critical(df, tests), abs(effect) * math.sqrt(seeds) / sd)


def mde_of(sd: float, seeds: int, tests: float = 1) -> float | None:
    """The smallest effect that is shown with 80 % power, in the unit of `sd`; None with fewer than two seeds."""
    _check(sd, tests)
    return None if seeds < _FEWEST else noncentrality(seeds - 1, tests) * sd / math.sqrt(seeds)


def seeds_for(effect: float, sd: float, tests: float = 1, power: float = POWER) -> int | None:
    """The fewest seeds that claim an effect with this power; None where 1,000 are too few."""
    several = range(FEWEST_SEEDS, MOST_SEEDS + 1)
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
    """The chance that t is above its critical value: the right direction alone counts."""
    from scipy import special, stats

    if critical > _LARGE:  # the error of the mean is small beside that of its standard error, by chi-square
        return float(special.chdtr(df, df * (shift / critical) ** 2))
    return float(stats.nct.sf(critical, df, shift))


def _check(sd: float, tests: float) -> None:
    if not sd > 0 or not tests > 0:
        raise UserError(f"Power is computed from a spread and a number of tests above 0, not {sd:g} and {tests:g}.")


PRIMARY, SECONDARY, EXPLORATORY, CONTROL = "primary", "secondary", "exploratory", "control"

PRIMARY_SHARE: Final = 0.8
"""The share of alpha of the primary claims where there are secondary ones, too."""

PRIMARY_TESTS: Final = 1 / PRIMARY_SHARE
"""The number of tests that one primary claim then counts as, for `studies.power`."""

_ALPHA: Final = 1 - CONFIDENCE
_NAMES: Final = tuple(name for name in CONTRASTS.key if name != "scale")

_Row = dict[str, Any]
_Claim = tuple[str, ...]


def contrasts(estimands: Sequence[Estimand]) -> pl.DataFrame:
    """CONTRASTS, sorted by its key: mean, t interval, corrected p, MDE and claimed sign of each estimand with a number.

    Raises Mismatch for one that occurs twice.
    """
    claims: dict[_Claim, list[_Row]] = {}
    families: dict[tuple[str, str], list[_Claim]] = {}
    for estimand in filter(lambda each: each.by_seed, estimands):
        row: _Row = {name: getattr(estimand, name) for name in CONTRASTS.key}
        row |= {"seeds": len(estimand.by_seed), **over_seeds([*estimand.by_seed.values()])}
        key = (*(row[name] for name in _NAMES), estimand.corrected_with)
        if key not in claims:
            families.setdefault((estimand.tier, estimand.corrected_with), []).append(key)
        claims.setdefault(key, []).append(row)
    _correct(claims, families)
    return build([row for rows in claims.values() for row in rows], CONTRASTS).sort(CONTRASTS.key)


def over_seeds(numbers: Sequence[float]) -> dict[str, Any]:
    """The mean of one number a seed (a paired difference), its error, t interval and p, if any, and how made."""
    from scipy import special

    seeds, mean = len(numbers), math.fsum(numbers) / len(numbers)
    df = seeds - 1
    unknown = {"estimate": mean, **dict.fromkeys(("se", "df", "low", "high", "p"))}
    if not df:
        return {**unknown, "method": "these checkpoints only: 1 seed"}  # it is no claim about training
    se = math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / df / seeds)
    if se <= STILL:
        return {**unknown, "method": f"none: {seeds} seeds do not vary"}
    reach = t_quantile(0.5 + CONFIDENCE / 2, df) * se
    p = float(2 * special.stdtr(df, -abs(mean / se)))
    bounds = {"se": se, "df": float(df), "low": mean - reach, "high": mean + reach}
    return {"estimate": mean, **bounds, "p": p, "method": f"t over {seeds} seeds, {df} df"}


def _correct(claims: Mapping[_Claim, list[_Row]], families: Mapping[tuple[str, str], list[_Claim]]) -> None:
    """Give the rows `p_adjusted`, `mde`, `m` and `sign`, the primary tier first."""
    shared = {tier for tier, _ in families} >= {PRIMARY, SECONDARY}
    primary: list[_Row] = []
    for (tier, _), keys in sorted(families.items(), key=lambda item: item[0][0] != PRIMARY):
        rest = 1.0 if all(row["sign"] for row in primary) else 1 - PRIMARY_SHARE
        share = {PRIMARY: PRIMARY_SHARE, SECONDARY: rest}.get(tier, 1.0) if shared else 1.0
        rows = [claims[key] for key in keys]
        correct = benjamini_hochberg if tier == EXPLORATORY else holm
        for several, p in zip(rows, correct([*map(_p, rows)]), strict=True):
            _claim(several, p / share, len(rows), share)
        primary += [row for several in rows for row in several if tier == PRIMARY]


def _p(rows: Sequence[_Row]) -> float:
    """The p of one claim, which its scales have to agree on."""
    signs = {row["estimate"] > 0 for row in rows}
    known = [row["p"] for row in rows if row["p"] is not None]
    return max(known) if len(known) == len(rows) and len(signs) == 1 else 1.0


def _claim(rows: Sequence[_Row], p: float, m: int, share: float) -> None:
    """Give the rows of one claim what its correction says."""
    proven = all(row["p"] is not None and row["seeds"] >= FEWEST_SEEDS for row in rows) and p < _ALPHA
    for row in rows:
        known = row["p"] is not None
        excludes = known and (row["low"] > 0 or row["high"] < 0)
        sign = "higher" if row["estimate"] > 0 else "lower"
        row["sign"] = sign if proven and excludes and row["tier"] != EXPLORATORY else None
        row["p_adjusted"] = min(p, 1.0) if known else None
        row["mde"] = row["se"] * noncentrality(row["df"], m / share) if known else None
        row["m"] = m
