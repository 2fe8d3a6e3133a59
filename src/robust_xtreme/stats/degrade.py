"""DELTAS: the drop of each perturbed cell from its clean cell, paired by example, with interval and corrected p."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core.errors import Mismatch, SpecError
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files.schema import CELL, DELTAS, build
from robust_xtreme.files.store import grouped
from robust_xtreme.stats import intervals
from robust_xtreme.stats._cells import ALL, Cell, check_same, noise_of
from robust_xtreme.stats.claims import CLEAN, holm, no_claim
from robust_xtreme.stats.intervals import CPU, ArrayBackend, Estimate, Moments, estimate_difference, has_joint
from robust_xtreme.stats.resampling import Member, keys, simultaneous_quantiles
from robust_xtreme.stats.score import Row, at_risk, interval

NOT_SHOWN: Final = "not shown above chance"
"""The mark of a cell whose clean level could be chance."""

Drops = Mapping[tuple[str, ...], Estimate]
"""Drops by the values of CELL and the metric."""


def drops_without_risk(all_cells: Sequence[Cell], predictions: pl.DataFrame, backend: ArrayBackend = CPU) -> Drops:
    """The drop, with its interval, of each cell with items at risk (see `at_risk`) and others.

    It is the mean over the noise seeds that have items without risk, and its clusters are those with such items.
    """
    items, keys_of, starts = grouped(predictions.filter(at_risk()), CELL, ("noise_seed", "example"))
    rows = items.select("noise_seed", "example").rows()
    risky = {key: rows[starts[at] : starts[at + 1]] for at, key in enumerate(keys_of.iter_rows())}
    whole = [cell for cell in all_cells if cell.scope == ALL and cell.answers]
    clean = {_twin(cell): cell for cell in whole if cell.condition == CLEAN}
    pairs = [(clean.get(_twin(cell)), cell) for cell in whole if cell.key in risky]
    drops = [(cell, _drop(twin, cell, _without(cell, risky[cell.key]), backend)) for twin, cell in pairs if twin]
    return {(*cell.key, cell.metric): drop for cell, drop in drops if drop}


def _without(cell: Cell, risky: Iterable[tuple[int, str]]) -> Any:
    """Which items of a cell are left without those of some noise seeds and examples (noise seeds, items) bool."""
    kept = np.ones(cell.values.shape[:2], np.bool_)
    seeds, examples = ({value: at for at, value in enumerate(of)} for of in (cell.seeds, cell.items.examples))
    known = [(seeds[seed], examples[example]) for seed, example in risky if seed in seeds and example in examples]
    kept[tuple(np.array(known, np.int64).reshape(-1, 2).T)] = False
    return kept


def _drop(clean: Cell, noisy: Cell, kept: Any, backend: ArrayBackend) -> Estimate | None:
    """The drop over some items of a cell (noise seeds, items); None of none, and where the clean cell has others."""
    seeds, items = np.nonzero(kept)
    if not len(items) or not np.array_equal(clean.items.examples, noisy.items.examples):
        return None
    arms, clusters = (np.unique(of, return_inverse=True)[1] for of in (seeds, noisy.items.codes[items]))
    shape = int(arms.max()) + 1, int(clusters.max()) + 1
    slots = arms * shape[1] + clusters
    values = clean.values[0, items], noisy.values[seeds, items]
    before, after = (intervals.cluster_sums(each, slots, shape[0] * shape[1]).reshape(*shape, -1) for each in values)
    return estimate_difference(before, after, noisy.reduce, backend)


_FACTORS: Final = ("task", "language", "perturbation")
_FURTHER: Final = {
    "fields": "noised fields",
    "model": "model",
    "context_language": "context language",
    "setting": "setting",
    "split": "split",
    "inference": "inference settings",
}
"""Further factors in which tests of a family can differ, with their words in its name."""

NATURAL: Final = Decimal("0.02")
"""The strength at which people err (docs/natural.md), which is tested as well as the highest."""

CONSTANT: Final = 0.95
"""The share of items that one answer covers from which a cell is marked."""


@dataclass(frozen=True, slots=True)
class _Test:
    """A row of the family of tests, its drop, and how the drop varies, for the bounds of all at once."""

    row: Row
    estimate: Estimate
    moments: Moments
    member: Member


@dataclass(frozen=True, slots=True)
class Compared:
    """The rows of DELTAS of some task runs, and those among them that are tested."""

    rows: tuple[Row, ...]
    tests: tuple[_Test, ...]


def compared(
    all_cells: Sequence[Cell],
    scored: pl.DataFrame,
    headlines: Mapping[str, str],
    backend: ArrayBackend = CPU,
    without_risk: Drops = MappingProxyType({}),
) -> Compared:
    """The drops of whole task runs, from their cells and SCORES, beside those `without_risk`.

    `headlines` maps a task to the metric that claims are made on. They are one family of tests: these metrics in each
    task and language at each perturbation's highest strength, and at the natural one where that is among several,
    whatever the values of the cells are. Cells that claim nothing (`no_claim`), and those without an interval, are not
    in the family and have no p. Raises Mismatch where clean and perturbed cells do not have the same items.
    """
    headline_cells = [cell for cell in all_cells if cell.scope == ALL and cell.answers]
    clean = {_twin(cell): cell for cell in headline_cells if cell.condition == CLEAN}
    rows_of = scored.with_columns(no_claim()).iter_rows(named=True)
    values = {(*(row[name] for name in CELL), row["metric"], row["scope"]): row for row in rows_of}
    pairs = [(_clean_of(cell, clean), cell) for cell in headline_cells if cell.condition != CLEAN]
    estimates = [estimate_difference(twin.sums, cell.sums, cell.reduce, backend) for twin, cell in pairs]
    rows = [
        _row(cell, twin, values, drop) | _without_risk(cell, values, drop, without_risk)
        for (twin, cell), drop in zip(pairs, estimates, strict=True)
    ]
    drawn: dict[tuple[str, ...], Any] = {}
    tests = [_test(rows[at], estimates[at], *pairs[at], drawn, backend) for at in _family(rows, headlines)]
    return Compared(tuple(rows), tuple(tests))


def _test(
    row: Row, estimate: Estimate, twin: Cell, cell: Cell, drawn: dict[tuple[str, ...], Any], backend: ArrayBackend
) -> _Test:
    """One test; `drawn` are the keys that weights are drawn by, of clean cells that were met before."""
    if _twin(twin) not in drawn:
        drawn[_twin(twin)] = keys(twin.items.clusters)
    moments = intervals.difference(backend, backend.to(twin.sums), backend.to(cell.sums), cell.reduce)
    deviations = backend.back(moments.deviations)
    member = Member(partial(np.asarray, deviations), float(moments.jump), drawn[_twin(twin)])
    return _Test(row, estimate, replace(moments, deviations=deviations), member)


def deltas_of(parts: Sequence[Compared], backend: ArrayBackend = CPU) -> pl.DataFrame:
    """DELTAS of all task runs of a run, whose tests are one family, sorted."""
    tests = [test for part in parts for test in part.tests]
    name = family_name([test.row for test in tests])
    adjusted = holm([test.row["p"] for test in tests])
    for test, p, joint in zip(tests, adjusted, _joint_bounds(tests, backend), strict=True):
        row = test.row
        row |= {"family": name, "m": len(tests), "p_adjusted": p}
        row["mde"] = intervals.smallest_detectable(test.estimate, len(tests))  # at the corrected alpha
        if joint:
            row |= {"joint_low": min(joint[0], row["low"]), "joint_high": max(joint[1], row["high"])}
    return build([row | {"marks": _marks(row)} for part in parts for row in part.rows], DELTAS).sort(DELTAS.key)


def _twin(cell: Cell) -> tuple[str, ...]:
    return (*cell.key[:-1], cell.metric)


def _clean_of(cell: Cell, clean: Mapping[tuple[str, ...], Cell]) -> Cell:
    twin = clean.get(_twin(cell))
    if twin is None:
        raise Mismatch(f"{cell.named()} has no clean cell to be compared with.")
    check_same(twin, cell)
    return twin


def _row(cell: Cell, twin: Cell, values: Mapping[tuple[Any, ...], Row], estimate: Estimate) -> Row:
    score = values.get((*cell.key, cell.metric, cell.scope))
    before = values.get((*twin.key, twin.metric, twin.scope))
    if score is None or before is None:
        raise Mismatch(f"{cell.named()}, or its clean cell, has no row in SCORES: these are another run's.")
    claims = score["no_claim"] is None
    clean, chance = before["value"], before["chance"]
    above = None if chance is None or before["near_chance"] is not False else clean - chance
    return {
        **{name: value for name, value in score.items() if name in DELTAS.columns},
        "clean": clean,
        "drop": estimate.value,
        "relative": 100 * estimate.value / clean if clean > 0 else None,
        "relative_corrected": 100 * estimate.value / above if above is not None and above > 0 else None,
        **interval(estimate),
        "p": estimate.p if claims else None,
        "mde": intervals.smallest_detectable(estimate) if claims else None,
        "differing": int(intervals.differs(twin.sums, cell.sums).sum()),
        "above_chance": before["above_chance"],
        "near_chance": before["near_chance"],
        "constant": max(filter(None, (before["constant"], score["constant"])), default=None),
    }


def _without_risk(cell: Cell, values: Mapping[tuple[Any, ...], Row], estimate: Estimate, without_risk: Drops) -> Row:
    """The drop of the items without label risk: that of all items where none is at risk, none where that is unknown."""
    risk = values[*cell.key, cell.metric, cell.scope]["label_risk"]
    drop = estimate if risk == 0 else without_risk.get((*cell.key, cell.metric))
    columns = {"drop_without_risk": "value", "low_without_risk": "low", "high_without_risk": "high"}
    return {} if drop is None else {column: getattr(drop, name) for column, name in columns.items()}


def _marks(row: Row) -> str | None:
    """What a reader must know of a cell before its drop."""
    above, alpha = None if row["chance"] is None else row["clean"] - row["chance"], 1 - intervals.CONFIDENCE
    marks = {
        NOT_SHOWN: row["near_chance"],
        "no room": above is not None and row["mde"] is not None and above < row["mde"],
        "constant": (row["constant"] or 0) >= CONSTANT,
        "cannot reject": row.get("p_adjusted", 0.0) > alpha and 2.0 ** (1 - row["differing"]) * row["m"] >= alpha,
    }
    return ", ".join(name for name, applies in marks.items() if applies) or None


def _family(rows: Sequence[Row], headlines: Mapping[str, str]) -> list[int]:
    """The numbers of the rows of headline metrics, at the highest and the natural strength, that have a p."""
    highest: dict[tuple[Any, ...], Decimal] = {}
    keyed = []
    for row in rows:
        perturbation, number, fields = parts_of(row["condition"])
        group = (*(row[name] for name in CELL[:-1]), row["metric"], perturbation, fields)
        strength = Decimal(number or 1)  # a condition without a strength counts as full strength
        keyed.append((group, strength))
        highest[group] = max(strength, highest.get(group, strength))
    return [
        at
        for at, (row, (group, strength)) in enumerate(zip(rows, keyed, strict=True))
        if row["metric"] == headlines.get(row["task"]) and strength in (highest[group], NATURAL) and strength > 0
        if row["p"] is not None
    ]


def family_name(tests: Sequence[Row]) -> str:
    """The name of a family: the factors in which its tests differ, and the strengths that are tested.

    A further factor is named where tests differ in it that agree in all factors before it.
    """
    parts = ("perturbation", "strength", "fields")
    rows = [row | dict(zip(parts, parts_of(row["condition"]), strict=True)) for row in tests]
    named, alike = [factor for factor in _FACTORS if _differ(rows, factor)], list(_FACTORS)
    for factor, words in _FURTHER.items():
        named += [words] if _differ(rows, factor, alike) else []
        alike.append(factor)
    also = f" and at the natural {NATURAL}" if _differ(rows, "strength", alike) else ""
    return f"{' x '.join(named) or 'one test'} at each perturbation's highest strength{also}"


def _differ(rows: Sequence[Row], factor: str, alike: Sequence[str] = ()) -> bool:
    """Whether rows that are alike in some factors differ in another one."""
    pairs = {(*(row[name] for name in alike), row[factor]) for row in rows}
    return len(pairs) > len({pair[:-1] for pair in pairs})


def parts_of(condition: str) -> tuple[str, str, str]:
    """The perturbation, the last strength and the fields (joined by commas) that a condition's name contains."""
    try:
        spec = PerturbationSpec.parse(condition)
        strength = spec.nominal if spec.links[-1].strengths else ""
    except SpecError:
        return condition, "", ""
    *head, last = spec.links
    return str(replace(spec, links=(*head, replace(last, strengths=())), fields=())), strength, ",".join(spec.fields)


def without_fields(condition: str) -> str:
    """The name of a condition without the fields that it noises."""
    return noise_of(condition)[0]


def _joint_bounds(tests: Sequence[_Test], backend: ArrayBackend) -> list[list[float] | None]:
    """Low and high of the drop of each test, in points, valid for all at once with 95 %; None with too few clusters."""
    if not (members := [test.member for test in tests if has_joint(test.moments)]):
        return [None] * len(tests)
    quantiles = simultaneous_quantiles(members, backend=backend)
    bounds = (intervals.difference_bounds(backend, test.moments, quantiles)[1:] for test in tests)
    return [[*map(float, each)] if has_joint(test.moments) else None for test, each in zip(tests, bounds, strict=True)]
