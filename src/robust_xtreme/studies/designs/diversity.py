"""The study of diversity against volume: what more intermediate tasks add at an equal number of examples."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations, product
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.randomness import salt
from robust_xtreme.studies import cells as grids
from robust_xtreme.studies.design import Design, Estimand, finding, row_of

DRAWS: Final = 1_999
"""Permutations that are drawn where all of them are too many."""

_MOST: Final = 5_040
_NEAR: Final = 0.25
_SMALL: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Shuffled:
    """The p of the observed coefficient, two-sided, of how many permutations, and whether these are all."""

    p: float
    count: int
    complete: bool


def shuffled(outcome: Sequence[float], factors: grids.Factors, factor: str, equal: grids.Factors) -> Shuffled | None:
    """The permutation test of a factor's coefficient. None where no rows differ in it that are `equal`, within 0.25."""
    values = np.asarray(factors[factor], float)
    groups = _groups(equal, len(values))
    if not any(len(set(values[group].tolist())) > 1 for group in groups):
        return None
    least = abs(grids.fitted(outcome, factors)[factor]) - _SMALL
    total = math.prod(math.factorial(len(group)) for group in groups)
    complete = total <= _MOST
    exchanged: Iterable[Any] = product(*(permutations(group.tolist()) for group in groups))
    if not complete:
        random = np.random.default_rng(salt("permutation", factor))
        exchanged = ([random.permutation(group) for group in groups] for _ in range(DRAWS))
    orders = np.array([_order(groups, rows) for rows in exchanged])
    reached = int((np.abs(_coefficients(values[orders], factors, factor, outcome)) >= least).sum())
    return Shuffled(reached / total if complete else (reached + 1) / (len(orders) + 1), len(orders), complete)


def _groups(equal: grids.Factors, rows: int) -> list[Any]:
    """The rows that are equal in these factors, as arrays of row numbers."""
    labels = np.zeros((rows, 0), int)
    for column in equal.values():
        order = np.argsort(column, kind="stable")
        steps = np.diff(np.asarray(column, float)[order], prepend=-math.inf) > _NEAR
        label = np.empty(rows, int)
        label[order] = np.cumsum(steps)
        labels = np.column_stack([labels, label])
    _, group = np.unique(labels, axis=0, return_inverse=True)
    return [np.flatnonzero(group.ravel() == number) for number in range(int(group.max()) + 1)]


def _order(groups: Sequence[Any], exchanged: Sequence[Any]) -> Any:
    """An order of the rows, which are exchanged within groups only."""
    order = np.empty(sum(map(len, groups)), int)
    for group, rows in zip(groups, exchanged, strict=True):
        order[group] = rows
    return order


def _coefficients(values: Any, factors: grids.Factors, factor: str, outcome: Sequence[float]) -> Any:
    """The coefficient of each row of values (orders, rows) of the factor, given the others; 0 where they fix it."""
    others = [column for name, column in factors.items() if name != factor]
    basis, _ = np.linalg.qr(np.array([np.ones(values.shape[1]), *others], float).T)
    rest = values - values @ basis @ basis.T
    sizes = (rest**2).sum(axis=1)
    return np.where(sizes > _SMALL, rest @ np.asarray(outcome, float) / np.maximum(sizes, _SMALL), 0.0)


VOLUME: Final = "log2 volume"
TASKS: Final = "tasks"
MEASURES: Final = {"distance": "diversity", "formats": "formats"}
"""Further measures of a set and their columns of ARMS, each entered with the volume alone."""

_UNITS: Final = {
    TASKS: "points for each further task",
    VOLUME: "points for each doubling of the examples",
    "distance": "points for each unit of 1 - cos",
    "formats": "points for each further format",
}
_WHAT: Final = {
    TASKS: "Gain by the number of intermediate tasks, at equal volume",
    VOLUME: "Gain by volume, at an equal number of tasks",
    "distance": "Gain by the mean embedding distance of the tasks, at equal volume",
    "formats": "Gain by the number of formats, at equal volume",
}
_HIGH: Final = 10
"""The variance inflation from which a coefficient is hardly separated from the others."""

_FEWEST: Final = 4
"""Arms that a fit of a further measure needs, which leaves a degree of freedom."""


@dataclass(frozen=True, slots=True)
class Diversity:
    """The keys of [analysis]: the arm `without` intermediate tasks, and the `arms` whose gains are regressed.

    `permuted` are pairs of arms of equal number and volume whose tasks differ; `contrast` is the declared pair `more`
    and `less` (ANLI+ and MNLI); `measures` are the further measures of a set.
    """

    without: str
    arms: tuple[str, ...]
    permuted: tuple[tuple[str, str], ...] = ()
    contrast: Mapping[str, str] = field(default_factory=dict)
    measures: tuple[str, ...] = tuple(MEASURES)

    def __post_init__(self) -> None:
        wrong = [name for name in self.measures if name not in MEASURES]
        if wrong:
            raise SpecError(f"[analysis] measures names {wrong[0]!r:.80}. Known: {', '.join(MEASURES)}.")
        if len(set(self.arms)) < 3:
            raise SpecError("[analysis] arms: at least three arms are needed to separate the number from the volume.")
        if self.contrast and set(self.contrast) != {"more", "less"}:
            raise SpecError('[analysis] contrast is { more = "ARM", less = "ARM" }.')
        if any(len(pair) != 2 for pair in self.permuted):
            raise SpecError("[analysis] permuted is a list of pairs of arms.")


def estimands(values: pl.DataFrame, arms: pl.DataFrame, analysis: Diversity) -> list[Estimand]:
    """The coefficient of the number of tasks (primary), those of other measures, pairs of arms, and gains by cell."""
    gains = _gains(values, analysis)
    if not all(gains.values()):
        return _pairs(values, analysis)
    factors = _factors(arms, analysis.arms)
    listed = [_coefficient("primary", TASKS, gains, factors), _coefficient("secondary", VOLUME, gains, factors)]
    for measure in analysis.measures:
        some = _measured(arms, analysis.arms, measure)
        if len(some) >= _FEWEST:
            of_some = {arm: gains[arm] for arm in some}
            listed.append(_coefficient("secondary", measure, of_some, _factors(arms, some, measure)))
    listed += _pairs(values, analysis)
    listed += [
        Estimand("exploratory", "gain", numbers, arm=arm, reference=analysis.without) for arm, numbers in gains.items()
    ]
    pairs = [(arm, analysis.without) for arm in analysis.arms]
    return [*listed, *grids.grid_of(values).explored(pairs)]


def sentences(contrasts: pl.DataFrame, values: pl.DataFrame, arms: pl.DataFrame, analysis: Diversity) -> list[str]:
    """The findings: each coefficient, how far the measures vary together, the permutation, and the declared pair."""
    gains = _gains(values, analysis)
    if not all(gains.values()):
        missing = ", ".join(grids.grid_of(values).absent((analysis.without, *analysis.arms))) or "none"
        why = f"some arm has no seed with every cell (arms without values: {missing})"
        return [f"The coefficients are not computed: {why}.", *_of_pairs(contrasts, analysis)]
    factors = _factors(arms, analysis.arms)
    listed = [finding(row_of(contrasts, name), _WHAT[name], _UNITS[name]) for name in (TASKS, VOLUME)]
    size = grids.inflation(factors)[TASKS]
    what = f"The variance inflation of the number of tasks with the volume is {size:.2f} over {len(analysis.arms)} arms"
    listed.append(f"{what}: their coefficients can {'hardly ' if size >= _HIGH else ''}be separated.")
    listed.append(_permuted(gains, factors, TASKS, {VOLUME: factors[VOLUME]}))
    for measure in analysis.measures:
        listed += _of_measure(contrasts, arms, analysis, gains, measure)
    return [*listed, *_of_pairs(contrasts, analysis)]


def _gains(values: pl.DataFrame, analysis: Diversity) -> dict[str, grids.BySeed]:
    """The mean gain of each arm, over the cells that no arm leaves out, of the seeds that every arm has."""
    grid = grids.grid_of(values)
    cells = grid.transfer(analysis.without, *analysis.arms)
    gains = {arm: grid.mean_gain(arm, analysis.without, cells) for arm in analysis.arms}
    seeds = grids.shared_seeds(gains.values())
    return {arm: {seed: numbers[seed] for seed in seeds} for arm, numbers in gains.items()}


def _factors(arms: pl.DataFrame, names: Sequence[str], measure: str = TASKS) -> dict[str, list[float]]:
    """The volume and a measure of the arms."""
    column = MEASURES.get(measure, measure)
    counts = [grids.needed(arms, name, "intermediate_examples") for name in names]
    for name, examples in zip(names, counts, strict=True):
        if examples <= 0:
            what = f"The arm {name!r} has {examples:g} intermediate examples"
            raise SpecError(f"{what}, and its volume has no logarithm.")
    return {VOLUME: list(map(math.log2, counts)), measure: [grids.needed(arms, name, column) for name in names]}


def _measured(arms: pl.DataFrame, names: Sequence[str], measure: str) -> list[str]:
    """The arms that have a measure: a single task has no distance."""
    return [name for name in names if grids.attribute(arms, name, MEASURES[measure]) is not None]


def _coefficient(tier: str, factor: str, gains: Mapping[str, grids.BySeed], factors: grids.Factors) -> Estimand:
    """The coefficient of a factor in each seed, in points for each unit of the factor."""
    return Estimand(
        tier, factor, grids.each_seed(gains.values(), lambda numbers: grids.fitted(numbers, factors)[factor])
    )


def _pairs(values: pl.DataFrame, analysis: Diversity) -> list[Estimand]:
    """The declared contrast, and arms of equal shape whose tasks differ."""
    grid = grids.grid_of(values)
    pairs = [("control", "other tasks", *pair) for pair in analysis.permuted]
    if analysis.contrast:
        pairs.append(("secondary", "more against less", analysis.contrast["more"], analysis.contrast["less"]))
    return [
        Estimand(tier, contrast, grid.mean_gain(arm, reference, cells), arm=arm, reference=reference)
        for tier, contrast, arm, reference in pairs
        for cells in [grid.transfer(arm, reference, analysis.without)]
    ]


def _permuted(gains: Mapping[str, grids.BySeed], factors: grids.Factors, factor: str, equal: grids.Factors) -> str:
    """The permutation test of a factor: its values are exchanged among the arms that are equal in shape."""
    result = shuffled([grids.mean([*numbers.values()]) for numbers in gains.values()], factors, factor, equal)
    if result is None:
        return f"Control: no arms of equal {' and '.join(equal)} differ in {factor}, so its labels cannot be permuted."
    how = f"{result.count:,} permutations, {'all' if result.complete else 'drawn'}"
    what = f"Control: where {factor} is exchanged among arms of equal {' and '.join(equal)} ({how})"
    p = f"has p {result.p:.3f}. This p is over arms within these seeds."
    return f"{what}, a coefficient as large as the observed one {p}"


def _of_measure(
    contrasts: pl.DataFrame, arms: pl.DataFrame, analysis: Diversity, gains: Mapping[str, grids.BySeed], measure: str
) -> list[str]:
    """The coefficient of a further measure, its collinearity with the volume and its permutation."""
    some = _measured(arms, analysis.arms, measure)
    if len(some) < _FEWEST:
        return [f"{_WHAT[measure]}: not computed, as {len(some)} arms have it and {_FEWEST} are needed."]
    factors = _factors(arms, some, measure)
    size = grids.inflation(factors)[measure]
    listed = [finding(row_of(contrasts, measure), _WHAT[measure], _UNITS[measure])]
    listed.append(f"The variance inflation of {measure} with the volume is {size:.2f} over {len(some)} arms.")
    shape = _factors(arms, some)
    return [*listed, _permuted({arm: gains[arm] for arm in some}, factors, measure, shape)]


def _of_pairs(contrasts: pl.DataFrame, analysis: Diversity) -> list[str]:
    listed = []
    if analysis.contrast:
        names = {"arm": analysis.contrast["more"], "reference": analysis.contrast["less"]}
        what = f"{names['arm']} against {names['reference']}"
        listed.append(finding(row_of(contrasts, "more against less", **names), what))
    for arm, reference in analysis.permuted:
        row = row_of(contrasts, "other tasks", arm=arm, reference=reference)
        listed.append(finding(row, f"Control: other tasks of the same number and volume, {arm} against {reference}"))
    return listed


diversity: Final = Design(
    name="diversity",
    question="Do more and more diverse intermediate tasks help, or only more examples?",
    refuted=(
        "That the number of tasks matters is refuted by an interval of its coefficient, at equal volume, around 0 and "
        "within the smallest effect of interest; that volume explains the gains, by an interval that excludes 0."
    ),
    analysis=Diversity,
    estimands=estimands,
    sentences=sentences,
)
