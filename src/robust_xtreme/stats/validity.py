"""Valid success: how often an attack succeeds with a text whose answer is still right, as human raters say.

It is success x validity. The variance of its logarithm is (1 - s) / (s N) + (1 - v) / (v n), for a success s of N items
and a validity v of n rated texts. A share of 0 or 1, of which this variance says nothing, counts as half an item less
or more there; the interval contains success x validity in any case, and no bound is above those of either share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from robust_xtreme.files.frames import POINTS, Frame, FrameColumn, build, columns, one_of
from robust_xtreme.stats.intervals import added, share_bounds

NORMAL: Final = 1.959963984540054
"""The quantile of the normal distribution for 95 %."""

KINDS: Final = ("attack", "noise", "all attacks", "all noise", "clean")
_WHOLE: Final = 100.0

SHEET_KEY: Final = Frame(
    "sheet_key",
    {
        **columns(pl.String, "row run"),
        "sheet_seed": FrameColumn(pl.Int64),
        "condition": FrameColumn(pl.String),
        "kind": one_of("attack", "noise", "clean"),
        **columns(pl.String, "task language model example"),
        "noise_seed": FrameColumn(pl.Int64),
        **columns(pl.Int64, "right wrong"),
    },
    ("row",),
)
"""One row per row of a sheet: what it is. Of `right` items of the condition `wrong` became wrong; both are 0 of clean
controls."""

VALIDITY: Final = Frame(
    "validity",
    {
        "condition": FrameColumn(pl.String),
        "kind": one_of(*KINDS),
        **columns(pl.Int64, "right wrong", nullable=True),
        "success": FrameColumn(pl.Float64, nullable=True),
        **columns(pl.Int64, "rows rated valid"),
        **columns(pl.Float64, "validity low high", nullable=True),
        **columns(pl.Float64, "valid_success valid_low valid_high", nullable=True),
    },
    ("condition", "kind"),
    {POINTS: "success validity low high valid_success valid_low valid_high"},
)
"""One row per condition, one over all attacks, one over all noise, and one for clean controls. Of `rows` in the sheet
`rated` have an answer. Shares are in points, with intervals at 95 %."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share: `part` of `whole` items."""

    part: float
    whole: float

    @property
    def value(self) -> float:
        """The share itself."""
        return self.part / self.whole

    @property
    def moved(self) -> Proportion:
        """The share; of 0 or 1 with half an item more on the other side."""
        return self if 0 < self.part < self.whole else Proportion(self.part + 0.5, self.whole + 1)


def product(success: Proportion, validity: Proportion) -> tuple[float, float, float]:
    """Success x validity, and its bounds at 95 %, all between 0 and 1."""
    value = success.value * validity.value
    moved = success.moved, validity.moved
    deviation = math.sqrt(added((1 - each.value) / (each.value * each.whole) for each in moved))
    centre = moved[0].value * moved[1].value
    of_product = [centre * math.exp(sign * NORMAL * deviation) for sign in (-1, 1)]
    low, high = map(min, of_product, _wilson(success), _wilson(validity))
    return value, min(low, value), max(high, value)


def validity_of(key: pl.DataFrame, answers: Mapping[str, bool]) -> pl.DataFrame:
    """VALIDITY from SHEET_KEY and the answers by row: whether the text is valid."""
    rated = [answers.get(row) for row in key.get_column("row")]
    rows = key.with_columns(pl.Series("answer", rated, dtype=pl.Boolean))
    changed = rows.filter(pl.col("kind") != "clean")
    table = [_condition(part) for part in changed.partition_by("condition", maintain_order=True)]
    table.sort(key=lambda row: (KINDS.index(row["kind"]), row["condition"]))
    for kind in ("attack", "noise"):
        several = [row for row in table if row["kind"] == kind]
        if len(several) > 1:
            table.append(_pooled(several, f"all {kind}{'s' if kind == 'attack' else ''}"))
    clean = rows.filter(kind="clean")
    if clean.height:
        table.append({"condition": "clean", "kind": "clean", **_rated(clean)})
    return build(table, VALIDITY)


def _rated(rows: pl.DataFrame) -> dict[str, Any]:
    """How many rows were rated, and their validity with Wilson's interval."""
    answers = rows.get_column("answer").drop_nulls()
    counts = {"rows": rows.height, "rated": len(answers), "valid": int(answers.sum())}
    if not len(answers):
        return counts
    low, high = share_bounds(counts["valid"], counts["rated"])
    share = counts["valid"] / counts["rated"]
    return {**counts, "validity": _WHOLE * share, "low": _WHOLE * low, "high": _WHOLE * high}


def _condition(rows: pl.DataFrame) -> dict[str, Any]:
    """The row of a condition."""
    name, kind, right, wrong = rows.select("condition", "kind", "right", "wrong").row(0)
    measured = {"condition": name, "kind": kind, "right": right, "wrong": wrong, "success": _WHOLE * wrong / right}
    rated = _rated(rows)
    return {**measured, **rated, **_valid(Proportion(wrong, right), rated)}


def _valid(success: Proportion, rated: Mapping[str, Any]) -> dict[str, float]:
    """The valid success; nothing where no row is rated."""
    if not rated["rated"]:
        return {}
    bounds = product(success, Proportion(rated["valid"], rated["rated"]))
    return dict(zip(("valid_success", "valid_low", "valid_high"), (_WHOLE * each for each in bounds), strict=True))


def _pooled(several: Sequence[Mapping[str, Any]], kind: str) -> dict[str, Any]:
    """The conditions of a kind together: validity by success, with the interval of answers that have its variance."""
    right, wrong = (sum(row[name] for row in several) for name in ("right", "wrong"))
    counts = {name: sum(row[name] for row in several) for name in ("rows", "rated", "valid")}
    pooled = {"condition": kind, "kind": kind, "right": right, "wrong": wrong, "success": _WHOLE * wrong / right}
    if any(not row["rated"] for row in several):
        return {**pooled, **counts}
    weights = [row["wrong"] / wrong for row in several]
    shares = [Proportion(row["valid"], row["rated"]) for row in several]
    validity = added(weight * share.value for weight, share in zip(weights, shares, strict=True))
    size = 1 / added(weight**2 / share.whole for weight, share in zip(weights, shares, strict=True))
    effective = Proportion(validity * size, size)
    low, high = _wilson(effective)
    shown = {"validity": _WHOLE * validity, "low": _WHOLE * low, "high": _WHOLE * high}
    return {**pooled, **counts, **shown, **_valid(Proportion(wrong, right), {"rated": size, "valid": effective.part})}


def _wilson(share: Proportion) -> tuple[float, float]:
    """Wilson's bounds at 95 % of a share whose size need not be a whole number."""
    square = NORMAL**2
    middle = (share.part + square / 2) / (share.whole + square)
    spread = share.part * (share.whole - share.part) / share.whole + square / 4
    half = NORMAL * math.sqrt(max(0.0, spread)) / (share.whole + square)
    return max(0.0, middle - half), min(1.0, middle + half)
