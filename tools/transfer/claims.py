"""Claims about training, whose unit is the training run: arms compared seed by seed.

The examples of a test set are not evidence about another training run. So a claim about training takes one number of
each run and cell, pairs the runs of two arms by their seed, and bounds the mean difference by Student's t with S - 1
degrees of freedom, S being the number of seeds that both arms have. There is no interval with fewer than two runs, or
if the difference does not vary. A sign is claimed with at least five runs, if the interval excludes 0 and the p-value
is significant after Holm's correction over the declared family, whose members without a p-value count, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import polars as pl
from scipy import special

from robust_xtreme.errors import Mismatch, UserError
from robust_xtreme.results.intervals import CONFIDENCE, t_quantile
from robust_xtreme.results.multiplicity import holm
from robust_xtreme.results.schema import Column, Frame, build

FEWEST_RUNS: Final = 5
"""The number of runs from which a sign may be claimed."""

ONLY_CHECKPOINTS: Final = "these checkpoints only"
"""The title of intervals over examples, and of differences of too few runs: they are not claims about training."""

_STILL: Final = 1e-9

VALUES: Final = Frame(
    "values",
    {"arm": Column(pl.String), "cell": Column(pl.String), "seed": Column(pl.Int64), "value": Column(pl.Float64)},
    ("arm", "cell", "seed"),
)
"""One row per training run and cell, as a target's mean over languages, in points."""

CLAIMS: Final = Frame(
    "claims",
    {
        **{name: Column(pl.String) for name in ("cell", "reference", "arm")},
        "runs": Column(pl.Int64),
        **{name: Column(pl.Float64) for name in ("reference_value", "value", "difference")},
        **{name: Column(pl.Float64, nullable=True) for name in ("se", "low", "high", "p", "p_adjusted")},
        "m": Column(pl.Int64),
        "sign": Column(pl.String, nullable=True, allowed=("higher", "lower")),
        "method": Column(pl.String),
    },
    ("cell", "reference", "arm"),
)
"""One row per cell and arm: the mean of arm - reference over `runs` seeds; `m` tests share the correction.

`reference_value` and `value` are means over the same seeds; `sign` is null where none is claimed.
"""


def claims(values: pl.DataFrame, reference: str, family: Sequence[tuple[str, str]] = ()) -> pl.DataFrame:
    """CLAIMS about arms against the reference: one declared family of (cell, arm), sorted by them.

    An empty family means every arm of VALUES but the reference, in every cell that it has runs of. Raises Mismatch for
    a repeated seed, and where the arms share no seed in a cell; UserError for an unknown arm or cell.
    """
    runs = _by_run(build(values.to_dict(as_series=False), VALUES))
    pairs = family or [(cell, arm) for arm, cell in runs if arm != reference]
    rows = [_row(runs, reference, arm, cell) for cell, arm in sorted(pairs)]
    adjusted = holm([1.0 if row["p"] is None else row["p"] for row in rows])
    return build([_claimed(row, p, len(rows)) for row, p in zip(rows, adjusted, strict=True)], CLAIMS)


_Runs = dict[tuple[str, str], dict[int, float]]


def _by_run(values: pl.DataFrame) -> _Runs:
    """Seed to value, by arm and cell."""
    runs: _Runs = {}
    for arm, cell, seed, value in values.iter_rows():
        runs.setdefault((arm, cell), {})[seed] = value
    return runs


def _row(runs: _Runs, reference: str, arm: str, cell: str) -> dict[str, Any]:
    left, right = (_runs(runs, name, cell) for name in (reference, arm))
    seeds = sorted(left.keys() & right.keys())
    if not seeds:
        raise Mismatch(f"The arms {reference} and {arm} have no seed in common in {cell}: runs are paired by seed.")
    differences = [right[seed] - left[seed] for seed in seeds]
    return {
        "cell": cell,
        "reference": reference,
        "arm": arm,
        "runs": len(seeds),
        "reference_value": _mean([left[seed] for seed in seeds]),
        "value": _mean([right[seed] for seed in seeds]),
        **paired_over_runs(differences),
    }


def _runs(runs: _Runs, arm: str, cell: str) -> dict[int, float]:
    if (arm, cell) not in runs:
        raise UserError(f"There are no runs of the arm {arm!r} in the cell {cell!r}.")
    return runs[arm, cell]


def paired_over_runs(differences: Sequence[float]) -> dict[str, Any]:
    """The mean of paired differences in points, its standard error, t interval and p, and how they were made.

    mean +- t(0.975, S - 1) * sd / sqrt(S), sd with S - 1. Se, low, high and p are None where there is no interval.
    """
    runs, mean = len(differences), _mean(differences)
    unknown = {"difference": mean, "se": None, "low": None, "high": None, "p": None}
    if runs < 2:
        return {**unknown, "method": f"{ONLY_CHECKPOINTS}: {runs} run"}
    se = math.sqrt(math.fsum((difference - mean) ** 2 for difference in differences) / (runs - 1) / runs)
    if se <= _STILL:
        return {**unknown, "method": f"none: {runs} runs do not vary"}
    reach = t_quantile(0.5 + CONFIDENCE / 2, runs - 1) * se
    bounds = {"difference": mean, "se": se, "low": mean - reach, "high": mean + reach}
    return {
        **bounds,
        "p": float(2 * special.stdtr(runs - 1, -abs(mean / se))),
        "method": f"t over {runs} runs, {runs - 1} df",
    }


def _claimed(row: dict[str, Any], adjusted: float, m: int) -> dict[str, Any]:
    """The row with its corrected p and the sign that may be claimed."""
    excludes = row["p"] is not None and (row["low"] > 0 or row["high"] < 0)
    claimed = excludes and row["runs"] >= FEWEST_RUNS and adjusted < 1 - CONFIDENCE
    sign = ("higher" if row["difference"] > 0 else "lower") if claimed else None
    return {**row, "p_adjusted": None if row["p"] is None else adjusted, "m": m, "sign": sign}


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
