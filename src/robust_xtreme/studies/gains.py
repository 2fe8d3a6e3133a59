"""Gains of arms: an arm minus its reference on clean text, over the same cells in each training seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from robust_xtreme.core.errors import SpecError
from robust_xtreme.studies.cells import BySeed, Cell, Grid, over_cells
from robust_xtreme.studies.frames import CLEAN, Estimand
from robust_xtreme.studies.scales import POINTS


def gain(grid: Grid, arm: str, reference: str, cells: Sequence[Cell], scale: str = POINTS) -> BySeed:
    """The mean gain over the languages of each target, then over targets, of the seeds that have every cell.

    Empty where there is no cell, or the arms share no seed in some cell.
    """
    parts = {cell: grid.gain(arm, reference, cell, CLEAN, scale) for cell in cells}
    return over_cells(cells, lambda cell: parts[cell]) if parts and all(parts.values()) else {}


def shared_seeds(parts: Iterable[BySeed]) -> list[int]:
    """The seeds that all of these numbers have, sorted; none where there are no numbers."""
    several = [set(part) for part in parts]
    return sorted(set.intersection(*several)) if several else []


def attribute(arms: pl.DataFrame, arm: str, column: str) -> float | None:
    """The mean of a column of ARMS over the models of an arm; None where no model has it."""
    values = arms.filter(arm=arm)[column].drop_nulls().cast(pl.Float64).to_list()
    return sum(values) / len(values) if values else None


def needed(arms: pl.DataFrame, arm: str, column: str) -> float:
    """The attribute of an arm. Raises SpecError where no model of it has one."""
    value = attribute(arms, arm, column)
    if value is None:
        raise SpecError(f"The arm {arm!r} has no {column} in its record, which this analysis needs.")
    return value


def kept(estimands: Iterable[Estimand]) -> list[Estimand]:
    """The estimands that some seed has a number of."""
    return [estimand for estimand in estimands if estimand.by_seed]


def by_cell(grid: Grid, pairs: Sequence[tuple[str, str]], contrast: str) -> list[Estimand]:
    """The gain of each pair (arm, reference) in each of its cells, explored."""
    return kept(
        Estimand(
            tier="exploratory",
            contrast=contrast,
            by_seed=gain(grid, arm, reference, [(target, language)]),
            arm=arm,
            reference=reference,
            target=target,
            language=language,
        )
        for arm, reference in pairs
        for target, language in grid.transfer(arm, reference)
    )


def absent(values: pl.DataFrame, names: Iterable[str]) -> list[str]:
    """The arms that have no values yet, sorted."""
    return sorted({*names} - {*values["arm"].unique()})


def pair_of(value: Sequence[str] | Mapping[str, str], where: str) -> tuple[str, str]:
    """Reference and arm, from a pair of names or `{without = ..., with = ...}`. Raises SpecError."""
    items = [value[key] for key in ("without", "with") if key in value] if isinstance(value, Mapping) else [*value]
    if len(items) != 2 or len(value) != 2:
        raise SpecError(
            f'{where} has pairs ["without", "with"] or {{ without = "...", with = "..." }}, not {value!r:.80}.'
        )
    return items[0], items[1]
