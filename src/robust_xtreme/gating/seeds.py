"""A run against several training runs of one recipe: whether it is worse than another training of it would be.

The pooled level c of the run is compared with those of K runs, which differ by training seed: t = (c - mean) / (s
sqrt(1 + 1/K)), K - 1 degrees of freedom, s their standard deviation (Crawford and Howell, The Clinical
Neuropsychologist 12, 1998: a single case against a small sample). The items are fixed in that test. Interval and bounds
are claims about other items, too: they have the item variance of c - mean added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from typing import Any, Final, final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import UserError
from robust_xtreme.files.schema import CONTRASTS, build
from robust_xtreme.stats import intervals
from robust_xtreme.stats.claims import holm
from robust_xtreme.stats.contrasts import CELLS, CHANGE, TASKS, Key
from robust_xtreme.stats.intervals import TOP, Estimate
from robust_xtreme.stats.outcomes import pool_of, pooled_levels

METHOD: Final = "t over training seeds"
FEWEST: Final = 3
"""The fewest runs whose spread is that of training seeds."""

_STILL: Final = 1e-9


@final
@dataclass(frozen=True, slots=True)
class Retrained:
    """A level against those of K runs: the difference from their mean in points, t and the one-sided p of a worse one.

    `se` is s sqrt(1 + 1/K). Where the runs do not differ, it is 0, and t and p are None.
    """

    difference: float
    se: float
    df: int
    t: float | None
    p: float | None


def retrained(candidate: float, levels: Sequence[float]) -> Retrained:
    """The test of Crawford and Howell. Raises UserError for fewer than three runs."""
    _check_number(len(levels))
    df, difference = len(levels) - 1, candidate - float(np.mean(levels))
    se = float(np.std(levels, ddof=1)) * sqrt(1 + 1 / len(levels))
    if se <= _STILL:
        return Retrained(difference, 0.0, df, None, None)
    t = difference / se
    return Retrained(difference, se, df, t, intervals.t_probability(t, df))


def across_seeds(whole: pl.DataFrame, levels: pl.DataFrame, keys: Collection[Key]) -> pl.DataFrame:
    """CONTRASTS of a run against the mean of K runs of one recipe, from those of the items and LEVELS of the K runs.

    `keys` name the cells of the run. Pooled rows (kind `task`; of a task with one language the cell) are tested over
    training seeds: `se` is s sqrt(1 + 1/K), `df` is K - 1, p and `mde` use both. `low` and `high` have the item
    variance added, and so has `widened_se`, for the bounds of the gate: in an F1 with the step of a whole cluster.
    Their p is corrected by Holm among them. Where the runs do not differ, or the items give no interval, a pooled row
    is that of the items. Other rows always are: they say nothing about other trainings.

    Raises UserError for fewer than three runs.
    """
    _check_number(levels["run"].n_unique())
    pooled = pooled_levels(levels, keys)
    tested, rest = [], []
    for row in whole.iter_rows(named=True):
        test = retrained(row["candidate"], pooled[pool_of(row)]) if _is_pooled(row, whole) else None
        if test is None or test.p is None or row["widened_se"] is None:
            rest.append(row)
        else:
            tested.append(_seeded(row, test))
    families = ([row for row in tested if (row["scale"] == CHANGE) is is_change] for is_change in (False, True))
    corrected = [row for family in families for row in _corrected(family)]
    return build([*rest, *corrected], CONTRASTS).sort(CONTRASTS.key)


def _check_number(runs: int) -> None:
    if runs < FEWEST:
        raise UserError(f"{runs} runs do not show how much training seeds differ; that takes {FEWEST}.")


def _is_pooled(row: Mapping[str, Any], whole: pl.DataFrame) -> bool:
    """Whether a row is the level of a whole task: over its languages, or the only cell of a task with one language."""
    if row["kind"] != CELLS:
        return bool(row["kind"] == TASKS)
    cells = whole.filter(pl.col("kind") == CELLS, pl.col("task") == row["task"])
    return sum(pool_of(other) == pool_of(row) for other in cells.iter_rows(named=True)) == 1


def _seeded(row: Mapping[str, Any], test: Retrained) -> dict[str, Any]:
    """A row of the items as one over training seeds."""
    p = 2 * min(test.p, 1 - test.p) if test.p is not None else None
    se, items = row["se"], row["widened_se"]
    reach = intervals.t_quantile(0.5 + intervals.CONFIDENCE / 2, test.df) * hypot(test.se, items)
    if row["metric"] in intervals.RATIOS:
        items = float(intervals.error_of_ratio(se, items, row["clusters"]))
    widened = hypot(test.se, items)
    low, high = max(test.difference - reach, -TOP), min(test.difference + reach, TOP)
    interval = {"se": test.se, "widened_se": widened, "df": float(test.df), "low": low, "high": high, "p": p}
    skewness = row["skewness"] * (items / widened) ** 3  # that of the seeds is not known
    return {**row, **interval, "skewness": skewness, "joint_low": None, "joint_high": None, "method": METHOD}


def _corrected(family: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    adjusted = holm([row["p"] for row in family])
    for row, p in zip(family, adjusted, strict=True):
        se, clusters = row["se"], row["clusters"]
        estimate = Estimate(row["difference"], se, se, None, None, row["p"], clusters, METHOD, row["df"])
        mde = intervals.smallest_detectable(estimate, len(family))
        yield {**row, "p_adjusted": p, "m": len(family), "mde": mde}
