"""How often the 95 % interval of a drop contains it, on real answers, cell by cell.

    python -m benchmarks.simulations.coverage_cells --run runs/real/eval-panx-s0 --run runs/real/eval-xnli \\
        --draws 2000 --out DIR

The population are real answers: of each cell (task, language, noise) of the runs the sums of its clusters, clean and
noisy. A draw takes G clusters with replacement, and its true drop is that of the population; a cluster with more than
1/20 of the items is in each draw (`coverage_joint.py` has the same draws, and says why). A draw is missed
where the true drop is outside of the interval: `larger` where it is larger than the interval says, `smaller` where it
is smaller. `false drops`: with clean and noisy answers of each cluster exchanged at random, so that every true drop is
0, the draws in which a drop is shown alone (p at most 0.05, and positive), nominally 2.5 %. The bars are those of
simulated cells (reports/coverage.md): 93 to 97 % on average, 90 % in the worst cell.

`DIR/figures.csv` has a row for each cell and G.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from benchmarks.simulations.coverage_joint import METRICS, Design, Sample, population, sample

from robust_xtreme.files import store

CLUSTERS: Final = (60, 160, 300)
_BATCH: Final = 100
_ALPHA: Final = 0.05
_ROUNDING: Final = 1e-9

SCHEMA: Final = {
    "metric": pl.String,
    "cell": pl.Int64,
    **dict.fromkeys(("clusters", "population", "draws"), pl.Int64),
    **dict.fromkeys(("drop", "covered", "larger", "smaller", "width", "false_drops"), pl.Float64),
}


def rows(runs: tuple[str, ...], metric: str, clusters: int, draws: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """A row for each cell by metrics of a kind, for draws of so many clusters."""
    cells = population(runs, metric)
    draw = np.random.default_rng([seed, clusters, list(METRICS).index(metric)])
    sums = np.zeros((len(cells), 4))
    for start in range(0, draws, _BATCH):
        design, size = Design(metric, clusters), min(_BATCH, draws - start)
        seen = [_counted(each) for each in sample(cells, design, size, draw)]
        false = [_false(each) for each in sample(cells, design, size, draw, exchanged=True)]
        sums += np.column_stack([seen, false])
    for number, (cell, (larger, smaller, width, false_drops)) in enumerate(zip(cells, sums / draws, strict=True)):
        yield {
            "metric": metric,
            "cell": number,
            "clusters": clusters,
            "population": len(cell.items),
            "draws": draws,
            "drop": cell.truth,
            "covered": 100 * (1 - larger - smaller),
            "larger": 100 * larger,
            "smaller": 100 * smaller,
            "width": width,
            "false_drops": 100 * false_drops,
        }


def _counted(drawn: Sample) -> tuple[float, float, float]:
    """How many draws miss the true drop, on each side, and the sum of widths."""
    larger, smaller = drawn.high < drawn.truth - _ROUNDING, drawn.low > drawn.truth + _ROUNDING
    return larger.sum(), smaller.sum(), (drawn.high - drawn.low).sum()


def _false(drawn: Sample) -> float:
    """How many draws show a drop."""
    shown: float = ((drawn.p <= _ALPHA) & (drawn.moments.value > 0)).sum()
    return shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw from the runs, write the table, print means and extremes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", action="append", required=True, help="a finished run; repeatable")
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--clusters", type=int, nargs="+", default=list(CLUSTERS))
    parser.add_argument("--out", type=Path, required=True, help="the folder of figures.csv")
    given = parser.parse_args(arguments)
    kinds = [metric for metric in METRICS if population(tuple(given.run), metric)]
    designs = product(kinds, given.clusters)
    made = [row for metric, size in designs for row in rows(tuple(given.run), metric, size, given.draws)]
    frame = pl.DataFrame(made, schema=SCHEMA)
    store.make_folder(given.out)
    store.write_text(given.out / "figures.csv", frame.write_csv(float_precision=2))
    covered = pl.col("covered")
    print(
        frame.group_by("metric", "clusters", maintain_order=True).agg(
            pl.len().alias("cells"),
            covered.min().alias("lowest"),
            covered.mean().alias("mean"),
            covered.max().alias("highest"),
            pl.col("false_drops").max().alias("most false drops"),
        )
    )


if __name__ == "__main__":
    main()
