"""What the study of robustness finds, in sentences: estimates with interval, seeds, power, and what is claimed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import polars as pl

from robust_xtreme.core.errors import counted
from robust_xtreme.studies.cells import BySeed, Cell, Grid, grid_of, over_cells, retained
from robust_xtreme.studies.claims import CONTROL, FEWEST_SEEDS, PRIMARY, SECONDARY
from robust_xtreme.studies.frames import CLEAN
from robust_xtreme.studies.scales import LOGIT, POINTS

GAIN: Final = "gain"
CHANGE: Final = "change of the gain"
PREMISE: Final = "premise"
"""The correction of the premise, that there is a gain on clean text."""

EFFECTIVE: Final = "effective robustness"
LEFT_OUT: Final = ", no transfer"
"""What the names of contrasts end with in cells that are left out of averages."""

NOISE: Final = "noise"
"""The condition of an average over all noise families."""

_Row = dict[str, Any]


@final
@dataclass(frozen=True, slots=True)
class Roles:
    """The arms by their part in the analysis."""

    endpoint: str
    without: str
    others: tuple[str, ...]
    plain: tuple[str, ...]
    controls: tuple[str, ...]


def findings(contrasts: pl.DataFrame, values: pl.DataFrame, roles: Roles, scope: str) -> list[str]:
    """The sentences, of CONTRASTS and VALUES: the primary endpoint first, the scope last."""
    grid = grid_of(values)
    several = [
        *_primary(contrasts, roles),
        *_gains(contrasts, roles.endpoint, roles.without, CONTROL),
        *_by_target(contrasts, roles),
        *_retained(grid, roles),
        *_families(contrasts, grid, roles),
        *_effective(contrasts, grid, roles),
        *_shown_above_chance(values, grid, roles),
        *_left_out(grid, roles),
        *(sentence for arm in roles.others for sentence in _other(contrasts, arm, roles.without)),
        *(sentence for control in roles.controls for sentence in _control(contrasts, roles.endpoint, control)),
    ]
    return [*several, f"Scope: {scope}."] if scope else several


def _average(contrasts: pl.DataFrame, **names: str) -> _Row | None:
    """The row with these names, all others being empty; None without one."""
    wanted = {"target": "", "language": "", **names}
    rows = contrasts.filter(*(pl.col(name) == value for name, value in wanted.items()))
    return rows.row(0, named=True) if rows.height else None


def _pooled(contrasts: pl.DataFrame, tier: str, contrast: str, arms: tuple[str, str], **names: str) -> _Row | None:
    return _average(contrasts, tier=tier, contrast=contrast, arm=arms[0], reference=arms[1], **names)


def _primary(contrasts: pl.DataFrame, roles: Roles) -> Iterator[str]:
    """Estimate, interval, seeds, power and verdict of the primary endpoint."""
    arms = roles.endpoint, roles.without
    points, logit = (_pooled(contrasts, PRIMARY, CHANGE, arms, condition=NOISE, scale=name) for name in (POINTS, LOGIT))
    if points is None or logit is None:
        return
    yield (
        f"Primary endpoint, the change of the gain of {arms[0]} over {arms[1]} under noise: {_estimate(points)}; "
        f"on the logit scale {_estimate(logit, '', 2)}. {_verdict(points, logit, _gain_is_shown(contrasts, arms))}"
    )


def _gain_is_shown(contrasts: pl.DataFrame, arms: tuple[str, str]) -> bool:
    row = _pooled(contrasts, CONTROL, GAIN, arms, condition=CLEAN)
    return row is not None and row["sign"] == "higher"


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
    apart = " The two scales have different signs." if points["estimate"] * logit["estimate"] < 0 else ""
    doubt = "" if gain else " Nor is a gain on clean text claimed, without which nothing can shrink."
    return f"No change is shown; it has 80 % power from a change of {points['mde']:.1f} points on.{apart}{few}{doubt}"


def _estimate(row: _Row, unit: str = " points", digits: int = 1) -> str:
    """An estimate with interval and number of seeds."""
    value = f"{row['estimate']:+.{digits}f}{unit}"
    if row["low"] is None:
        return f"{value} (no interval; {row['method']})"
    return f"{value} (95 % interval {row['low']:+.{digits}f} to {row['high']:+.{digits}f}, {row['seeds']} seeds)"


def _claimed(row: _Row, names: Mapping[str, str]) -> str:
    """The claimed direction in words, or that there is none, with the smallest effect that would be shown."""
    if row["sign"]:
        return names[row["sign"]]
    if row["mde"] is None:
        return "nothing is claimed"
    return f"nothing is claimed, 80 % power from {row['mde']:.{1 if row['scale'] == POINTS else 2}f} on"


_LEVEL: Final = {"higher": "claimed as a gain", "lower": "claimed as a loss"}
_MOVE: Final = {"higher": "claimed to grow", "lower": "claimed to shrink"}
_ABOVE: Final = {"higher": "claimed to be more robust", "lower": "claimed to be less robust"}
_BEYOND: Final = {"higher": "claimed to be above the control", "lower": "claimed to be below the control"}


def _gains(contrasts: pl.DataFrame, arm: str, without: str, clean: str = SECONDARY) -> Iterator[str]:
    """The gains of an arm; that on clean text is of the tier `clean`."""
    for tier, condition, named in ((clean, CLEAN, "on clean text"), (SECONDARY, NOISE, "under noise")):
        row = _pooled(contrasts, tier, GAIN, (arm, without), condition=condition)
        if row:
            yield f"Gain of {arm} over {without} {named}: {_estimate(row)}; {_claimed(row, _LEVEL)}."


def _by_target(contrasts: pl.DataFrame, roles: Roles) -> Iterator[str]:
    """Gain and change of each target: an average of gains and losses can hide both."""
    named = {"arm": roles.endpoint, "reference": roles.without, "language": "", "scale": POINTS}
    rows = contrasts.filter(*(pl.col(name) == value for name, value in named.items()), pl.col("target") != "")
    gains = {row["target"]: row for row in rows.filter(contrast=GAIN, condition=CLEAN).iter_rows(named=True)}
    changes = {row["target"]: row for row in rows.filter(contrast=CHANGE, condition=NOISE).iter_rows(named=True)}
    parts = [
        f"{target} {gains[target]['estimate']:+.1f}, change {changes[target]['estimate']:+.1f}"
        for target in sorted(gains.keys() & changes.keys())
    ]
    if parts:
        yield f"Gain on clean text and its change under noise, by target, in points: {'; '.join(parts)}."


def _retained(grid: Grid, roles: Roles) -> Iterator[str]:
    share = retained(grid, roles.endpoint, roles.without)
    if share is None:
        yield "The retained share of the gain is not given: the interval of the clean gain does not exclude 0."
    else:
        bounds = f"{share.low:.0f} to {share.high:.0f}"
        yield f"Retained share of the gain: {share.estimate:.0f} % (Fieller's interval {bounds}); it is not a claim."


def _families(contrasts: pl.DataFrame, grid: Grid, roles: Roles) -> Iterator[str]:
    """The change of each noise family, points and whether both scales claim it."""
    arms = roles.endpoint, roles.without
    for family in grid.families(grid.transfer(*arms)):
        row = _pooled(contrasts, SECONDARY, CHANGE, arms, condition=family, scale=POINTS)
        if row:
            yield f"Change of the gain under {family} noise: {_estimate(row)}; {_claimed(row, _MOVE)}."


def _effective(contrasts: pl.DataFrame, grid: Grid, roles: Roles) -> Iterator[str]:
    row = _pooled(contrasts, SECONDARY, EFFECTIVE, (roles.endpoint, roles.without), condition=NOISE)
    if row is None:
        yield "Effective robustness is not estimated: it needs plain checkpoints of different clean levels."
        return
    outside, seeds = _outside(grid, roles)
    estimate = f"{_estimate(row, ' logits', 2)}; {_claimed(row, _ABOVE)}"
    yield (
        f"Effective robustness of {roles.endpoint}, its noisy level beyond that of plain checkpoints of equal clean "
        f"level ({1 + len(roles.plain)} of them): {estimate}. Its clean level is outside their range in {outside} of "
        f"{seeds} seeds, where their line is extended."
    )


def _outside(grid: Grid, roles: Roles) -> tuple[int, int]:
    """In how many seeds the arm's clean level is outside the range of the plain checkpoints, and of how many."""
    names = (roles.endpoint, roles.without, *roles.plain)
    cells = grid.transfer(*names)
    arm, *plain = (_clean(grid, name, cells) for name in names)
    seeds = set.intersection(set(arm), *(set(levels) for levels in plain))
    ranges = {seed: [levels[seed] for levels in plain] for seed in seeds}
    return sum(not min(ranges[seed]) <= arm[seed] <= max(ranges[seed]) for seed in seeds), len(seeds)


def _clean(grid: Grid, arm: str, cells: Sequence[Cell]) -> BySeed:
    """The clean logit of an arm, averaged over cells."""
    return over_cells(cells, lambda cell: grid.of(arm, cell, CLEAN, LOGIT))


def _shown_above_chance(values: pl.DataFrame, grid: Grid, roles: Roles) -> Iterator[str]:
    """The share of noisy cells and seeds of the endpoint in which both arms are shown above chance."""
    arms = roles.endpoint, roles.without
    cells = set(grid.transfer(*arms))
    bounds: dict[tuple[Any, ...], list[bool]] = {}
    for arm, target, language, family, condition, seed, bound in values.select(_BOUNDS).iter_rows():
        if arm in arms and (target, language) in cells and condition in grid.strongest.get((target, family), ()):
            shown = bound is not None and bound > 0
            bounds.setdefault((target, language, condition, seed), []).append(shown)
    pairs = [shown for shown in bounds.values() if len(shown) == len(arms)]
    if pairs:
        yield (
            f"Both arms are shown above chance under that noise in {sum(map(all, pairs))} of {len(pairs)} cells and "
            "seeds of the endpoint; all of them are in it."
        )


_BOUNDS: Final = ("arm", "target", "language", "family", "condition", "seed", "above_chance")


def _left_out(grid: Grid, roles: Roles) -> Iterator[str]:
    arms = roles.endpoint, roles.without
    apart = {
        cell: grid.left_out[arm, cell] for cell in grid.cells(*arms) for arm in arms if (arm, cell) in grid.left_out
    }
    reasons: dict[str, list[str]] = {}
    for (target, language), reason in sorted(apart.items()):
        reasons.setdefault(reason, []).append(f"{target} {language}")
    for reason, names in reasons.items():
        yield f"Left out of every average ({reason}): {counted(len(names), 'cell')}: {_listed(names)}."


def _listed(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _other(contrasts: pl.DataFrame, arm: str, without: str) -> Iterator[str]:
    yield from _gains(contrasts, arm, without)
    row = _pooled(contrasts, SECONDARY, CHANGE, (arm, without), condition=NOISE, scale=POINTS)
    if row:
        yield f"Change of the gain of {arm} under noise: {_estimate(row)}; {_claimed(row, _MOVE)}."


def _control(contrasts: pl.DataFrame, arm: str, control: str) -> Iterator[str]:
    """The endpoint's arm against a control."""
    for contrast, condition, named in ((GAIN, CLEAN, "on clean text"), (CHANGE, NOISE, "in its change under noise")):
        row = _pooled(contrasts, CONTROL, contrast, (arm, control), condition=condition, scale=POINTS)
        if row:
            yield f"Control: {arm} against {control} {named}: {_estimate(row)}; {_claimed(row, _BEYOND)}."
