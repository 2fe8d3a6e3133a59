"""How often the gate alarms between training seeds of one recipe, over all splits of finished runs.

    python -m benchmarks.simulations.gate_splits --run runs/real/eval-gate-s0 --run runs/real/eval-gate-s1 ... --out DIR

No seed is better than another, so that every alarm is about what training again changes. Each run is gated against
each other run, and against the mean of each three others, with margins of 2 and of 0 (`gate_seeds.py` has the
columns). `DIR/figures.csv` has them with `failing_low` and `failing_high`, the 95 % interval of the share of gates
that fail. Gates of different splits have runs in common, so that it is by leaving one run out (a jackknife over runs
with Student's t); where no gate fails, or all do, it is Clopper and Pearson's for as many independent gates as there
are runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from benchmarks.simulations._runner import write
from benchmarks.simulations.gate_seeds import ANY, FEW, MARGINS, Row, counted
from rich.progress import track

from robust_xtreme.files import store
from robust_xtreme.gating.baselines import of_runs
from robust_xtreme.gating.comparing import gated
from robust_xtreme.gating.document import GATED, REGRESSED
from robust_xtreme.gating.policy import Policy
from robust_xtreme.stats.intervals import CONFIDENCE, t_quantile

LEAST: Final = FEW + 1


class Split(NamedTuple):
    """The runs of a baseline and a candidate, by their numbers."""

    baselines: tuple[int, ...]
    candidate: int

    @property
    def runs(self) -> set[int]:
        """All of them."""
        return {*self.baselines, self.candidate}


def splits(runs: int, size: int) -> list[Split]:
    """Every split into so many baselines and a candidate."""
    return [
        Split(baselines, candidate)
        for candidate in range(runs)
        for baselines in combinations([run for run in range(runs) if run != candidate], size)
    ]


def alarms(folders: Sequence[Path]) -> Iterator[Row]:
    """The rows of figures.csv."""
    baselines = cache(lambda runs: of_runs([folders[run] for run in runs]))
    for size in (1, FEW):
        every = splits(len(folders), size)
        for margin in MARGINS:
            today, policy = date.today(), Policy(margin=margin)
            gates = []
            for split in track(every, f"{size} baselines, margin {margin:g}"):
                sides = baselines(split.baselines), baselines((split.candidate,))
                verdicts = gated(*sides, policy, today).verdicts
                gates.append(verdicts.filter(pl.col("verdict").is_not_null()))
            yield from _of_kinds(size, margin, every, gates, len(folders))


def _of_kinds(
    size: int, margin: float, every: Sequence[Split], gates: Sequence[pl.DataFrame], runs: int
) -> Iterator[Row]:
    """A row for each kind of rows that is gated, and one for all."""
    for kind in (*GATED, ANY):
        of_kind = [frame.filter((pl.col("kind") == kind) | (kind == ANY)) for frame in gates]
        if any(frame.height for frame in of_kind):
            failing = np.array([bool((frame["verdict"] == REGRESSED).any()) for frame in of_kind])
            low, high = bounds(every, failing, runs)
            yield {
                "baselines": str(size),
                "margin": f"{margin:g}",
                "kind": kind,
                **counted(of_kind),
                "failing_low": f"{100 * low:.1f}",
                "failing_high": f"{100 * high:.1f}",
            }


def bounds(every: Sequence[Split], failing: np.ndarray, runs: int) -> tuple[float, float]:
    """The interval of the share of splits that fail, from 0 to 1."""
    share = float(failing.mean())
    if share in (0.0, 1.0):
        miss = ((1 - CONFIDENCE) / 2) ** (1 / runs)
        return (0.0, 1 - miss) if share == 0 else (miss, 1.0)
    without = [failing[[run not in split.runs for split in every]].mean() for run in range(runs)]
    error = np.sqrt((runs - 1) / runs * np.sum((without - np.mean(without)) ** 2))
    half = t_quantile(0.5 + CONFIDENCE / 2, runs - 1) * error
    return max(0.0, share - half), min(1.0, share + half)


def main(arguments: Sequence[str] | None = None) -> None:
    """Gate all splits, write the table, print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, action="append", required=True, help="a finished run; at least four")
    parser.add_argument("--out", type=Path, required=True, help="the folder of figures.csv")
    given = parser.parse_args(arguments)
    if len(given.run) < LEAST:
        parser.error(f"{len(given.run)} runs are too few: name at least {LEAST}")
    rows = list(alarms(given.run))
    store.make_folder(given.out)
    write(rows, given.out / "figures.csv")
    for row in (list(rows[0]), *(row.values() for row in rows)):
        print(*row, sep="\t")


if __name__ == "__main__":
    main()
