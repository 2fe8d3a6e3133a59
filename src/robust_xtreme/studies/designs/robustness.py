"""Does the gain of intermediate training shrink under noise?

The gain is that of an arm with intermediate training over the arm `without`, seed by seed. Its change is the difference
in differences (with - without) x (noisy - clean): below 0 the gain shrinks.

- **Primary**: one endpoint, the change averaged over all targets, languages and noise families, each perturbation at
  its highest strength, of `endpoint_arm`. It is claimed if points and the logit scale agree.
- **Premise**, with an alpha of its own among the controls: the clean gain of `endpoint_arm`, on average.
- **Secondary**, one family of Holm: clean gains (of other arms, of each target), the gain under noise, the change of
  the other arms and of each noise family (both scales), and effective robustness. So any false claim among primary
  and secondary ones has a chance of at most alpha (`studies.claims`).
- **Exploratory**, without signs: every cell and condition, on three scales.
- **Control**: the endpoint's arm against masked LM and shuffled labels, in gain and change.

Cells that are left out (own training data, overlap) are in no average; they are exploratory rows of their own. No cell
is selected by its value: how many have both arms shown above chance is counted instead.

**Retained share**: gain under noise over clean gain, in per cent, a sentence with Fieller's interval (1954), which is
bounded only if that of the clean gain excludes 0; no claim is made of it.

**Effective robustness** (Taori et al. 2020): plain checkpoints (`without` and the arms `plain`, which differ in steps)
give the noisy level that belongs to a clean level. Of each seed and noise family, levels are averaged over cells on the
logit scale, a line is fitted through the plain checkpoints, and the arm's noisy level minus the line's at its clean
level is the number. Averages come first because noise of items in a cell's clean level would flatten the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

import polars as pl

from robust_xtreme.core.errors import Mismatch, SpecError
from robust_xtreme.studies.cells import BySeed, Cell, Grid, grid_of, nested, over_cells, over_noise
from robust_xtreme.studies.claims import CONTROL, EXPLORATORY, PRIMARY, SECONDARY
from robust_xtreme.studies.design import Design
from robust_xtreme.studies.designs._robustness_findings import (
    CHANGE,
    EFFECTIVE,
    GAIN,
    LEFT_OUT,
    NOISE,
    PREMISE,
    Roles,
    findings,
)
from robust_xtreme.studies.frames import CLEAN, Estimand
from robust_xtreme.studies.scales import CORRECTED, LOGIT, POINTS

_BOTH: Final = (POINTS, LOGIT)
_ALL: Final = (POINTS, CORRECTED, LOGIT)
_NEAREST: Final = 1e-6


@final
@dataclass(frozen=True, slots=True)
class Robustness:
    """The table [analysis]: the arm `without` intermediate training and the `arms` with it.

    `plain` arms are as `without`, with other steps on the target. The primary endpoint is of `endpoint_arm`, one of
    `arms`. `controls` are arms of the same cost without the task: masked LM, shuffled labels.
    """

    without: str
    arms: tuple[str, ...]
    endpoint_arm: str
    plain: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.endpoint_arm not in self.arms:
            raise SpecError(
                f"[analysis] endpoint_arm {self.endpoint_arm!r} is not one of arms: {', '.join(self.arms)}."
            )
        if self.without in (*self.arms, *self.plain, *self.controls):
            raise SpecError(f"[analysis] without names {self.without!r}, which the other keys may not name.")


def estimands(values: pl.DataFrame, _arms: pl.DataFrame, analysis: Robustness) -> list[Estimand]:
    """What is tested, of VALUES. Raises Mismatch where the endpoint has no seed."""
    grid = grid_of(values)
    pairs = [_Pair(grid, arm, analysis.without) for arm in (analysis.endpoint_arm, *_others(analysis))]
    endpoint = pairs[0]
    if not endpoint.cells:
        raise Mismatch(f"No cell of {endpoint.arm} and {endpoint.reference} shows transfer: there is no endpoint.")
    made = [*_endpoint(endpoint)]
    if not all(estimand.by_seed for estimand in made):
        raise Mismatch(f"No training seed has all cells of {endpoint.arm} and {endpoint.reference}, clean and noisy.")
    for pair in pairs:
        first = pair is endpoint
        made += [*_gains(pair, first=first), *_changes(pair, first=first), *_effective(pair, analysis), *_details(pair)]
    for control in analysis.controls:
        made += [*_against(_Pair(grid, endpoint.arm, control)), *_against(_Pair(grid, control, analysis.without))]
    return [estimand for estimand in made if estimand.by_seed]


def _others(analysis: Robustness) -> tuple[str, ...]:
    return tuple(arm for arm in analysis.arms if arm != analysis.endpoint_arm)


@final
@dataclass(frozen=True, slots=True)
class _Pair:
    """Two arms of a grid."""

    grid: Grid
    arm: str
    reference: str

    @property
    def cells(self) -> list[Cell]:
        return self.grid.transfer(self.arm, self.reference)

    @property
    def families(self) -> list[str]:
        return self.grid.families(self.cells)

    def gain(self, cell: Cell, condition: str = CLEAN, scale: str = POINTS) -> BySeed:
        return self.grid.gain(self.arm, self.reference, cell, condition, scale)

    def noisy_gain(self, cells: Sequence[Cell], families: Sequence[str]) -> BySeed:
        return over_noise(self.grid, cells, families, self.gain)

    def change(self, cells: Sequence[Cell], families: Sequence[str], scale: str) -> BySeed:
        def measure(cell: Cell, condition: str) -> BySeed:
            return self.grid.change(self.arm, self.reference, cell, condition, scale)

        return over_noise(self.grid, cells, families, measure)

    def estimand(self, tier: str, contrast: str, by_seed: BySeed, scale: str = POINTS, **names: str) -> Estimand:
        """An estimand of these arms. What is explored is a family of its own for each contrast."""
        family = contrast if tier == EXPLORATORY else ""
        named = {"arm": self.arm, "reference": self.reference, **names}
        return Estimand(tier, contrast, by_seed, scale, **named, corrected_with=family)


def _endpoint(pair: _Pair, tier: str = PRIMARY, scales: Sequence[str] = _BOTH) -> Iterator[Estimand]:
    """The change, averaged over all cells and noise families."""
    for scale in scales:
        yield pair.estimand(tier, CHANGE, pair.change(pair.cells, pair.families, scale), scale, condition=NOISE)


def _gains(pair: _Pair, *, first: bool) -> Iterator[Estimand]:
    """The gains that are tested: clean, on average and of each target, and under noise; the first is the premise."""
    cells = pair.cells
    clean = pair.estimand(SECONDARY, GAIN, over_cells(cells, pair.gain), condition=CLEAN)
    yield replace(clean, tier=CONTROL, corrected_with=PREMISE) if first else clean
    yield pair.estimand(SECONDARY, GAIN, pair.noisy_gain(cells, pair.families), condition=NOISE)
    for target, several in _by_target(cells, fewest=2):
        yield pair.estimand(SECONDARY, GAIN, over_cells(several, pair.gain), target=target, condition=CLEAN)


def _by_target(cells: Sequence[Cell], fewest: int = 1) -> list[tuple[str, list[Cell]]]:
    """The cells of each target; nothing where there are fewer targets, so that no contrast is tested twice."""
    targets = sorted({target for target, _ in cells})
    return [(name, [cell for cell in cells if cell[0] == name]) for name in targets] if len(targets) >= fewest else []


def _changes(pair: _Pair, *, first: bool) -> Iterator[Estimand]:
    """The changes that are tested: of arms other than the endpoint's, and of each noise family."""
    if not first:
        yield from _endpoint(pair, SECONDARY)
    families = pair.families
    for family in families if len(families) > 1 else ():
        for scale in _BOTH:
            yield pair.estimand(SECONDARY, CHANGE, pair.change(pair.cells, [family], scale), scale, condition=family)


def _effective(pair: _Pair, analysis: Robustness) -> Iterator[Estimand]:
    """The level under noise beyond that of plain checkpoints of the same clean level, on the logit scale."""
    plain = (pair.reference, *analysis.plain)
    cells = [cell for cell in pair.grid.transfer(pair.arm, *plain) if len(plain) > 1]
    families = pair.grid.families(cells)
    beyond = nested({(family,): _beyond(pair, plain, cells, family) for family in families})
    yield pair.estimand(SECONDARY, EFFECTIVE, beyond, LOGIT, condition=NOISE)


def _beyond(pair: _Pair, plain: Sequence[str], cells: Sequence[Cell], family: str) -> BySeed:
    """The arm's noisy level of a family minus the line's through the plain checkpoints, of each seed."""
    levels = [_levels(pair.grid, arm, cells, family) for arm in (pair.arm, *plain)]
    seeds = sorted(set.intersection(*(set(both) for both in levels)))
    lines = {seed: _residual(levels[0][seed], [both[seed] for both in levels[1:]]) for seed in seeds}
    return {seed: residual for seed, residual in lines.items() if residual is not None}


def _levels(grid: Grid, arm: str, cells: Sequence[Cell], family: str) -> dict[int, tuple[float, float]]:
    """The clean and the noisy logit of an arm, averaged over cells, by seed."""
    clean = over_cells(cells, lambda cell: grid.of(arm, cell, CLEAN, LOGIT))
    noisy = over_noise(grid, cells, [family], lambda cell, condition: grid.of(arm, cell, condition, LOGIT))
    return {seed: (clean[seed], noisy[seed]) for seed in clean.keys() & noisy.keys()}


def _residual(level: tuple[float, float], plain: Sequence[tuple[float, float]]) -> float | None:
    """A level's distance from the least-squares line; None where the plain checkpoints have one clean level."""
    middle, height = (sum(level[axis] for level in plain) / len(plain) for axis in (0, 1))
    spread = sum((clean - middle) ** 2 for clean, _ in plain)
    if spread < _NEAREST:
        return None
    slope = sum((clean - middle) * (noisy - height) for clean, noisy in plain) / spread
    return level[1] - (height + slope * (level[0] - middle))


def _details(pair: _Pair) -> Iterator[Estimand]:
    """What is explored: cells, conditions, the scale that is corrected for chance, retained shares."""
    cells, families = pair.cells, pair.families
    yield from _endpoint(pair, EXPLORATORY, [CORRECTED])
    for family in families:
        yield pair.estimand(EXPLORATORY, GAIN, pair.noisy_gain(cells, [family]), condition=family)
    for target, several in _by_target(cells, fewest=2):
        for scale in _ALL:
            change = pair.change(several, families, scale)
            yield pair.estimand(EXPLORATORY, CHANGE, change, scale, target=target, condition=NOISE)
    for cell in pair.grid.cells(pair.arm, pair.reference):
        yield from _of_cell(pair, cell, "" if cell in cells else LEFT_OUT)


def _of_cell(pair: _Pair, cell: Cell, note: str) -> Iterator[Estimand]:
    """Clean gain, gain and change of one cell under each condition."""
    named = {"target": cell[0], "language": cell[1]}
    yield pair.estimand(EXPLORATORY, GAIN + note, pair.gain(cell), **named, condition=CLEAN)
    for condition in pair.grid.conditions.get(cell[0], ()):
        gain = pair.gain(cell, condition)
        yield pair.estimand(EXPLORATORY, GAIN + note, gain, **named, condition=condition)
        for scale in _ALL:
            change = pair.grid.change(pair.arm, pair.reference, cell, condition, scale)
            yield pair.estimand(EXPLORATORY, CHANGE + note, change, scale, **named, condition=condition)


def _against(pair: _Pair) -> Iterator[Estimand]:
    """Clean gain and change of two arms, one of which is a control."""
    yield pair.estimand(CONTROL, GAIN, over_cells(pair.cells, pair.gain), condition=CLEAN)
    yield from _endpoint(pair, CONTROL)


def sentences(
    contrasts: pl.DataFrame, values: pl.DataFrame, _arms: pl.DataFrame, analysis: Robustness, scope: str
) -> list[str]:
    """The findings, of CONTRASTS and VALUES: the primary endpoint first, with its power, and the scope last."""
    roles = Roles(analysis.endpoint_arm, analysis.without, _others(analysis), analysis.plain, analysis.controls)
    return findings(contrasts, values, roles, scope)


robustness: Final = Design(
    name="robustness",
    question="Does the gain of intermediate training shrink under noise?",
    refuted="The interval of the pooled change is above 0, or so narrow around 0 that no change of use is left.",
    analysis=Robustness,
    estimands=estimands,
    sentences=sentences,
)
"""The design of the study `robustness`."""
