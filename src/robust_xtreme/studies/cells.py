"""The levels of a study by arm, cell and training seed, and what is averaged over cells: one number of each seed.

Nothing is selected by its value. A seed counts in an average if it has every cell of it, so that each number of an
average is of the same cells. Averages have equal weights: of the perturbations of a noise family, each at its highest
strength, then of the languages of a target, then of targets, then of families.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, Final, TypeVar

import numpy as np
import polars as pl

from robust_xtreme.core.errors import Mismatch, SpecError, UnknownName, UserError
from robust_xtreme.stats.degrade import parts_of
from robust_xtreme.stats.intervals import CONFIDENCE, TOP, added, t_quantile
from robust_xtreme.studies.design import CLEAN, NOISE_FAMILIES, Estimand

# Least squares over the arms, rungs or languages of one training seed; its coefficients are numbers of that seed.
#
# No standard error is taken from the residuals of a fit: the unit of a claim is the seed, and the interval of a
# coefficient is Student's t over its values in the seeds.

_SMALL: Final = 1e-8
STILL: Final = 1e-9
"""The standard error of a mean up to which its seeds do not vary."""

Factors = Mapping[str, Sequence[float]]
"""Name of a factor to its value in each row."""


def fitted(outcome: Sequence[float], factors: Factors) -> dict[str, float]:
    """The `intercept` and a coefficient of each factor, in units of the outcome for each unit of the factor.

    Raises Mismatch where a number is missing or not finite, SpecError for a factor that others determine.
    """
    matrix = _matrix(factors, len(outcome))
    if not np.isfinite(matrix).all() or not np.isfinite(outcome).all():
        raise Mismatch("A regression has a number that is not finite.")
    check_rank(factors)
    means = matrix.mean(axis=0)
    centred = np.asarray(outcome, float) - np.mean(outcome)
    values, *_ = np.linalg.lstsq(matrix - means, centred, rcond=None)
    intercept = float(np.mean(outcome) - means @ values)
    return {"intercept": intercept, **dict(zip(factors, map(float, values), strict=True))}


def check_rank(factors: Factors) -> None:
    """Raise SpecError naming the first factor that is constant, or that the factors before it determine."""
    rows = len(next(iter(factors.values()), ()))
    for index, name in enumerate(factors):
        before = {other: factors[other] for other in list(factors)[:index]}
        spread = _residual(factors[name], {})
        scale = _SMALL * max(1.0, float(np.abs(factors[name]).max(initial=0.0)))
        if float(np.linalg.norm(spread)) <= scale:
            raise SpecError(f"The factor {name!r} has one value in all {rows} rows: no coefficient can be estimated.")
        if float(np.linalg.norm(_residual(factors[name], before))) <= _SMALL * float(np.linalg.norm(spread)):
            what = f"is determined by {', '.join(map(repr, before))} in these {rows} rows"
            raise SpecError(f"The factor {name!r} {what}: no coefficient can be estimated. Vary it at a fixed value.")


def inflation(factors: Factors) -> dict[str, float]:
    """The variance inflation of each factor, 1 / (1 - R2) on others: 1 without collinearity, 10 is high; else inf."""
    inflations = {}
    for name, values in factors.items():
        others = {other: factors[other] for other in factors if other != name}
        total, rest = (float((_residual(values, given) ** 2).sum()) for given in ({}, others))
        inflations[name] = total / rest if rest > _SMALL**2 * total else math.inf
    return inflations


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """The slope of the line of least squares. Raises SpecError where x does not vary."""
    return fitted(y, {"x": x})["x"]


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's rho, with mean ranks of ties; None where x or y does not vary, or has fewer than three values."""
    from scipy import stats

    if len(x) < 3 or len(set(x)) < 2 or len(set(y)) < 2:
        return None
    return float(np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1])


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where a mean line is 0, with the bounds of Fieller's interval at 95 %, in units of x."""

    estimate: float
    low: float
    high: float


def crossing(levels: Sequence[float], slopes: Sequence[float], centre: float) -> Crossing | None:
    """The x at which the mean over seeds of level + slope (x - centre) is 0, one level and slope a seed (Fieller 1954).

    None where the interval is not bounded, as the slope's does not exclude 0, and where seeds do not vary or are one.
    """
    seeds = len(levels)
    if seeds < 2:
        return None
    a, b = float(np.mean(levels)), float(np.mean(slopes))
    (var_a, both), (_, var_b) = np.cov([levels, slopes]) / seeds
    t2 = t_quantile(0.5 + CONFIDENCE / 2, seeds - 1) ** 2
    lead = b * b - t2 * var_b
    if lead <= 0 or max(var_a, var_b) <= STILL**2:
        return None
    half = a * b - t2 * both
    root = math.sqrt(max(half * half - lead * (a * a - t2 * var_a), 0.0))
    return Crossing(centre - a / b, centre + (-half - root) / lead, centre + (-half + root) / lead)


def _matrix(factors: Factors, rows: int) -> Any:
    """The factors as columns, (rows, factors). Raises Mismatch where a factor has another number of rows."""
    for name, values in factors.items():
        if len(values) != rows:
            raise Mismatch(f"The factor {name!r} has {len(values)} rows, and the outcome {rows}.")
    return np.array([*factors.values()], float).T.reshape(rows, len(factors))


def _residual(values: Sequence[float], factors: Factors) -> Any:
    """What a constant and the factors leave of the values, (rows,)."""
    rest = np.asarray(values, float) - np.mean(values)
    if not factors:
        return rest
    matrix = _matrix(factors, len(values))
    matrix = matrix - matrix.mean(axis=0)
    matrix = matrix / np.maximum(np.linalg.norm(matrix, axis=0), _SMALL)
    solution, *_ = np.linalg.lstsq(matrix, rest, rcond=None)
    return rest - matrix @ solution


# The scales on which arms are compared: points, points corrected for chance, and the logit of the corrected share.
#
# A difference in points that shrinks under noise can be a constant difference in odds, or of the part above chance. So
# that "shrinks" is claimed, two scales have to agree.

POINTS, CORRECTED, LOGIT = SCALES = ("points", "corrected", "logit")


def on_scale(value: float, chance: float, n: int, scale: str) -> float:
    """A value of `n` items and its chance, both in points, on a scale.

    Corrected for chance it is 0 at chance and 100 at the top. The logit of this share x, which is 0 below chance, is
    the log odds of (n x + 0.5) / (n + 1). Raises UnknownName for another scale, UserError where chance is 100.
    """
    if scale not in SCALES:
        raise UnknownName("scale", scale, SCALES, "robust-xtreme study --help")
    if scale == POINTS:
        return value
    if not chance < TOP:
        what = f"Chance is {chance:g} of {TOP:g} points"
        raise UserError(f"{what}: nothing is above it, so no value is corrected for it.")
    corrected = TOP * (value - chance) / (TOP - chance)
    if scale == CORRECTED:
        return corrected
    share = min(max(corrected / TOP, 0.0), 1.0)
    kept = (n * share + 0.5) / (n + 1)
    return math.log(kept / (1 - kept))


BySeed = Mapping[int, float]
"""Training seed to number; empty where no seed has it."""

Cell = tuple[str, str]
"""Target and language."""

Key = TypeVar("Key")
Path = TypeVar("Path", bound=tuple[str, ...])

Level = tuple[float, float, int]
"""Value and chance in points, and the number of items."""


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

    def mean_gain(self, arm: str, reference: str, cells: Sequence[Cell], scale: str = POINTS) -> BySeed:
        """The mean gain over the languages of each target, then over targets, of the seeds that have every cell."""
        parts = {cell: self.gain(arm, reference, cell, CLEAN, scale) for cell in cells}
        return nested(parts) if all(parts.values()) else {}

    def noised(self, cells: Sequence[Cell], family: str, arms: Sequence[str]) -> list[Cell]:
        """The cells in which all of these arms have a condition of a noise family, at its highest strength."""
        known = self.levels.keys()
        of = {cell: self.strongest.get((cell[0], family), ()) for cell in cells}
        return [cell for cell in cells if any({(arm, cell, name) for arm in arms} <= known for name in of[cell])]

    def over_noise(self, cells: Sequence[Cell], families: Iterable[str], measure: Callable[..., BySeed]) -> BySeed:
        """The mean of a `measure` of cell and condition over cells, then noise families, at the highest strengths."""
        return nested(
            {
                (family, *cell, condition): measure(cell, condition)
                for family in families
                for cell in cells
                for condition in self.strongest.get((cell[0], family), ())
            }
        )

    def retained(self, arm: str, without: str) -> Crossing | None:
        """The gain under noise in per cent of the clean gain of the same cells; None without bounds (Fieller)."""
        cells = self.transfer(arm, without)
        noisy, change = (
            self.over_noise(cells, self.families(cells), partial(of, arm, without, scale=POINTS))
            for of in (self.gain, self.change)
        )
        clean = minus(noisy, change)
        return crossing([100 * noisy[seed] for seed in clean], [-gain for gain in clean.values()], 0.0)

    def absent(self, names: Iterable[str]) -> list[str]:
        """The arms that have no values yet, sorted."""
        return sorted({*names} - {arm for arm, *_ in self.levels})

    def explored(self, pairs: Sequence[tuple[str, str]], contrast: str = "gain in a cell") -> list[Estimand]:
        """The gain of each pair (arm, reference) in each of its cells."""
        found = []
        for arm, reference in pairs:
            for cell in self.transfer(arm, reference):
                gain = self.mean_gain(arm, reference, [cell])
                found.append(Estimand("exploratory", contrast, gain, POINTS, arm, reference, *cell))
        return found


def grid_of(values: pl.DataFrame) -> Grid:
    """The grid of VALUES."""
    levels: dict[tuple[str, Cell, str], dict[int, Level]] = {}
    columns = ("arm", "target", "language", "condition", "seed", "value", "chance", "n")
    for arm, target, language, condition, seed, *level in values.select(columns).iter_rows():
        levels.setdefault((arm, (target, language), condition), {})[seed] = (level[0], level[1], level[2])
    flagged = values.filter(pl.col("left_out").is_not_null()).sort(values.columns)
    named = flagged.select("arm", "target", "language", "left_out").iter_rows()
    left_out = {(arm, (target, language)): reason for arm, target, language, reason in named}
    noisy = values.filter(pl.col("family") != CLEAN).select("target", "family", "condition", "strength").unique()
    named_noise = pl.col("condition").map_elements(lambda name: parts_of(name)[0], pl.String)
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
    """The mean of numbers, if any, that are named by paths: the parts of a folder have equal weights, at each depth."""
    kept = {path: part for path, part in leaves.items() if part}
    if not kept:
        return {}
    children: dict[tuple[str, ...], set[str]] = {}
    for path in kept:
        for depth, name in enumerate(path):
            children.setdefault(path[:depth], set()).add(name)
    weights = {path: prod(1 / len(children[path[:depth]]) for depth in range(len(path))) for path in kept}
    seeds = shared_seeds(kept.values())
    return {seed: added(weights[path] * part[seed] for path, part in kept.items()) for seed in seeds}


def over_cells(cells: Sequence[Cell], measure: Callable[[Cell], BySeed]) -> BySeed:
    """The mean over the languages of each target, then over targets."""
    return nested({cell: measure(cell) for cell in cells})


def shared_seeds(parts: Iterable[Iterable[int]]) -> list[int]:
    """The seeds that all of these numbers have, sorted; none where there are no numbers."""
    several = [set(part) for part in parts]
    return sorted(set.intersection(*several)) if several else []


def mean(numbers: Sequence[float]) -> float:
    """The mean of some numbers."""
    return added(numbers) / len(numbers)


def each_seed(parts: Collection[BySeed], measure: Callable[[list[float]], float | None]) -> BySeed:
    """A measure of the numbers of each seed that all parts have; empty where it is None for one of them."""
    made = {seed: measure([part[seed] for part in parts]) for seed in shared_seeds(parts)}
    return {seed: number for seed, number in made.items() if number is not None and None not in made.values()}


def attribute(arms: pl.DataFrame, arm: str, column: str) -> float | None:
    """The mean of a column of ARMS over the models of an arm; None where no model has it."""
    values = arms.filter(arm=arm)[column].drop_nulls().cast(pl.Float64).to_list()
    return mean(values) if values else None


def needed(arms: pl.DataFrame, arm: str, column: str) -> float:
    """The attribute of an arm. Raises SpecError where no model of it has one."""
    value = attribute(arms, arm, column)
    if value is None:
        raise SpecError(f"The arm {arm!r} has no {column} in its record, which this analysis needs.")
    return value
