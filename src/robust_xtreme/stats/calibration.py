"""Calibration: how far the score of an answer tells whether it is right, on clean text and under noise.

The score is the probability that a model gives to its answer. Every measure is in points; docs/method.md defines them.
In `ece` the errors of the bins are corrected for (Kumar, Liang and Ma 2019, "Verified uncertainty calibration"): of
calibrated scores about half of what they add remains, 4 points with 150 to 300 items. The interval of a change is from
draws of whole clusters, the same on clean and on noisy text: bins and ranks are no smooth functions of sums, so that
leaving out one cluster at a time does not measure them.
"""

from collections.abc import Iterator
from math import ceil, erf, exp, pi, sqrt
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.metric import Array
from robust_xtreme.files.schema import CALIBRATION, CELL, assembled
from robust_xtreme.stats.intervals import CONFIDENCE, FEWEST_CLUSTERS, added, t_quantile
from robust_xtreme.stats.resampling import counts, keys

MEASURES: Final = ("ece", "brier", "auroc", "risk")
BINS, FEWEST_IN_BIN = 15, 20
KEPT: Final = 0.8
"""The share of answers, those with the highest scores, that `risk` is of."""
RESAMPLED: Final = 200
_CLEAN: Final = "clean"
_READ: Final = (*CELL, "noise_seed", "example", "cluster", "prediction", "gold", "score")


def calibration(predictions: pl.LazyFrame) -> pl.DataFrame:
    """CALIBRATION of rows of PREDICTIONS: the cells whose answers have scores, those of attacks left out."""
    known = predictions.filter(pl.col("score").is_not_null(), pl.col("queries").is_null()).select(_READ).collect()
    right = known.with_columns(right=pl.col("prediction") == pl.col("gold")).sort(*CELL, "noise_seed", "example")
    rows = [row for _, run in right.group_by(CELL[:-1], maintain_order=True) for row in _of_task_run(run)]
    return assembled(rows, CALIBRATION).sort(CALIBRATION.key)


def _of_task_run(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of each noise of a task run, which has clean text."""
    clusters = rows.get_column("cluster").unique().sort()
    numbered = pl.DataFrame({"cluster": clusters, "number": range(len(clusters))})
    rows = rows.join(numbered, on="cluster", how="left", maintain_order="left")
    drawn = counts(0, range(RESAMPLED), keys(clusters.to_list()))
    arms = {key: _resampled(arm, drawn) for key, arm in rows.group_by("condition", "noise_seed", maintain_order=True)}
    clean = next((values for (condition, _), values in arms.items() if condition == _CLEAN), None)
    for condition in dict.fromkeys(str(condition) for condition, _ in arms):
        if clean is None or condition == _CLEAN:
            continue
        noisy = np.mean([values for (name, _), values in arms.items() if name == condition], axis=0)
        cell = rows.filter(condition=condition).row(0, named=True)
        named = {name: cell[name] for name in CELL}
        named |= {"n": rows.filter(condition=_CLEAN).height, "clusters": len(clusters)}
        for at, measure in enumerate(MEASURES):
            yield named | {"measure": measure, **_change(clean[:, at], noisy[:, at], len(clusters))}


def _resampled(arm: pl.DataFrame, drawn: Array) -> Array:
    """The measures (1 + r, 4) of all rows, then of r draws of their clusters (r, g)."""
    score, right, number = (arm.get_column(name).to_numpy() for name in ("score", "right", "number"))
    draws = (np.repeat(np.arange(len(score)), weights[number]) for weights in drawn)
    return np.array([measures(score, right), *(measures(score[rows], right[rows]) for rows in draws)])


def _change(clean: Array, noisy: Array, clusters: int) -> dict[str, float | None]:
    """A measure on clean and on noisy text and its change with an interval; null where it is not defined."""
    change = noisy - clean
    low = high = None
    if clusters >= FEWEST_CLUSTERS and np.isfinite(change).all():
        reach = t_quantile((1 + CONFIDENCE) / 2, clusters - 1) * float(np.std(change[1:], ddof=1))
        low, high = float(change[0]) - reach, float(change[0]) + reach
    levels = {"clean": clean[0], "value": noisy[0], "change": change[0]}
    known = {name: float(level) if np.isfinite(level) else None for name, level in levels.items()}
    return {**known, "change_low": low, "change_high": high}


def measures(score: Array, right: Array) -> tuple[float, float, float, float]:
    """The MEASURES of scores (n,) in [0, 1] and whether answers are right (n,), in points; NaN where not defined."""
    if not len(score):
        return (np.nan,) * 4
    order = np.argsort(score, kind="stable")
    score, right = score[order], right[order].astype(np.float64)
    bins = np.array_split(np.arange(len(score)), max(1, min(BINS, len(score) // FEWEST_IN_BIN)))
    ece = added(len(each) / len(score) * _distance(score[each], right[each]) for each in bins)
    brier = float(np.mean((score - right) ** 2))
    return 100 * ece, 100 * brier, 100 * _auroc(score, right), 100 * _risk(score, right)


def _distance(score: Array, right: Array) -> float:
    """The distance of the means of a bin, less what the error of its accuracy adds to a distance of that size."""
    mean = float(right.mean())
    distance, error = abs(float(score.mean()) - mean), sqrt(mean * (1 - mean) / len(right))
    if not error:
        return distance
    folded = error * sqrt(2 / pi) * exp(-((distance / error) ** 2) / 2) + distance * erf(distance / error / sqrt(2))
    return 2 * distance - folded


def _auroc(score: Array, right: Array) -> float:
    """By the mean ranks of sorted scores (Mann and Whitney); NaN where all answers are right, or all wrong."""
    _, at, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[at]
    of_right, wrong = float(right.sum()), len(right) - float(right.sum())
    if not of_right or not wrong:
        return float("nan")
    return (float(ranks @ right) - of_right * (of_right + 1) / 2) / (of_right * wrong)


def _risk(score: Array, right: Array) -> float:
    """Answers that share the lowest kept score count with their mean."""
    kept = ceil(KEPT * len(score))
    least = score[len(score) - kept]
    above, equal = score > least, score == least
    wrong = float((1 - right)[above].sum()) + (kept - int(above.sum())) * float((1 - right)[equal].mean())
    return wrong / kept
