"""How often models are called equivalent that are not, how often equal ones are, and what intervals of churn cover.

    python -m benchmarks.gate_equivalence --draws 10000 --jobs 2 --out reports/gate

Paired outcomes are simulated as in `benchmarks/gate.py`: cells of items in clusters of three, of which a share differs,
correlated by 0 or 0.3 within a cluster. Tests and verdicts are those of `compare --equivalent`.

`equivalence.csv` has a row a design: single cells that differ by the margin, where `equivalent` is nominally at most 5
per cent, and equal ones, where it is the power. `each` is the per cent in which the test against a fall passes. Of 50
equal cells `differs` is the per cent of families in which one is called worse or better, nominally at most 5.

`languages.csv` has ten languages of a task, of which the first is worse by the margin and the others are equal: the per
cent of draws in which `all` are claimed to be equivalent, and in which the first is among those that are `counted` by
Holm, each nominally at most 5; and how many of the nine `others` are counted.

`churn.csv` has the shares of answers that changed: the per cent of draws whose interval has the true share (nominally
95), is `below` or `above` it, and in which `none` changed.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from benchmarks._gate_designs import (
    ACCURACY,
    ALPHA,
    CORRELATIONS,
    DISCORDANCES,
    ITEMS,
    Design,
    batches,
    compare,
    fates,
    generator,
    simulate,
    word,
)
from benchmarks._simulations import write
from rich.progress import track

from robust_xtreme.gating.document import REGRESSED
from robust_xtreme.gating.verdicts import GATED, both_ways, verdicts_of
from robust_xtreme.stats import intervals
from robust_xtreme.stats.claims import holm
from robust_xtreme.stats.intervals import CPU

MARGINS: Final = (1.0, 2.0)
DECIDING: Final = ((1855, 0.03), (2570, 0.03), (9274, 0.15), (12846, 0.15))
"""Items with which each test has 80 % power at a margin of 1 and this discordance, and with which both have."""

CHANGED: Final = (0.005, 0.02, 0.05, 0.15)
"""The shares of answers that changed."""

Row = dict[str, str]
Case = tuple[Design, float]
"""A design and a margin."""


def equivalence(case: Case, draws: int) -> Row:
    """A line of equivalence.csv."""
    design, margin = case
    draws = draws // 10 if design.cells > 1 else draws
    counts, draw = dict.fromkeys(("equivalent", "each", "differs"), 0.0), generator(design, seed=1)
    for size in batches(design, draws):
        gained = simulate(design, size, draw)
        tests = compare(gained.reshape(size, design.cells, -1), design.inside.sum(-1))
        p, rise = (np.array([holm(row) for row in side]) for side in (tests.p, tests.rise))
        verdicts = verdicts_of(*both_ways(tests.lower, tests.upper, p, rise), margin, len(GATED) * ALPHA)
        counts["equivalent"] += float((tests.equivalence_p(margin) < ALPHA).mean(1).sum())
        counts["each"] += float((tests.lower > -margin).mean(1).sum())
        counts["differs"] += float((verdicts == REGRESSED).any(1).sum())
    shares = {name: f"{100 * count / draws:.2f}" for name, count in counts.items()}
    return {**_named(design), "margin": f"{margin:g}", "draws": str(draws), **shares, "limit": _limit(draws)}


def languages(case: Case, draws: int) -> Row:
    """A line of languages.csv: each draw has five tasks of ten languages."""
    design, margin = case
    draws = draws // 10
    counts, draw = dict.fromkeys(("all", "counted", "others"), 0.0), generator(design, seed=1)
    for size in batches(design, draws):
        state = draw.bit_generator.state
        equal = simulate(design, size, draw)
        draw.bit_generator.state = state  # the fates of the items are the same
        gained = np.concatenate(
            [simulate(replace(design, difference=-margin), size, draw)[:, :, :1], equal[:, :, 1:]], 2
        )
        tests = compare(gained.reshape(-1, *gained.shape[2:]), design.inside.sum(-1))
        p = tests.equivalence_p(margin)
        shown = np.array([holm(row) for row in p]) < ALPHA
        counts["all"] += (p < ALPHA).all(1).sum()
        counts["counted"] += shown[:, 0].sum()
        counts["others"] += shown[:, 1:].sum() / 100
    shares = {name: f"{100 * count / (5 * draws):.2f}" for name, count in counts.items()}
    return {**_named(design), "margin": f"{margin:g}", "draws": str(5 * draws), **shares, "limit": _limit(5 * draws)}


def churn(case: Case, draws: int) -> Row:
    """A line of churn.csv."""
    design, _ = case
    truth, counts, draw = 100 * design.discordance, np.zeros(4), generator(design, seed=1)
    for size in batches(design, draws):
        flags = (fates(design, size, draw)[:, 0, 0] < word(design.discordance)) & design.inside
        items = np.broadcast_to(design.inside.sum(-1), flags.shape[:-1])
        sums = np.stack([flags.sum(-1), items], -1).astype(np.float64)[:, None]
        _, low, high = intervals.level_bounds(CPU, intervals.level(CPU, sums, ACCURACY.reduce))
        misses = (high < truth, low > truth)
        counts += [(~misses[0] & ~misses[1]).sum(), misses[0].sum(), misses[1].sum(), (~flags.any((1, 2))).sum()]
    shares = dict(
        zip(("covered", "below", "above", "none"), (f"{100 * each / draws:.2f}" for each in counts), strict=True)
    )
    named = {"items": str(design.items), "changed": f"{design.discordance:g}", "correlation": f"{design.correlation:g}"}
    return {**named, "draws": str(draws), **shares}


def _named(design: Design) -> Row:
    """The columns that name a design."""
    numbers = {name: f"{getattr(design, name):g}" for name in ("cells", "items", "discordance", "correlation")}
    return {**numbers, "alike": "yes" if design.alike else "no", "difference": f"{design.difference:g}"}


def _limit(draws: int) -> str:
    """Alpha with two standard errors of a simulation, in per cent."""
    return f"{100 * (ALPHA + 2 * (ALPHA * (1 - ALPHA) / draws) ** 0.5):.2f}"


def equivalence_cases() -> Iterator[Case]:
    """Single cells that differ by the margin, above it in some; equal ones; and families of equal ones."""
    for margin, items, share, correlation in itertools.product(MARGINS, ITEMS, DISCORDANCES, CORRELATIONS):
        yield Design(1, items, share, correlation, -margin), margin
        if correlation == 0 and items == 1190:
            yield Design(1, items, share, correlation, margin), margin
        if correlation == 0:
            yield Design(1, items, share, correlation), margin
    yield from ((Design(1, items, share, 0.0), 1.0) for items, share in DECIDING)
    for items, share, correlation in itertools.product(ITEMS[:3], DISCORDANCES, CORRELATIONS):
        yield Design(50, items, share, correlation), 2.0


def languages_cases() -> Iterator[Case]:
    """Languages of which most are shown to be equivalent."""
    for share, correlation, alike in itertools.product(DISCORDANCES[:2], CORRELATIONS, (False, True)):
        yield Design(50, 1190, share, correlation, alike=alike), 2.0


def churn_cases() -> Iterator[Case]:
    """Shares of answers that changed."""
    yield from ((Design(1, *each), 0.0) for each in itertools.product(ITEMS, CHANGED, CORRELATIONS))


TABLES: Final[Sequence[tuple[Callable[..., Row], Callable[[], Iterable[Case]]]]] = (
    (equivalence, equivalence_cases),
    (languages, languages_cases),
    (churn, churn_cases),
)


def over(rows: Sequence[Row]) -> list[Row]:
    """The designs outside the bars: not equal ones that are called equivalent too often, equal ones worse or better."""
    nominal = {"languages": ("all", "counted"), "equal": ("differs",), "not equal": ("equivalent",)}

    def kind(row: Row) -> str:
        return "languages" if "all" in row else "equal" if row["difference"] == "0" else "not equal"

    return [row for row in rows if any(float(row[name]) > float(row["limit"]) for name in nominal[kind(row)])]


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate every design, write the tables, print the designs outside the bars."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("--draws", type=int, default=10_000, help="a single cell; families have fewer")
    options.add_argument("--jobs", type=int, default=1, help="processes; the figures do not depend on their number")
    options.add_argument("--out", type=Path, default=Path("reports/gate"))
    given = options.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(given.jobs) as pool:
        for line, cases in TABLES:
            several, rows = [*cases()], list[Row]()
            for row in track(pool.map(partial(line, draws=given.draws), several), line.__name__, len(several)):
                rows.append(row)
                write(rows, given.out / f"{line.__name__}.csv")
            for row in over(rows) if "limit" in rows[0] else ():
                print(f"{line.__name__} outside the bar:", *row.values())


if __name__ == "__main__":
    main()
