"""How often the gate alarms where nothing is worse, passes what is worse by the margin, and finds what is worse.

    python -m benchmarks.simulations.gate --draws 2000 --jobs 2 --out reports/gate

Paired outcomes of a baseline and a candidate are simulated: families of 1, 50 (5 tasks of 10 languages) and 600 cells
(25 of 24), of 113 to 5,010 items in clusters of three, of which 2 to 30 % differ; items of a cluster are correlated by
0 or 0.3, and in some families the languages of a task have half of their items' fates in common. Tests, corrections and
verdicts are those of the gate, with margin 2 and alpha 0.05. Rows of as many draws that a table has are kept.

`alarms.csv` has a row a design. Without a difference, `regressed` is the per cent of families with a regressed cell or
task, and `rejected` of those in which one would be with margin 0: nominally 5 (a single cell: 2.5). With a difference
of minus the margin, `ok` is the per cent of cells that pass, nominally 5. `undecided` and `beyond` are per cent of all
cells. `limit` is 5 with two standard errors of the simulation. Beside them is the power of the same design: `mde`, and
`power`, the per cent in which a cell that is worse by 5 points is regressed, if the others of its family are not
(empty: fewer items differ).

`anchored.csv` has the same families of at most 60,000 items, gated against a baseline and its anchor at once, where
all three are equally good: the per cent of families with a regressed row at the margin of 2 (`regressed`) and at none
(`rejected`), and at none if each of the two sides had all of alpha (`unshared`): nominally 5, 5 and 10.

`power.csv` has the smallest fall of one cell of a family that is regressed in 90 % of draws. `bound` is what theory
expects: the MDE at 90 %, or the smallest fall that is not ok in 90 %, if that is greater; `unattainable` is where it
exceeds half of the discordance.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from benchmarks.simulations._gate_designs import (
    ALPHA,
    FAMILIES,
    ITEMS,
    MARGIN,
    Design,
    Tests,
    anchored_designs,
    batches,
    cells_and_tasks,
    compare,
    detectable,
    generator,
    null_designs,
    simulate,
    simulate_anchored,
    worse_designs,
)
from benchmarks.simulations._runner import read, write
from rich.progress import track

from robust_xtreme.gating.document import BEYOND, OK, REGRESSED, UNDECIDED
from robust_xtreme.stats.intervals import t_quantile

DIFFERING: Final = (0.05, 0.15, 0.3)
"""The discordances of the table of power."""
FALL: Final = 5.0
WANTED: Final = 0.9
WORST: Final = 1.25
"""How many times the bound the smallest fall may be."""
_STEPS: Final = 11

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """The draws of a design, the cells of the families, and a `map`, perhaps of several processes."""

    draws: int
    cells: range
    compute: Callable[..., Iterable[Row]]


def alarms(design: Design, draws: int) -> Row:
    """A line of alarms.csv."""
    draws = draws * 5 if design.cells == 1 else draws
    counts: dict[str, float] = dict.fromkeys(("regressed", "rejected", "ok", UNDECIDED, BEYOND), 0.0)
    draw = generator(design)
    for size in batches(design, draws):
        for name, count in _counted(cells_and_tasks(design, simulate(design, size, draw))).items():
            counts[name] += count
    shares = {name: f"{100 * count / draws:.3f}" for name, count in counts.items()}
    shares["beyond"] = shares.pop(BEYOND)
    return {**_named(design), "draws": str(draws), **shares, **_safety(design, draws)}


def anchored(design: Design, draws: int) -> Row:
    """A line of anchored.csv."""
    counts, draw = dict.fromkeys(("regressed", "rejected", "unshared"), 0), generator(design)
    for size in batches(design, draws):
        sides = simulate_anchored(design, size, draw)
        kinds = [tests for gained in sides for tests in cells_and_tasks(design, gained)]
        corrected = [tests.corrected() for tests in kinds]
        share = ALPHA / len(sides)
        verdicts = (tests.verdicts(p, alpha=share) for tests, p in zip(kinds, corrected, strict=True))
        counts["regressed"] += int(_any(verdict == REGRESSED for verdict in verdicts).sum())
        counts["rejected"] += int(_any(p <= share / 2 for p in corrected).sum())
        counts["unshared"] += int(_any(p <= ALPHA / 2 for p in corrected).sum())
    shares = {name: f"{100 * count / draws:.3f}" for name, count in counts.items()}
    return {**_named(design), "draws": str(draws), **shares, "limit": _limit(draws)}


def _counted(kinds: Sequence[Tests]) -> dict[str, float]:
    """In how many draws a row is regressed; of the cells the shares with each verdict, summed over the draws."""
    corrected = [tests.corrected() for tests in kinds]
    verdicts = [tests.verdicts(p) for tests, p in zip(kinds, corrected, strict=True)]
    cells = verdicts[0]
    return {
        "regressed": float(_any(verdict == REGRESSED for verdict in verdicts).sum()),
        "rejected": float(_any(p <= ALPHA / 2 for p in corrected).sum()),
        "ok": float((cells == OK).mean(1).sum()),
        UNDECIDED: float((cells == UNDECIDED).mean(1).sum()),
        BEYOND: float((cells == BEYOND).mean(1).sum()),
    }


def _any(claims: Iterable[Any]) -> Any:
    """Whether a draw has a claim of any kind."""
    return np.logical_or.reduce([claim.any(1) for claim in claims])


def _limit(draws: int) -> str:
    """Alpha with two standard errors of a simulation, in per cent."""
    return f"{100 * (ALPHA + 2 * (ALPHA * (1 - ALPHA) / draws) ** 0.5):.3f}"


def _safety(design: Design, draws: int) -> Row:
    attainable = 100 * design.discordance >= FALL
    power = f"{100 * _power(design, FALL, MARGIN, 2000):.1f}" if attainable else ""
    return {"limit": _limit(draws), "mde": f"{detectable(design, 0.8):.2f}", "power": power}


def _named(design: Design) -> Row:
    """The columns that name a design."""
    return {
        "cells": str(design.cells),
        "items": str(design.items),
        "discordance": f"{design.discordance:g}",
        "correlation": f"{design.correlation:g}",
        "alike": "yes" if design.alike else "no",
        "difference": f"{design.difference:g}",
    }


# --------------------------------------------------------------------------------------------------------------- power


@lru_cache(maxsize=64)
def _worse(design: Design, draws: int) -> Tests:
    """The tests of one cell in draws that are the same for every difference."""
    draw = generator(replace(design, difference=0.0))
    gained = np.concatenate([simulate(design, size, draw) for size in batches(design, draws)])
    return compare(gained.reshape(draws, 1, -1), design.inside.sum(-1))


def _power(design: Design, fall: float, margin: float, draws: int) -> float:
    """How often a cell that is worse is regressed, where the p of all others of its family are greater."""
    tests = _worse(replace(design, cells=1, difference=-fall, alike=False), draws)
    return float((tests.verdicts(np.minimum(tests.p * design.cells, 1.0), margin) == REGRESSED).mean())


def smallest(design: Design, margin: float, draws: int) -> float | None:
    """The smallest fall in points that is regressed in 90 % of draws; None where no fall is."""
    low, high = 0.0, 100 * design.discordance
    if _power(design, high, margin, draws) < WANTED:
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        enough = _power(design, middle, margin, draws) >= WANTED
        low, high = (low, middle) if enough else (middle, high)
    return high


def powers(design: Design, draws: int) -> Row:
    """A line of power.csv: with the margin of the policy, and with none."""
    mde, most = detectable(design, WANTED), 100 * design.discordance
    passing = MARGIN + _error(design) * (t_quantile(WANTED, 1e6) - t_quantile(1 - ALPHA, 1e6))
    row = {**_named(design), "draws": str(draws), "mde": f"{mde:.2f}"}
    for name, margin, bound in (("", MARGIN, max(mde, passing)), ("_without_margin", 0.0, mde)):
        fall = smallest(design, margin, draws)
        row |= {f"bound{name}": f"{bound:.2f}", f"caught{name}": "" if fall is None else f"{fall:.2f}"}
        row |= {f"ratio{name}": "" if fall is None else f"{fall / bound:.3f}"}
        row |= {f"unattainable{name}": "yes" if bound > most / 2 else "no"}
    return row


def _error(design: Design) -> float:
    """The standard error of a cell in points."""
    tests = _worse(replace(design, cells=1, difference=0.0, alike=False), 400)
    return float(np.sqrt((tests.se**2).mean()))


def power_designs() -> list[Design]:
    """One cell of a family, by items and discordance."""
    correlations = (0.0, 0.3)
    return [Design(*each) for each in itertools.product(FAMILIES, ITEMS, DIFFERING, correlations)]


# ----------------------------------------------------------------------------------------------------------- the tables


def table(path: Path, line: Callable[[Design], Row], designs: Sequence[Design], plan: Plan) -> list[Row]:
    """The rows of the designs, in order. New are those of the plan of which fewer draws are known.

    Each new row is written at once.
    """
    keys = [_key(_named(design)) for design in designs]
    rows = {_key(row): row for row in (read(path) if path.exists() else [])}
    known = [int(rows[key]["draws"]) if key in rows else 0 for key in keys]
    new = [at for at, design in enumerate(designs) if design.cells in plan.cells and known[at] < plan.draws]
    results = plan.compute(line, [designs[at] for at in new])
    for at, row in zip(new, track(results, path.stem, len(new)), strict=True):
        rows[keys[at]] = row
        write([rows[key] for key in keys if key in rows], path)
    return [rows[key] for key in keys if key in rows]


def _key(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in _named(Design(1, 1, 0, 0)))


def over(rows: Sequence[Row]) -> list[Row]:
    """The designs in which families are regressed, or worse cells ok, more often than the limit."""
    null = [row for row in rows if row["difference"] == "0" and float(row["rejected"]) > float(row["limit"])]
    return null + [row for row in rows if row["difference"] != "0" and float(row["ok"]) > float(row["limit"])]


def weak(rows: Sequence[Row]) -> list[Row]:
    """The attainable designs in which only falls of more than 1.25 times the bound are caught, or none."""
    attainable = [row for row in rows if row["unattainable"] == "no"]
    return [row for row in attainable if not row["ratio"] or float(row["ratio"]) > WORST]


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate every design, write the tables, print the designs outside the bars."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("--draws", type=int, default=2000, help="a design; single cells have five times as many")
    options.add_argument("--jobs", type=int, default=1, help="processes; the figures do not depend on their number")
    options.add_argument("--least", type=int, default=min(FAMILIES), help="leave out families of fewer cells")
    options.add_argument("--most", type=int, default=max(FAMILIES), help="leave out families of more cells")
    options.add_argument("--out", type=Path, default=Path("reports/gate"))
    given = options.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(given.jobs) as pool:
        plan = Plan(given.draws, range(given.least, given.most + 1), pool.map)
        for name, line, designs, outside in (
            ("alarms", alarms, [*null_designs(), *worse_designs()], over),
            ("anchored", anchored, [*anchored_designs()], over),
            ("power", powers, power_designs(), weak),
        ):
            rows = table(given.out / f"{name}.csv", partial(line, draws=given.draws), designs, plan)
            for row in outside(rows):
                print(f"{name} outside the bar:", *row.values())


if __name__ == "__main__":
    main()
