"""DELTAS: the drop of each perturbed cell from its clean cell, paired by example, with interval and corrected p."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import polars as pl

from robust_xtreme.errors import Mismatch, SpecError
from robust_xtreme.results._cells import ALL, CLEAN, FLOOR, Cell, cells, check_same
from robust_xtreme.results._realised import Row
from robust_xtreme.results.intervals import CPU, Backend, Estimate, estimate_difference, smallest_detectable
from robust_xtreme.results.joint import joint_bounds
from robust_xtreme.results.multiplicity import holm
from robust_xtreme.results.schema import CELL, DELTAS, build
from robust_xtreme.results.score import interval
from robust_xtreme.specs import PerturbationSpec

Declare = Callable[[Sequence[Row]], Sequence[str | None]]
"""From the rows of DELTAS to the family of each (None: in none)."""

Correct = Callable[[Sequence[float]], Sequence[float]]

DEFAULT_FAMILY: Final = "task x language at each perturbation's highest strength"
_KEPT: Final = frozenset(DELTAS.columns) - {"se", "low", "high", "method"}


def deltas(
    stats: pl.DataFrame,
    scored: pl.DataFrame,
    headlines: Mapping[str, str],
    *,
    declare: Declare | None = None,
    correct: Correct = holm,
    backend: Backend = CPU,
) -> pl.DataFrame:
    """DELTAS from STATS and their SCORES, one row per perturbed cell and metric, sorted.

    `headlines` maps a task to the metric that claims are made on. `declare` names the family of each row; by default
    one family: task x language at each perturbation's highest strength, headline metrics only. Cells at the floor,
    inert cells, and those without an interval or to which the noise does not apply are in no family and have no p.
    Raises Mismatch, naming the example or the cell, where clean and perturbed cells do not have the same items.
    """
    headline_cells = [cell for cell in cells(stats) if cell.scope == ALL and not cell.model.startswith(FLOOR)]
    clean = {_twin(cell): cell for cell in headline_cells if cell.condition == CLEAN}
    values = {_key(row): row for row in scored.iter_rows(named=True)}
    pairs = [(_clean_of(cell, clean), cell) for cell in headline_cells if cell.condition != CLEAN]
    rows = [_row(cell, twin, values, backend) for twin, cell in pairs]
    done = list(rows)
    for family, indices in _families(rows, (declare or default_family(headlines))(rows)).items():
        adjusted = correct([rows[at]["p"] for at in indices])
        bounds = joint_bounds([pairs[at] for at in indices], backend)
        for at, p, joint in zip(indices, adjusted, bounds, strict=True):
            done[at] = _in_family(rows[at], family, len(indices), p, joint)
    return build(done, DELTAS).sort(DELTAS.key)


def _twin(cell: Cell) -> tuple[str, ...]:
    return (*cell.key[:-1], cell.metric)


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*(row[name] for name in CELL), row["metric"], row["scope"])


def _clean_of(cell: Cell, clean: Mapping[tuple[str, ...], Cell]) -> Cell:
    twin = clean.get(_twin(cell))
    if twin is None:
        raise Mismatch(f"{cell.named()} has no clean cell to be compared with.")
    check_same(twin, cell)
    return twin


def _row(cell: Cell, twin: Cell, values: Mapping[tuple[Any, ...], Row], backend: Backend) -> Row:
    score = values.get((*cell.key, cell.metric, cell.scope))
    before = values.get((*twin.key, twin.metric, twin.scope))
    if score is None or before is None:
        raise Mismatch(f"{cell.named()}, or its clean cell, has no row in SCORES: these are another run's.")
    estimate = estimate_difference(twin.sums, cell.sums, cell.reduce, backend)
    testable = not before["at_floor"] and not score["inert"] and score["not_applicable"] < 1
    claims = estimate.p is not None and testable
    return {
        **{name: value for name, value in score.items() if name in _KEPT},
        "clean": before["value"],
        "drop": estimate.value,
        **_relative(estimate.value, before),
        **interval(estimate),
        "p": estimate.p if claims else None,
        "mde": _mde(estimate, 1),
        "at_floor": before["at_floor"],
    }


def _relative(drop: float, before: Row) -> Row:
    """The drop in per cent of the clean value, and of the clean value's distance above the baseline."""
    clean, baseline = before["value"], before["baseline"]
    above = None if baseline is None or before["at_floor"] else clean - baseline
    return {
        "relative": 100 * drop / clean if clean > 0 else None,
        "relative_corrected": 100 * drop / above if above is not None and above > 0 else None,
    }


def _mde(estimate: Estimate, tests: int) -> float | None:
    return None if estimate.se is None else smallest_detectable(estimate.se, estimate.clusters, tests)


def default_family(headlines: Mapping[str, str]) -> Declare:
    """One family: the headline metric of each task and language at each perturbation's highest strength."""

    def declare(rows: Sequence[Row]) -> list[str | None]:
        highest: dict[tuple[Any, ...], Decimal] = {}
        keyed = [_by_strength(row) for row in rows]
        for group, strength in keyed:
            highest[group] = max(strength, highest.get(group, strength))
        return [
            DEFAULT_FAMILY
            if row["metric"] == headlines.get(row["task"]) and strength == highest[group] and strength > 0
            else None
            for row, (group, strength) in zip(rows, keyed, strict=True)
        ]

    return declare


def _by_strength(row: Row) -> tuple[tuple[Any, ...], Decimal]:
    """The cell and metric of a row without its strength, and the strength; a condition without one has 1."""
    perturbation, strength = perturbation_of(row["condition"])
    return (*(row[name] for name in CELL[:-1]), row["metric"], perturbation), strength


def perturbation_of(condition: str) -> tuple[str, Decimal]:
    """A condition's name without its last strength, and that strength (1 where it names none)."""
    try:
        spec = PerturbationSpec.parse(condition)
        strength = Decimal(spec.nominal)
    except SpecError:
        return condition, Decimal(1)
    fields = "@fields=" + ",".join(spec.fields) if spec.fields else ""
    last = spec.links[-1]
    bare = "+".join([*map(str, spec.links[:-1]), last.name + "".join(f"@{key}={value}" for key, value in last.params)])
    return bare + fields, strength


def _families(rows: Sequence[Row], named: Sequence[str | None]) -> dict[str, list[int]]:
    """The row numbers of each family's tests: the rows that claim something."""
    members: dict[str, list[int]] = {}
    for at, (row, family) in enumerate(zip(rows, named, strict=True)):
        if family is not None and row["p"] is not None:
            members.setdefault(family, []).append(at)
    return members


def _in_family(row: Row, family: str, tests: int, p: float, joint: tuple[float, float]) -> Row:
    """The row with its family, the family's size, the corrected p, the MDE at the corrected alpha, and joint bounds."""
    mde = smallest_detectable(row["se"], row["clusters"], tests)
    low, high = min(joint[0], row["low"]), max(joint[1], row["high"])
    return {**row, "family": family, "m": tests, "p_adjusted": p, "mde": mde, "joint_low": low, "joint_high": high}
