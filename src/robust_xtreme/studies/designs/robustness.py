"""Does the gain of intermediate training shrink under noise?

The gain is that of an arm with intermediate training over the arm `without`, seed by seed. Its change is the difference
in differences (with - without) x (noisy - clean): below 0 the gain shrinks.

- **Primary**: one endpoint, the change averaged over all targets, languages and noise families, each perturbation at
  its highest strength, of `endpoint_arm`. It is claimed if points and the logit scale agree.
- **Premise**, with an alpha of its own among the controls: the clean gain of `endpoint_arm`, on average.
- **Secondary**, one family of Holm: clean gains (of other arms, of each target), the gain under noise, the change of
  the other arms and of each noise family (both scales), and effective robustness. So any false claim among primary
  and secondary ones has a chance of at most alpha (`studies.claims`).
- **Exploratory**, without signs, and **Control**: see `_details` and `_against`.

Cells that are left out (own training data, overlap) are in no average; they are exploratory rows of their own. No cell
is selected by its value: how many have both arms shown above chance is counted instead.

**Retained share**: gain under noise over the clean gain of the same cells, in per cent, a sentence with Fieller's
interval (1954), which is bounded only if that of the clean gain excludes 0; no claim is made of it.

**Effective robustness** (Taori et al. 2020): plain checkpoints (`without` and the arms `plain`, which differ in steps)
give the noisy level that belongs to a clean level. Of each seed and noise family, levels are averaged over cells on the
logit scale, a line is fitted through the plain checkpoints, and the arm's noisy level minus the line's at its clean
level is the number. Averages come first because noise of items in a cell's clean level would flatten the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from robust_xtreme.core.errors import Mismatch, SpecError, counted
from robust_xtreme.studies import cells as grids
from robust_xtreme.studies.claims import CONTROL, EXPLORATORY, FEWEST_SEEDS, PRIMARY, SECONDARY
from robust_xtreme.studies.design import CLEAN, Design, Estimand, row_of

GAIN: Final = "gain"
CHANGE: Final = "change of the gain"
PREMISE: Final = "premise"
"""The correction of the premise, that there is a gain on clean text."""

EFFECTIVE: Final = "effective robustness"
NOISE: Final = "noise"
"""The condition of an average over all noise families."""

_Row = dict[str, Any]


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
            known = ", ".join(self.arms)
            raise SpecError(f"[analysis] endpoint_arm {self.endpoint_arm!r} is not one of arms: {known}.")
        if self.without in (*self.arms, *self.plain, *self.controls):
            raise SpecError(f"[analysis] without names {self.without!r}, which the other keys may not name.")

    @property
    def endpoint(self) -> tuple[str, str]:
        """The arms of the primary endpoint: with and without intermediate training."""
        return self.endpoint_arm, self.without

    @property
    def others(self) -> tuple[str, ...]:
        """The arms with intermediate training but that of the endpoint."""
        return tuple(arm for arm in self.arms if arm != self.endpoint_arm)


def sentences(contrasts: pl.DataFrame, values: pl.DataFrame, _arms: pl.DataFrame, analysis: Robustness) -> list[str]:
    """The findings, of CONTRASTS and VALUES: the primary endpoint first, with its power."""
    grid, arms = grids.grid_of(values), analysis.endpoint
    listed = [*_primary(contrasts, arms), *_gains_found(contrasts, *arms, CONTROL)]
    listed += [*_found_by_target(contrasts, arms), _retained(contrasts, grid, arms)]
    for family in grid.families(grid.transfer(*arms)):
        listed += _change_found(contrasts, arms, family, f"under {family} noise")
    listed.append(_effective_found(contrasts, grid, analysis))
    listed += [*_shown_above_chance(values, grid, arms), *_left_out(grid, arms)]
    for arm in analysis.others:
        listed += _gains_found(contrasts, arm, analysis.without)
        listed += _change_found(contrasts, (arm, analysis.without), NOISE, f"of {arm} under noise")
    for control in analysis.controls:
        parts = ((GAIN, CLEAN, "on clean text"), (CHANGE, NOISE, "in its change under noise"))
        for contrast, condition, named in parts:
            if row := _pooled(contrasts, CONTROL, contrast, (arms[0], control), condition):
                claim = _claimed(row, "claimed to be above the control", "claimed to be below the control")
                listed.append(f"Control: {arms[0]} against {control} {named}: {_estimate(row)}; {claim}.")
    return listed


def _pooled(
    contrasts: pl.DataFrame, tier: str, contrast: str, arms: tuple[str, str], condition: str, scale: str = grids.POINTS
) -> _Row | None:
    """The row of an average over targets and languages; None without one."""
    named = {"tier": tier, "arm": arms[0], "reference": arms[1], "target": "", "language": "", "condition": condition}
    return row_of(contrasts, contrast, scale, **named)


def _primary(contrasts: pl.DataFrame, arms: tuple[str, str]) -> Iterator[str]:
    """Estimate, interval, seeds, power and verdict of the primary endpoint."""
    points, logit = (_pooled(contrasts, PRIMARY, CHANGE, arms, NOISE, scale) for scale in _BOTH)
    if points is None or logit is None:
        return
    gain = _pooled(contrasts, CONTROL, GAIN, arms, CLEAN)
    is_shown = gain is not None and gain["sign"] == "higher"
    what = f"Primary endpoint, the change of the gain of {arms[0]} over {arms[1]} under noise"
    both = f"{_estimate(points)}; on the logit scale {_estimate(logit, '', 2)}"
    yield f"{what}: {both}. {_verdict(points, logit, is_shown)}"


def _verdict(points: _Row, logit: _Row, gain: bool) -> str:
    """What is claimed of the primary endpoint."""
    if points["sign"] and points["sign"] == logit["sign"]:
        named = "shrinks" if points["sign"] == "lower" else "grows"
        doubt = "" if gain else " That there is a gain on clean text is not claimed."
        power = f"The smallest effect that is shown with 80 % power is {points['mde']:.1f} points"
        return f"Claimed: the gain {named} under noise, on both scales. {power}.{doubt}"
    if points["mde"] is None:
        return f"Nothing is claimed: {points['method']}."
    few = f" With fewer than {FEWEST_SEEDS} seeds nothing is claimed." if points["seeds"] < FEWEST_SEEDS else ""
    apart = points["estimate"] * logit["estimate"] < 0
    claim = "No change is claimed where the two scales have different signs: p is then 1" if apart else ""
    doubt = "" if gain else " Nor is a gain on clean text claimed, without which nothing can shrink."
    power = f"by points alone, there is 80 % power from a change of {points['mde']:.1f} points on"
    return f"{claim or 'No change is shown'}; {power}.{few}{doubt}"


def _estimate(row: _Row, unit: str = " points", digits: int = 1) -> str:
    """An estimate with interval and number of seeds."""
    value = f"{row['estimate']:+.{digits}f}{unit}"
    if row["low"] is None:
        return f"{value} (no interval; {row['method']})"
    return f"{value} (95 % interval {row['low']:+.{digits}f} to {row['high']:+.{digits}f}, {row['seeds']} seeds)"


def _claimed(row: _Row, higher: str, lower: str) -> str:
    """The claimed direction in words, or that there is none, with the smallest effect that would be shown."""
    if row["sign"]:
        return higher if row["sign"] == "higher" else lower
    if row["mde"] is None:
        return "nothing is claimed"
    return f"nothing is claimed, 80 % power from {row['mde']:.{1 if row['scale'] == grids.POINTS else 2}f} on"


def _gains_found(contrasts: pl.DataFrame, arm: str, without: str, clean: str = SECONDARY) -> Iterator[str]:
    """The gains of an arm; that on clean text is of the tier `clean`."""
    for tier, condition, named in ((clean, CLEAN, "on clean text"), (SECONDARY, NOISE, "under noise")):
        if row := _pooled(contrasts, tier, GAIN, (arm, without), condition):
            claim = _claimed(row, "claimed as a gain", "claimed as a loss")
            yield f"Gain of {arm} over {without} {named}: {_estimate(row)}; {claim}."


def _change_found(contrasts: pl.DataFrame, arms: tuple[str, str], condition: str, named: str) -> Iterator[str]:
    """The change of the gain under a condition, in points, and whether both scales claim it."""
    if row := _pooled(contrasts, SECONDARY, CHANGE, arms, condition):
        claim = _claimed(row, "claimed to grow", "claimed to shrink")
        yield f"Change of the gain {named}: {_estimate(row)}; {claim}."


def _found_by_target(contrasts: pl.DataFrame, arms: tuple[str, str]) -> Iterator[str]:
    """Gain and change of each target: an average of gains and losses can hide both."""
    named = {"arm": arms[0], "reference": arms[1], "language": "", "scale": grids.POINTS}
    rows = contrasts.filter(pl.col("target") != "", **named)
    gains = {row["target"]: row for row in rows.filter(contrast=GAIN, condition=CLEAN).iter_rows(named=True)}
    changes = {row["target"]: row for row in rows.filter(contrast=CHANGE, condition=NOISE).iter_rows(named=True)}
    parts = [
        f"{target} {gains[target]['estimate']:+.1f}, change {changes[target]['estimate']:+.1f}"
        for target in sorted(gains.keys() & changes.keys())
    ]
    if parts:
        yield f"Gain on clean text and its change under noise, by target, in points: {'; '.join(parts)}."


def _retained(contrasts: pl.DataFrame, grid: grids.Grid, arms: tuple[str, str]) -> str:
    share, gain = grid.retained(*arms), _pooled(contrasts, CONTROL, GAIN, arms, CLEAN)
    if share is None:
        return "The retained share of the gain is not given: no interval of the clean gain excludes 0."
    bounds = f"{share.low:.0f} to {share.high:.0f}"
    what = "loss" if gain and gain["estimate"] < 0 else "gain"
    return f"Retained share of the {what}: {share.estimate:.0f} % (Fieller's interval {bounds}); it is not a claim."


def _effective_found(contrasts: pl.DataFrame, grid: grids.Grid, analysis: Robustness) -> str:
    """The effective robustness, and in how many seeds the arm's clean level is outside that of plain checkpoints."""
    row = _pooled(contrasts, SECONDARY, EFFECTIVE, analysis.endpoint, NOISE, grids.LOGIT)
    if row is None:
        return "Effective robustness is not estimated: it needs plain checkpoints of different clean levels."
    names = (*analysis.endpoint, *analysis.plain)
    cells = grid.transfer(*names)
    levels = [_clean(grid, name, cells) for name in names]
    outside = grids.each_seed(levels, lambda each: not min(each[1:]) <= each[0] <= max(each[1:]))
    claim = _claimed(row, "claimed to be more robust", "claimed to be less robust")
    return (
        f"Effective robustness of {analysis.endpoint_arm}, its noisy level beyond that of plain checkpoints of equal "
        f"clean level ({len(levels) - 1} of them): {_estimate(row, ' logits', 2)}; {claim}. Its clean level is outside "
        f"their range in {sum(outside.values())} of {len(outside)} seeds, where their line is extended."
    )


def _clean(grid: grids.Grid, arm: str, cells: Sequence[grids.Cell]) -> grids.BySeed:
    """The clean logit of an arm, averaged over cells."""
    return grids.over_cells(cells, lambda cell: grid.of(arm, cell, CLEAN, grids.LOGIT))


def _shown_above_chance(values: pl.DataFrame, grid: grids.Grid, arms: tuple[str, str]) -> Iterator[str]:
    """The share of noisy cells and seeds of the endpoint in which both arms are shown above chance."""
    cells = set(grid.transfer(*arms))
    bounds: dict[tuple[Any, ...], list[float | None]] = {}
    columns = ("arm", "target", "language", "family", "condition", "seed", "above_chance")
    for arm, target, language, family, condition, seed, bound in values.select(columns).iter_rows():
        if arm in arms and (target, language) in cells and condition in grid.strongest.get((target, family), ()):
            bounds.setdefault((target, language, condition, seed), []).append(bound)
    pairs = [pair for pair in bounds.values() if len(pair) == len(arms)]
    known = [all(bound > 0 for bound in pair if bound is not None) for pair in pairs if None not in pair]
    if pairs:
        share = f"{sum(known)} of {len(known)} cells and seeds of the endpoint"
        unknown = f", {len(pairs) - len(known)} more have no bound" if len(known) < len(pairs) else ""
        yield f"Both arms are shown above chance under that noise in {share}{unknown}; all of them are in it."


def _left_out(grid: grids.Grid, arms: tuple[str, str]) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for cell in grid.cells(*arms):
        if apart := [grid.left_out[arm, cell] for arm in arms if (arm, cell) in grid.left_out]:
            reasons.setdefault(apart[-1], []).append(" ".join(cell))
    for reason, names in reasons.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        listed = f"{counted(len(names), 'cell')}: {', '.join(names[:_NAMED])}{more}"
        yield f"Left out of every average ({reason}): {listed}."


_NAMED: Final = 8
_BOTH: Final = (grids.POINTS, grids.LOGIT)
_NEAREST: Final = 1e-6


def estimands(values: pl.DataFrame, _arms: pl.DataFrame, analysis: Robustness) -> list[Estimand]:
    """What is tested, of VALUES. Raises Mismatch where the endpoint has no seed."""
    grid = grids.grid_of(values)
    pairs = [_Pair(grid, arm, analysis.without) for arm in (analysis.endpoint_arm, *analysis.others)]
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
    return made


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two arms of a grid."""

    grid: grids.Grid
    arm: str
    reference: str

    @property
    def cells(self) -> list[grids.Cell]:
        return self.grid.transfer(self.arm, self.reference)

    @property
    def families(self) -> list[str]:
        return self.grid.families(self.cells)

    def gain(self, cell: grids.Cell, condition: str = CLEAN, scale: str = grids.POINTS) -> grids.BySeed:
        return self.grid.gain(self.arm, self.reference, cell, condition, scale)

    def change(self, cells: Sequence[grids.Cell], families: Sequence[str], scale: str) -> grids.BySeed:
        def measure(cell: grids.Cell, condition: str) -> grids.BySeed:
            return self.grid.change(self.arm, self.reference, cell, condition, scale)

        return self.grid.over_noise(cells, families, measure)

    def estimand(
        self, tier: str, contrast: str, by_seed: grids.BySeed, scale: str = grids.POINTS, **names: str
    ) -> Estimand:
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
    clean = pair.estimand(SECONDARY, GAIN, grids.over_cells(cells, pair.gain), condition=CLEAN)
    yield replace(clean, tier=CONTROL, corrected_with=PREMISE) if first else clean
    yield pair.estimand(SECONDARY, GAIN, pair.grid.over_noise(cells, pair.families, pair.gain), condition=NOISE)
    for target, several in _by_target(cells):
        yield pair.estimand(SECONDARY, GAIN, grids.over_cells(several, pair.gain), target=target, condition=CLEAN)


def _by_target(cells: Sequence[grids.Cell]) -> list[tuple[str, list[grids.Cell]]]:
    """The cells of each target; nothing where there is one, so that no contrast is tested twice."""
    targets = sorted({target for target, _ in cells})
    return [(name, [cell for cell in cells if cell[0] == name]) for name in targets] if len(targets) > 1 else []


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
    beyond: dict[tuple[str], grids.BySeed] = {}
    for family in pair.grid.families(cells):
        noised = pair.grid.noised(cells, family, (pair.arm, *plain))
        levels = [_levels(pair.grid, arm, noised, family) for arm in (pair.arm, *plain)]
        seeds = grids.shared_seeds(levels)
        lines = {seed: _residual(levels[0][seed], [both[seed] for both in levels[1:]]) for seed in seeds}
        beyond[family,] = {seed: residual for seed, residual in lines.items() if residual is not None}
    yield pair.estimand(SECONDARY, EFFECTIVE, grids.nested(beyond), grids.LOGIT, condition=NOISE)


def _levels(grid: grids.Grid, arm: str, cells: Sequence[grids.Cell], family: str) -> dict[int, tuple[float, float]]:
    """The clean and the noisy logit of an arm, averaged over cells, by seed."""
    clean = _clean(grid, arm, cells)
    noisy = grid.over_noise(cells, [family], lambda cell, condition: grid.of(arm, cell, condition, grids.LOGIT))
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
    yield from _endpoint(pair, EXPLORATORY, [grids.CORRECTED])
    for family in families:
        yield pair.estimand(EXPLORATORY, GAIN, pair.grid.over_noise(cells, [family], pair.gain), condition=family)
    for target, several in _by_target(cells):
        for scale in grids.SCALES:
            change = pair.change(several, families, scale)
            yield pair.estimand(EXPLORATORY, CHANGE, change, scale, target=target, condition=NOISE)
    for cell in pair.grid.cells(pair.arm, pair.reference):
        yield from _of_cell(pair, cell, "" if cell in cells else ", no transfer")


def _of_cell(pair: _Pair, cell: grids.Cell, note: str) -> Iterator[Estimand]:
    """Clean gain, gain and change of one cell under each condition."""
    named = {"target": cell[0], "language": cell[1]}
    yield pair.estimand(EXPLORATORY, GAIN + note, pair.gain(cell), **named, condition=CLEAN)
    for condition in pair.grid.conditions.get(cell[0], ()):
        gain = pair.gain(cell, condition)
        yield pair.estimand(EXPLORATORY, GAIN + note, gain, **named, condition=condition)
        for scale in grids.SCALES:
            change = pair.grid.change(pair.arm, pair.reference, cell, condition, scale)
            yield pair.estimand(EXPLORATORY, CHANGE + note, change, scale, **named, condition=condition)


def _against(pair: _Pair) -> Iterator[Estimand]:
    """Clean gain and change of two arms, one of which is a control."""
    yield pair.estimand(CONTROL, GAIN, grids.over_cells(pair.cells, pair.gain), condition=CLEAN)
    yield from _endpoint(pair, CONTROL)


robustness: Final = Design(
    name="robustness",
    question="Does the gain of intermediate training shrink under noise?",
    refuted="The interval of the pooled change is above 0, or so narrow around 0 that no change of use is left.",
    analysis=Robustness,
    estimands=estimands,
    sentences=sentences,
)
"""The design of the study `robustness`."""
