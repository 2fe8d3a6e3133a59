"""A run against levels alone: what is compared where the outcomes of the baseline's items are not known.

The levels of a cell are taken as independent, though both were measured on the same items: their difference has the sum
of both variances, each with the step of a cluster added, as docs/method.md adds one to a paired difference. The error
of a mean over languages is at most the mean of their errors, whatever the languages have in common, and that is taken.
So fewer falls are shown than by the items, and fewer rows are ok. What noise changes of a level is not tested.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import hypot, sqrt
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import Mismatch
from robust_xtreme.files.schema import CELL, CONTRASTS, SCALES, build
from robust_xtreme.stats.contrasts import CELLS, TASKS
from robust_xtreme.stats.intervals import CONFIDENCE, FEWEST_CLUSTERS, TOP, t_probability, t_quantile
from robust_xtreme.stats.multiplicity import holm
from robust_xtreme.stats.outcomes import POOL, pool_of
from robust_xtreme.stats.run_cells import KEY

METHOD: Final = "t of levels, unpaired"
_SIZE: Final = ("n", "clusters", "seeds")


def unpaired(baseline: pl.DataFrame, candidate: pl.DataFrame) -> pl.DataFrame:
    """CONTRASTS of the cells and tasks of two LEVELS frames; of several runs their mean is compared.

    Raises Mismatch where a cell has other numbers of items or noise seeds.
    """
    both = _means(baseline).join(_means(candidate), on=KEY, suffix="_after").sort(KEY)
    cells = [_cell(row) for row in both.iter_rows(named=True)]
    tasks: defaultdict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in cells:
        tasks[pool_of(row)].append(row)
    pooled = [_task(rows) for rows in tasks.values() if len(rows) > 1]
    return build([*_corrected(cells), *_corrected(pooled)], CONTRASTS).sort(CONTRASTS.key)


def _means(levels: pl.DataFrame) -> pl.DataFrame:
    """The mean level of each cell over the runs; its error is at most the mean of the errors."""
    return levels.group_by(KEY).agg(pl.col("value", "se").mean(), pl.col(_SIZE).first())


def _cell(row: Mapping[str, Any]) -> dict[str, Any]:
    named = {name: row[name] for name in KEY}
    for size in _SIZE:
        if row[size] != row[f"{size}_after"]:
            cell = f"{row['task']}/{row['language']} {row['condition']}"
            raise Mismatch(f"{cell} has {row[size]} {size} in the baseline and {row[f'{size}_after']} in the run.")
    clean, perturbed, _ = SCALES
    scale = clean if row["condition"] == clean else perturbed
    levels = {"baseline": row["value"], "candidate": row["value_after"], "n": row["n"], "clusters": row["clusters"]}
    errors = (row["se"], row["se_after"])
    known = None not in errors and row["clusters"] >= FEWEST_CLUSTERS
    error = (hypot(*errors), hypot(*errors, sqrt(2) * TOP / row["clusters"])) if known else None
    return {"kind": CELLS, **named, "scale": scale, "cells": 1, **levels, **_tested(levels, error)}


def _task(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean over the languages of a task; without an interval where one of them has none."""
    names = {**dict.fromkeys(CELL[1:], ""), **dict(zip(POOL, pool_of(rows[0]), strict=True))}
    clusters = min(row["clusters"] for row in rows)
    means = {name: float(np.mean([row[name] for row in rows])) for name in ("baseline", "candidate")}
    levels = {**means, "n": sum(row["n"] for row in rows), "clusters": clusters}
    known = all("p" in row for row in rows)
    error = tuple(float(np.mean([row[name] for row in rows])) for name in ("se", "widened_se")) if known else None
    return {"kind": TASKS, **names, "cells": len(rows), **levels, **_tested(levels, error)}


def _tested(levels: Mapping[str, Any], error: tuple[float, ...] | None) -> dict[str, Any]:
    """The test of a difference of levels by its standard error and the widened one, by t."""
    df, difference = float(levels["clusters"] - 1), levels["candidate"] - levels["baseline"]
    row = {"difference": difference, "df": df}
    if error is None:
        return {**row, "method": f"none: {levels['clusters']} clusters, fewer than {FEWEST_CLUSTERS}"}
    se, widened = error
    reach = t_quantile(0.5 + CONFIDENCE / 2, df) * widened
    p = 2 * t_probability(-abs(difference) / widened, df)
    bounds = {"low": max(difference - reach, -TOP), "high": min(difference + reach, TOP)}
    return {**row, "se": se, "widened_se": widened, "skewness": 0.0, **bounds, "p": p, "method": METHOD}


def _corrected(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    tested = [row for row in rows if "p" in row]
    for row, p in zip(tested, holm([row["p"] for row in tested]), strict=True):
        row |= {"p_adjusted": p, "m": len(tested)}
    return [*rows]
