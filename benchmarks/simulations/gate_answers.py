"""How often a cell that is worse by the margin is ok, on the answers of a run.

    python -m benchmarks.simulations.gate_answers RUN --draws 2000 --out reports/gate/answers.csv

Two conditions of one model and language (clean text, or a noise at one strength and seed) are taken for a baseline and
a candidate, in the order in which the candidate is worse, by 0.2 points or more. Their clusters are drawn with
replacement, 60 to 1,000 of them, and the margin is what the candidate is worse by on all clusters of the run. So the
true difference is minus the margin, and `ok`, the per cent of draws in which the bound of the gate is above it, is
nominally 5; `unwidened` is the same with the bound of metrics that are means over items. `level` is the score of the
baseline, `fall` what the candidate is worse by. A cluster with more than 1/20 of the items is in each draw with its
share of them, as in `coverage_joint.py`; with `--by-chance` it is drawn as any other, and most draws lack it.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from benchmarks.simulations._runner import drawn_clusters, write
from rich.progress import track

from robust_xtreme.core.metric import Metric
from robust_xtreme.core.registry import load
from robust_xtreme.files import store
from robust_xtreme.files.schema import STATS
from robust_xtreme.stats import intervals
from robust_xtreme.stats.intervals import CPU, RATIOS, error_of_ratio

CLUSTERS: Final = (60, 120, 250, 1000)
_LEAST: Final = 0.2
_BATCH: Final = 200
_CELL: Final = ("model", "task", "language", "condition", "noise_seed")

Arm = tuple[tuple[Any, ...], Any, Any]
"""What names a condition of a model, the sums (G, k) of its clusters, and their numbers of items (G,)."""


def arms(run: Path, metric: Metric) -> list[Arm]:
    """The conditions of each model and language of a run, but for predictions without a text."""
    stats = store.read_frame(run / "stats.parquet", STATS).filter(scope="all", metric=metric.name)
    stats = stats.filter(~pl.col("model").str.starts_with("chance/")).sort("cluster")
    return [(key, *_sums(rows)) for key, rows in sorted(stats.group_by(_CELL, maintain_order=True))]


def _sums(rows: pl.DataFrame) -> tuple[Any, Any]:
    codes = np.unique(rows["cluster"].to_numpy(), return_inverse=True)[1]
    return intervals.cluster_sums(np.array(rows["stats"].to_list()), codes, int(codes.max()) + 1), np.bincount(codes)


def worse(known: Sequence[Arm], reduce: Callable[[Any], Any]) -> Iterator[tuple[Arm, Arm, float]]:
    """Each baseline with a candidate of the same model and language that is worse, and by how many points."""
    for baseline, candidate in itertools.permutations(known, 2):
        fall = float(reduce(baseline[1].sum(0)) - reduce(candidate[1].sum(0)))
        if baseline[0][:3] == candidate[0][:3] and fall >= _LEAST:
            yield baseline, candidate, fall


def passing(
    before: Arm, after: Arm, fall: float, size: int, draws: int, metric: Metric, by_chance: bool = False
) -> tuple[float, float]:
    """The per cent of draws of `size` clusters in which the cell is ok with the margin that it is worse by.

    The second is that with the bound of other metrics.
    """
    (_, old, items), (_, new, _) = before, after
    draw, passed = np.random.default_rng([size, len(items)]), np.zeros(2)
    for _ in range(draws // _BATCH):
        chosen, times = drawn_clusters(items, (_BATCH, size), draw, by_chance)
        left, right = ((sums[chosen] * times)[:, None] for sums in (new, old))
        moments = intervals.difference(CPU, left, right, metric.reduce)
        error, still = intervals.widened_se(CPU, moments), intervals.varies_not(moments)
        wider = error_of_ratio(np.sqrt(moments.variance), error, size) if metric.name in RATIOS else error
        shape = (moments.freedom, intervals.skewness(moments), still)
        lower = [intervals.one_sided_bounds(moments.value, each, *shape)[0] for each in (wider, error)]
        passed += (np.array(lower) > -fall).sum(1)
    ok, unwidened = 100 * passed / (draws // _BATCH * _BATCH)
    return float(ok), float(unwidened)


def rows(run: Path, metric: Metric, draws: int, by_chance: bool = False) -> Iterator[dict[str, str]]:
    """A row for each pair of conditions and number of clusters."""
    for baseline, candidate, fall in track([*worse(arms(run, metric), metric.reduce)]):
        for size in CLUSTERS:
            ok, unwidened = passing(baseline, candidate, fall, size, draws, metric, by_chance)
            yield {
                **dict(zip(_CELL[:3], map(str, baseline[0]), strict=False)),
                "metric": metric.name,
                "baseline": " ".join(map(str, baseline[0][3:])),
                "candidate": " ".join(map(str, candidate[0][3:])),
                "level": f"{metric.reduce(baseline[1].sum(0)):.1f}",
                "fall": f"{fall:.2f}",
                "clusters": str(size),
                "draws": str(draws),
                "ok": f"{ok:.2f}",
                "unwidened": f"{unwidened:.2f}",
            }


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the table of a run, and print the mean and highest rate for each number of clusters."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("run", type=Path, help="the folder of a finished run")
    options.add_argument("--metric", default="span_f1")
    options.add_argument("--draws", type=int, default=2000)
    options.add_argument("--out", type=Path, default=Path("reports/gate/answers.csv"))
    options.add_argument("--by-chance", action="store_true", help="draw large clusters as any other")
    given = options.parse_args(arguments)
    table = [*rows(given.run, load("metric", given.metric), given.draws, given.by_chance)]
    write(table, given.out)
    for size in CLUSTERS:
        rates = [float(row["ok"]) for row in table if row["clusters"] == str(size)]
        print(f"{size} clusters: {np.mean(rates):.1f} on average, at most {max(rates):.1f} % of {len(rates)} cells ok")


if __name__ == "__main__":
    main()
