"""The study of capacity: how the gain of intermediate training changes with the size of the model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError
from robust_xtreme.studies import cells as grids
from robust_xtreme.studies.design import Design, Estimand, finding, row_of

SIZE: Final = "log10 non-embedding parameters"
_SLOPE: Final = "slope over size"
_CURVE: Final = "curvature over size"
_MEANS: Final = "multilingual minus monolingual gain"
_SLOPES: Final = "multilingual minus monolingual slope"
_SCALES: Final = (grids.POINTS, grids.LOGIT)
_UNITS: Final = {grids.POINTS: "points for 10 times the parameters", grids.LOGIT: "logits for 10 times the parameters"}
_CURVED: Final = {scale: unit.replace(" 10 ", " the square of 10 ") for scale, unit in _UNITS.items()}
_OVER_SIZE: Final = {_SLOPE: ("Gain over size", _UNITS), _CURVE: ("Curvature of the gain over size", _CURVED)}
_EQUAL: Final = math.log10(1.05)

Rung = Mapping[str, str]
Ladder = Sequence[tuple[str, str]]
"""Reference and arm of each size."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """The keys of [analysis]: `pairs` are the rungs of the ladder, each without and with intermediate training.

    `monolingual` is a ladder of monolingual models that those of `pairs` are compared with where sizes are equal within
    5 %. A rung is a pair of arms, or `{ without = "ARM", with = "ARM" }`.
    """

    pairs: tuple[tuple[str, str] | Rung, ...]
    monolingual: tuple[tuple[str, str] | Rung, ...] = ()

    def __post_init__(self) -> None:
        if len(rungs(self.pairs, "pairs")) < 2:
            raise SpecError("[analysis] pairs: a slope over size needs at least two rungs.")
        rungs(self.monolingual, "monolingual")


def rungs(given: Iterable[tuple[str, str] | Rung], key: str) -> list[tuple[str, str]]:
    """The rungs of a ladder as pairs of reference and arm. Raises SpecError."""
    pairs = []
    for value in given:
        items = [value[name] for name in ("without", "with") if name in value] if isinstance(value, Mapping) else value
        if len(items) != 2 or len(value) != 2:
            forms = '["without", "with"] or { without = "...", with = "..." }'
            raise SpecError(f"[analysis] {key} has pairs {forms}, not {value!r:.80}.")
        pairs.append((items[0], items[1]))
    return pairs


def estimands(values: pl.DataFrame, arms: pl.DataFrame, analysis: Capacity) -> list[Estimand]:
    """The slope of the gain over size (primary), its curvature, slopes by family of targets, monolingual, and rungs."""
    grid = grids.grid_of(values)
    ladder = rungs(analysis.pairs, "pairs")
    pairs = [(arm, reference) for reference, arm in [*ladder, *rungs(analysis.monolingual, "monolingual")]]
    explored = grid.explored(pairs)
    if grid.absent(arm for pair in ladder for arm in pair):
        return explored
    cells = _cells(grid, ladder)
    listed = [Estimand("primary", _SLOPE, _slopes(grid, arms, ladder, cells, scale), scale) for scale in _SCALES]
    listed += [Estimand("secondary", _CURVE, _curves(grid, arms, ladder, cells, scale), scale) for scale in _SCALES]
    listed += [*_by_family(grid, arms, ladder, cells), *_against(grid, arms, analysis)]
    listed += [
        Estimand("exploratory", "gain at a size", grid.mean_gain(arm, reference, cells), arm=arm, reference=reference)
        for reference, arm in ladder
    ]
    return [*listed, *explored]


def sentences(contrasts: pl.DataFrame, values: pl.DataFrame, arms: pl.DataFrame, analysis: Capacity) -> list[str]:
    """The findings: slope, curvature, the point where the gain is 0, families of targets, and monolingual ladders."""
    if missing := grids.grid_of(values).absent(arm for pair in rungs(analysis.pairs, "pairs") for arm in pair):
        return [f"The slope over size is not computed: {', '.join(missing)} have no values."]
    listed = [
        finding(row, what, units[scale])
        for contrast, (what, units) in _OVER_SIZE.items()
        for scale in _SCALES
        for row in [row_of(contrasts, contrast, scale, condition="")]
        if contrast == _SLOPE or row is not None
    ]
    listed.append(_crosses(values, arms, analysis))
    families = contrasts.filter(pl.col("contrast") == _SLOPE, pl.col("condition") != "", scale=grids.POINTS)
    listed += [
        finding(row, f"Gain over size, {row['condition']}", _UNITS[grids.POINTS])
        for row in families.iter_rows(named=True)
    ]
    return [*listed, *_of_monolingual(contrasts, analysis)]


def crossed(values: pl.DataFrame, arms: pl.DataFrame, analysis: Capacity) -> grids.Crossing | None:
    """Where, if within the ladder, the mean line in points is 0, on log10 parameters, with Fieller's interval."""
    grid, ladder = grids.grid_of(values), rungs(analysis.pairs, "pairs")
    gains = _gains(grid, ladder, _cells(grid, ladder), grids.POINTS)
    sizes = _sizes(arms, ladder)
    levels = grids.each_seed(gains, grids.mean)
    slopes = grids.each_seed(gains, lambda numbers: grids.slope(sizes, numbers))
    point = grids.crossing([*levels.values()], [*slopes.values()], grids.mean(sizes))
    return point if point is not None and min(sizes) <= point.estimate <= max(sizes) else None


def _cells(grid: grids.Grid, *ladders: Ladder) -> list[grids.Cell]:
    """The cells that every arm of the ladders has and none leaves out."""
    return grid.transfer(*(arm for ladder in ladders for pair in ladder for arm in pair))


def _gains(grid: grids.Grid, ladder: Ladder, cells: Sequence[grids.Cell], scale: str) -> list[grids.BySeed]:
    """The mean gain of each rung, over the same cells."""
    return [grid.mean_gain(arm, reference, cells, scale) for reference, arm in ladder]


def _sizes(arms: pl.DataFrame, ladder: Ladder) -> list[float]:
    """The log10 of the non-embedding parameters of each rung. Raises SpecError where one has none, or all are equal."""
    sizes = []
    for _, arm in ladder:
        size = grids.needed(arms, arm, "params_nonembedding")
        if size <= 0:
            raise SpecError(f"The arm {arm!r} has {size:g} non-embedding parameters, and its size has no logarithm.")
        sizes.append(math.log10(size))
    grids.check_rank({SIZE: sizes})
    return sizes


def _slopes(
    grid: grids.Grid, arms: pl.DataFrame, ladder: Ladder, cells: Sequence[grids.Cell], scale: str
) -> grids.BySeed:
    """The slope of the gain over size in each seed that has every rung."""
    sizes = _sizes(arms, ladder)
    return grids.each_seed(_gains(grid, ladder, cells, scale), lambda numbers: grids.slope(sizes, numbers))


def _curves(
    grid: grids.Grid, arms: pl.DataFrame, ladder: Ladder, cells: Sequence[grids.Cell], scale: str
) -> grids.BySeed:
    """The coefficient of the squared size beside the size; empty with fewer than three sizes."""
    sizes = _sizes(arms, ladder)
    centre = grids.mean(sizes)
    factors = {SIZE: [size - centre for size in sizes], "squared": [(size - centre) ** 2 for size in sizes]}
    if len({round(size, 6) for size in sizes}) < 3:
        return {}
    return grids.each_seed(
        _gains(grid, ladder, cells, scale), lambda numbers: grids.fitted(numbers, factors)["squared"]
    )


def _by_family(grid: grids.Grid, arms: pl.DataFrame, ladder: Ladder, cells: Sequence[grids.Cell]) -> list[Estimand]:
    """The slope over the targets of each family, where there are several."""
    families: dict[str, list[grids.Cell]] = {}
    for cell in cells:
        families.setdefault(registry.load("task", cell[0]).family, []).append(cell)
    if len(families) < 2:
        return []
    return [
        Estimand("secondary", _SLOPE, _slopes(grid, arms, ladder, some, scale), scale, condition=name)
        for name, some in sorted(families.items())
        for scale in _SCALES
    ]


def _against(grid: grids.Grid, arms: pl.DataFrame, analysis: Capacity) -> list[Estimand]:
    """The multilingual ladder minus the monolingual one at equal sizes: mean gain, and slope of two sizes or more."""
    matched = _matched(arms, rungs(analysis.pairs, "pairs"), rungs(analysis.monolingual, "monolingual"))
    if not matched:
        return []
    multi, mono = [pair for pair, _ in matched], [pair for _, pair in matched]
    cells = _cells(grid, multi, mono)
    means = [grids.each_seed(_gains(grid, ladder, cells, grids.POINTS), grids.mean) for ladder in (multi, mono)]
    listed = [Estimand("secondary", _MEANS, grids.minus(*means))]
    sizes = [{grids.needed(arms, arm, "params_nonembedding") for _, arm in ladder} for ladder in (multi, mono)]
    if min(map(len, sizes)) > 1:
        slopes = {scale: [_slopes(grid, arms, ladder, cells, scale) for ladder in (multi, mono)] for scale in _SCALES}
        listed += [Estimand("secondary", _SLOPES, grids.minus(*pair), scale) for scale, pair in slopes.items()]
    return listed


def _matched(arms: pl.DataFrame, multi: Ladder, mono: Ladder) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """The rungs of two ladders whose sizes are equal within 5 %, of the rungs that have models."""
    known = {*arms["arm"].unique()}
    sizes = {
        pair: math.log10(grids.needed(arms, pair[1], "params_nonembedding"))
        for pair in (*multi, *mono)
        if {*pair} <= known
    }
    matches = []
    for pair in (pair for pair in multi if pair in sizes):
        near = [other for other in mono if other in sizes and abs(sizes[other] - sizes[pair]) <= _EQUAL]
        if near:
            matches.append((pair, min(near, key=lambda other: abs(sizes[other] - sizes[pair]))))
    return matches


def _crosses(values: pl.DataFrame, arms: pl.DataFrame, analysis: Capacity) -> str:
    point = crossed(values, arms, analysis)
    if point is None:
        why = "no interval of the slope excludes 0, or the line is 0 at none of the ladder's sizes"
        return f"No size at which the gain is 0 is reported: {why}."
    low, high = (f"{10**bound:,.0f}" for bound in (point.low, point.high))
    where = f"{10**point.estimate:,.0f} non-embedding parameters"
    return f"The mean line is 0 at {where} (Fieller's 95 % interval {low} to {high})."


def _of_monolingual(contrasts: pl.DataFrame, analysis: Capacity) -> list[str]:
    if not analysis.monolingual:
        return []
    mean = row_of(contrasts, _MEANS)
    if mean is None:
        why = "no two rungs have an equal size and a seed with every cell"
        return [f"Multilingual against monolingual is not computed: {why}."]
    listed = [finding(mean, "Mean gain of multilingual minus monolingual models of equal size")]
    what = "Slope over size of multilingual minus monolingual models"
    rows = [(scale, row_of(contrasts, _SLOPES, scale)) for scale in _SCALES]
    return [*listed, *(finding(row, what, _UNITS[scale]) for scale, row in rows if row is not None)]


capacity: Final = Design(
    name="capacity",
    question=(
        "Does the gain of intermediate training shrink with the size of the model, and is it different for monolingual "
        "models?"
    ),
    refuted=(
        "That the gain shrinks with size is refuted by an interval of the slope that is at or above 0, in points or on "
        "the logit scale; that size decides, by multilingual and monolingual ladders of equal sizes whose gains differ."
    ),
    analysis=Capacity,
    estimands=estimands,
    sentences=sentences,
)
