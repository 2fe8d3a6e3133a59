"""The levels of a study by arm, cell and training seed, and what is averaged over cells: one number of each seed.

Nothing is selected by its value. A seed counts in an average if it has every cell of it, so that each number of an
average is of the same cells. Averages have equal weights: of the perturbations of a noise family, each at its highest
strength, then of the languages of a target, then of targets, then of families.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final, TypeVar, final

import polars as pl

from robust_xtreme.studies.frames import CLEAN, NOISE_FAMILIES
from robust_xtreme.studies.regression import Crossing, crossing
from robust_xtreme.studies.scales import POINTS, on_scale

BySeed = Mapping[int, float]
"""Training seed to number; empty where no seed has it."""

Cell = tuple[str, str]
"""Target and language."""

Measure = Callable[[Cell, str], BySeed]
"""From a cell and a condition to the number of each seed."""

Key = TypeVar("Key")
Path = TypeVar("Path", bound=tuple[str, ...])

_COLUMNS: Final = ("arm", "target", "language", "condition", "seed", "value", "chance", "n")

Level = tuple[float, float, int]
"""Value and chance in points, and the number of items."""


@final
@dataclass(frozen=True, slots=True)
class Grid:
    """The levels of VALUES. `strongest` has, by target and noise family, each perturbation at its highest strength.

    `left_out` are the arms and cells that show no transfer in some seed, with the reason.
    """

    levels: Mapping[tuple[str, Cell, str], Mapping[int, Level]]
    conditions: Mapping[str, tuple[str, ...]]
    strongest: Mapping[tuple[str, str], tuple[str, ...]]
    left_out: Mapping[tuple[str, Cell], str]

    def of(self, arm: str, cell: Cell, condition: str, scale: str) -> BySeed:
        """The levels of an arm in a cell, by seed."""
        known = self.levels.get((arm, cell, condition), {})
        return {seed: on_scale(*level, scale) for seed, level in known.items()}

    def cells(self, *arms: str) -> list[Cell]:
        """The cells whose clean level all of these arms have, sorted."""
        several = [{cell for arm, cell, condition in self.levels if (arm, condition) == (name, CLEAN)} for name in arms]
        return sorted(set.intersection(*several)) if several else []

    def transfer(self, *arms: str) -> list[Cell]:
        """The cells that all of these arms have and in which none of them is left out."""
        return [cell for cell in self.cells(*arms) if not any((arm, cell) in self.left_out for arm in arms)]

    def families(self, cells: Iterable[Cell]) -> list[str]:
        """The noise families that the targets of these cells have, in the order of their names' table."""
        targets = {target for target, _ in cells}
        present = {family for target, family in self.strongest if target in targets}
        return [family for family in NOISE_FAMILIES if family in present]

    def gain(self, arm: str, reference: str, cell: Cell, condition: str, scale: str) -> BySeed:
        """Arm minus reference."""
        return minus(self.of(arm, cell, condition, scale), self.of(reference, cell, condition, scale))

    def change(self, arm: str, reference: str, cell: Cell, condition: str, scale: str) -> BySeed:
        """The difference in differences: the gain under a condition minus the clean gain. Below 0 it shrinks."""
        noisy, clean = (self.gain(arm, reference, cell, name, scale) for name in (condition, CLEAN))
        return minus(noisy, clean)


def grid_of(values: pl.DataFrame) -> Grid:
    """The grid of VALUES."""
    levels: dict[tuple[str, Cell, str], dict[int, Level]] = {}
    for arm, target, language, condition, seed, *level in values.select(_COLUMNS).iter_rows():
        levels.setdefault((arm, (target, language), condition), {})[seed] = (level[0], level[1], level[2])
    flagged = values.filter(pl.col("left_out").is_not_null()).sort(values.columns)
    named = flagged.select("arm", "target", "language", "left_out").iter_rows()
    left_out = {(arm, (target, language)): reason for arm, target, language, reason in named}
    noisy = values.filter(pl.col("family") != CLEAN).select("target", "family", "condition", "strength").unique()
    named_noise = pl.col("condition").str.split(":").list.first()
    highest = noisy.filter(pl.col("strength") == pl.col("strength").max().over("target", "family", named_noise))
    return Grid(
        levels,
        _listed(noisy.select("target", "condition").unique().iter_rows()),
        _listed(((target, family), condition) for target, family, condition, _ in highest.iter_rows()),
        left_out,
    )


def _listed(pairs: Iterable[tuple[Key, str]]) -> dict[Key, tuple[str, ...]]:
    """The names of each key, sorted."""
    lists: dict[Key, set[str]] = {}
    for key, name in pairs:
        lists.setdefault(key, set()).add(name)
    return {key: tuple(sorted(names)) for key, names in lists.items()}


def minus(left: BySeed, right: BySeed) -> BySeed:
    """Left minus right, of the seeds that both have."""
    return {seed: left[seed] - right[seed] for seed in sorted(left.keys() & right.keys())}


def nested(leaves: Mapping[Path, BySeed]) -> BySeed:
    """The mean of numbers that are named by paths: the parts of a folder have equal weights, at each depth.

    Leaves without any seed do not count; a seed counts if every other leaf has it.
    """
    kept = {path: part for path, part in leaves.items() if part}
    if not kept:
        return {}
    children: dict[tuple[str, ...], set[str]] = {}
    for path in kept:
        for depth, name in enumerate(path):
            children.setdefault(path[:depth], set()).add(name)
    weights = {path: prod(1 / len(children[path[:depth]]) for depth in range(len(path))) for path in kept}
    seeds = sorted(set.intersection(*(set(part) for part in kept.values())))
    return {seed: sum(weights[path] * part[seed] for path, part in kept.items()) for seed in seeds}


def over_cells(cells: Sequence[Cell], measure: Callable[[Cell], BySeed]) -> BySeed:
    """The mean over the languages of each target, then over targets."""
    return nested({cell: measure(cell) for cell in cells})


def over_noise(grid: Grid, cells: Sequence[Cell], families: Iterable[str], measure: Measure) -> BySeed:
    """The mean over cells, then over noise families, each perturbation at its highest strength."""
    return nested(
        {
            (family, *cell, condition): measure(cell, condition)
            for family in families
            for cell in cells
            for condition in grid.strongest.get((cell[0], family), ())
        }
    )


def retained(grid: Grid, arm: str, without: str) -> Crossing | None:
    """The gain under noise over the clean gain in per cent, with Fieller's interval; None where that is unbounded."""
    cells = grid.transfer(arm, without)

    def measure(cell: Cell, condition: str = CLEAN) -> BySeed:
        return grid.gain(arm, without, cell, condition, POINTS)

    clean, noisy = over_cells(cells, measure), over_noise(grid, cells, grid.families(cells), measure)
    seeds = sorted(clean.keys() & noisy.keys())
    return crossing([100 * noisy[seed] for seed in seeds], [-clean[seed] for seed in seeds], 0.0)
