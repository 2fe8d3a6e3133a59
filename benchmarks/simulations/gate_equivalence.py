"""How often models are called equivalent that are not, how often equal ones are, and what intervals of churn cover.

    python -m benchmarks.simulations.gate_equivalence --draws 10000 --jobs 2 --out reports/gate [--tables graded]

Paired outcomes are simulated as in `gate.py`: cells of items in clusters of three, of which a share differs,
correlated by 0 or 0.3 within a cluster. Tests and verdicts are those of `compare --equivalent`.

`equivalence.csv` has a row a design: single cells that differ by the margin, where `equivalent` is nominally at most 5
per cent, and equal ones, where it is the power. `each` is the per cent in which the test against a fall passes. Of 50
equal cells `differs` is the per cent of families in which one is called worse or better, nominally at most 5.

`languages.csv` has ten languages of a task, of which the first is worse by the margin and the others are equal: the per
cent of draws in which `all` are claimed to be equivalent, and in which the first is among those that are `counted` by
Holm, each nominally at most 5; and how many of the nine `others` are counted.

`graded.csv` has samples that can miss what counts. `cell` is one cell of graded scores: 1 % of its items lose all 100
points, and 10 % change by 5 points either way. `seeds` is one of right and wrong answers under three noise seeds: 1 %
are lost under all, and 3 % change under one. `mean` is that of two cells of equal weight, one of 5,000 items of which
2 % differ evenly, the other of as many as the row says, of which 2 % are lost. `large` is one cell of as many items
alone, of which 2 % differ evenly, and of ten clusters of 30, which alone lose all. Each is worse by the margin of 1
point: the per cent of draws called equivalent is nominally at most 5, and `nearer` what it is by t alone.
In rows with the difference 0 nothing is lost.

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
from typing import Any, Final

import numpy as np
from benchmarks.simulations._gate_designs import (
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
from benchmarks.simulations._runner import write
from rich.progress import track

from robust_xtreme.gating.document import GATED, REGRESSED
from robust_xtreme.gating.verdicts import both_ways, verdicts_of
from robust_xtreme.stats import intervals
from robust_xtreme.stats.averages import Drop, average_moments, drop
from robust_xtreme.stats.claims import holm
from robust_xtreme.stats.intervals import CPU

MARGINS: Final = (1.0, 2.0)
MEAN: Final = "mean"
KINDS: Final = ("cell", MEAN, "seeds", "large")
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


Graded = tuple[str, int, float]
"""A kind of row, its items, and the true difference in points."""

_LARGE: Final = 5000
_JITTER: Final = 0.05


def graded(case: Graded, draws: int) -> Row:
    """A line of graded.csv."""
    kind, items, truth = case
    draws = draws // 5 if kind == MEAN else draws
    draw, made = np.random.default_rng([1, items, KINDS.index(kind), truth < 0]), _MADE[kind]
    shown = np.array([made(items, -truth / 100, draw) for _ in range(draws)])
    shares = {name: f"{share:.2f}" for name, share in zip(("equivalent", "nearer"), 100 * shown.mean(0), strict=True)}
    row = {"kind": kind, "items": str(items), "difference": f"{truth:g}", "margin": "1", "draws": str(draws)}
    return {**row, **shares, "limit": _limit(draws)}


def _cell(items: int, lost: float, draw: np.random.Generator) -> tuple[bool, bool]:
    """Whether a cell of graded scores is called equivalent, and would be by t alone."""
    fates, signs = draw.random((2, items))
    gained = np.where(fates < lost, -1.0, np.where(fates < lost + 0.1, _JITTER * np.sign(signs - 0.5), 0.0))
    return _equivalent([gained])


def _seeds(items: int, lost: float, draw: np.random.Generator) -> tuple[bool, bool]:
    """The same of right and wrong answers under three noise seeds: 3 % of items change under one of them."""
    fates, signs = draw.random((2, items))
    gained = np.where(fates < lost, -1.0, np.where(fates < lost + 0.03, np.sign(signs - 0.5) / 3, 0.0))
    return _equivalent([gained])


def _mean(items: int, lost: float, draw: np.random.Generator) -> tuple[bool, bool]:
    """The same of the mean of a large cell and of one that loses twice the share, of right and wrong answers."""
    large, signs = draw.random((2, _LARGE))
    even = np.where(large < 0.02, np.sign(signs - 0.5), 0.0)
    return _equivalent([even, np.where(draw.random(items) < 2 * lost, -1.0, 0.0)])


def _large(items: int, lost: float, draw: np.random.Generator) -> tuple[bool, bool]:
    """The same of right and wrong answers, of which those of ten large clusters are lost, each whole."""
    sizes = np.append(np.ones(items), np.full(10, 30.0))
    fates, signs = draw.random((2, len(sizes)))
    even = np.where(fates < 0.02, np.sign(signs - 0.5), 0.0)
    return _equivalent([np.where(sizes > 1, -sizes * (fates < lost * sizes.sum() / 300), even)], sizes)


_MADE: Final = {"cell": _cell, MEAN: _mean, "seeds": _seeds, "large": _large}


def _equivalent(cells: Sequence[np.ndarray[Any, Any]], sizes: Any = 1.0) -> tuple[bool, bool]:
    drops, first = list[Drop](), 0
    for gained in cells:
        before = np.ones((1, len(gained), 2)) * np.reshape(sizes, (-1, 1))
        after = before + np.stack([gained, np.zeros(len(gained))], -1)
        drops.append(drop(after, before, np.arange(first, first + len(gained)), ACCURACY.reduce))
        first += len(gained)
    moments = average_moments(drops, [1 / len(cells)] * len(cells))
    exact, error = bool(intervals.varies_not(moments)), intervals.widened_se(CPU, moments)
    test = (moments.value, error, moments.freedom, intervals.skewness(moments), exact, 1.0)
    unseen = intervals.unseen(moments.clusters)
    items, clusters = float(before[..., 1].sum()), len(cells[0])
    alone = intervals.least(unseen, np.sqrt(moments.variance), error, items, clusters)
    p, nearer = (intervals.equivalence_p(*test, least) for least in (alone if len(cells) == 1 else unseen, 0.0))
    return bool(p < ALPHA), bool(nearer < ALPHA)


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


def graded_cases() -> Iterator[Graded]:
    """Cells and means that differ by the margin, and equal ones."""
    for kind, truth in itertools.product(KINDS, (-1.0, 0.0)):
        yield from ((kind, items, truth) for items in (60, 100, 200, 300, 600, 1190))


def churn_cases() -> Iterator[Case]:
    """Shares of answers that changed."""
    yield from ((Design(1, *each), 0.0) for each in itertools.product(ITEMS, CHANGED, CORRELATIONS))


TABLES: Final[Sequence[tuple[Callable[..., Row], Callable[[], Iterable[Any]]]]] = (
    (equivalence, equivalence_cases),
    (languages, languages_cases),
    (graded, graded_cases),
    (churn, churn_cases),
)


def over(rows: Sequence[Row]) -> list[Row]:
    """The designs outside the bars: not equal ones that are called equivalent too often, equal ones worse or better."""
    nominal = {"languages": ("all", "counted"), "equal": ("differs",), "not equal": ("equivalent",)}

    def kind(row: Row) -> str:
        return "languages" if "all" in row else "equal" if row["difference"] == "0" else "not equal"

    asked = ((row, [name for name in nominal[kind(row)] if name in row]) for row in rows)
    return [row for row, names in asked if any(float(row[name]) > float(row["limit"]) for name in names)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate every design, write the tables, print the designs outside the bars."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("--draws", type=int, default=10_000, help="a single cell; families have fewer")
    options.add_argument("--jobs", type=int, default=1, help="processes; the figures do not depend on their number")
    options.add_argument("--out", type=Path, default=Path("reports/gate"))
    options.add_argument("--tables", nargs="+", choices=[line.__name__ for line, _ in TABLES], help="these alone")
    given = options.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(given.jobs) as pool:
        for line, cases in (each for each in TABLES if not given.tables or each[0].__name__ in given.tables):
            several, rows = [*cases()], list[Row]()
            for row in track(pool.map(partial(line, draws=given.draws), several), line.__name__, len(several)):
                rows.append(row)
                write(rows, given.out / f"{line.__name__}.csv")
            for row in over(rows) if "limit" in rows[0] else ():
                print(f"{line.__name__} outside the bar:", *row.values())


if __name__ == "__main__":
    main()
