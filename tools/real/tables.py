"""The tables over all runs of `make real`, and what is estimated from several of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from scipy import stats

from robust_xtreme.stats.intervals import CONFIDENCE, t_quantile

PLACE: Final = "tables"
"""The folder of the tables beside the pages."""

GATE: Final = "gate-s"
"""What the names of the runs for the gate contain."""

LATIN: Final = "Latn"
_RESAMPLES: Final = 4000
_TEXT: Final = {"languages": pl.String, "marks": pl.String, "fields": pl.String}


class Estimate(NamedTuple):
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 1) -> str:
        """The value and its interval, with signs, as in `-12.1 [-13.4, -10.9]`; what is not 0 has its sign: `-0.0`."""
        value, low, high = (f"{each + 0.0:+.{digits}f}" for each in self)
        return f"{value} [{low}, {high}]"

    def reversed(self) -> Estimate:
        """A drop as a change."""
        return Estimate(-self.value, -self.high, -self.low)


def read(folder: Path, name: str) -> pl.DataFrame:
    """A table; without rows where no stage has made it."""
    path = folder / PLACE / f"{name}.csv"
    return pl.read_csv(path, schema_overrides=_TEXT, infer_schema_length=None) if path.is_file() else pl.DataFrame()


def over_seeds(values: Sequence[float], errors: Sequence[float], freedoms: Sequence[float]) -> Estimate:
    """The mean over training seeds of what each estimates on the same items, with standard errors and df of its own.

    Its variance is the mean variance of the items, as if their errors were the same in all seeds, and the variance
    between seeds over their number; the degrees of freedom are Satterthwaite's.
    """
    mean, count = float(np.mean(values)), len(values)
    of_items = float(np.mean(np.square(errors)))
    of_seeds = float(np.var(values, ddof=1)) / count if count > 1 else 0.0
    parts = of_items**2 / float(np.mean(freedoms)) + (of_seeds**2 / (count - 1) if count > 1 else 0.0)
    freedom = (of_items + of_seeds) ** 2 / parts if parts else float(np.mean(freedoms))
    half = t_quantile(0.5 + CONFIDENCE / 2, freedom) * float(np.sqrt(of_items + of_seeds))
    return Estimate(mean, mean - half, mean + half)


def between(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """The mean of the first minus that of the second, by Welch's t over their values."""
    found = stats.ttest_ind(first, second, equal_var=False)
    bounds = found.confidence_interval(CONFIDENCE)
    return Estimate(float(np.mean(first) - np.mean(second)), float(bounds.low), float(bounds.high))


def paired(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """The mean of the differences, the first minus the second, by Student's t over pairs."""
    differences = np.subtract(first, second)
    half = t_quantile(0.5 + CONFIDENCE / 2, len(differences) - 1) * float(stats.sem(differences))
    mean = float(differences.mean())
    return Estimate(mean, mean - half, mean + half)


def rank_correlation(left: Sequence[float], right: Sequence[float], units: Sequence[str]) -> Estimate:
    """Spearman's correlation, with the percentile interval of resampled units (languages) and their rows."""
    codes, numbers = np.unique(np.asarray(units), return_inverse=True)
    x, y, draw = np.asarray(left), np.asarray(right), np.random.default_rng(0)
    rows = [np.flatnonzero(numbers == number) for number in range(len(codes))]
    drawn = []
    for _ in range(_RESAMPLES):
        at = np.concatenate([rows[number] for number in draw.integers(0, len(codes), len(codes))])
        drawn.append(_of_ranks(x[at], y[at]))
    low, high = np.nanquantile(drawn, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return Estimate(_of_ranks(x, y), float(low), float(high))


def _of_ranks(x: Any, y: Any) -> float:
    """Spearman's correlation, NaN where one has a single value; that of scipy adds a p-value, which takes longer."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1])


def change(row: dict[str, float]) -> Estimate:
    """The change of a row with a drop and its bounds."""
    return Estimate(row["drop"], row["low"], row["high"]).reversed()
