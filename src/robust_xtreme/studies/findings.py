"""Findings of a study in sentences: estimate, interval, seeds, the smallest effect that would be claimed, and scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

POINTS_UNIT: Final = "points"

Row = Mapping[str, Any]


def row_of(contrasts: pl.DataFrame, contrast: str, scale: str = "points", **names: str) -> dict[str, Any] | None:
    """The row of CONTRASTS with this contrast, scale and further names; None where there is none."""
    rows = contrasts.filter(contrast=contrast, scale=scale, **names)
    return rows.row(0, named=True) if rows.height else None


def finding(row: Row | None, what: str, unit: str = POINTS_UNIT) -> str:
    """One sentence of a contrast: what it is of, its number and interval, and whether a sign is claimed."""
    if row is None:
        return f"{what}: not computed, as no training seed has all of its cells."
    number = f"{signed(row['estimate'])} {unit}".strip()
    return f"{what}: {number} ({_spread(row)}). {_claim(row)}"


def with_scope(sentences: list[str], scope: str) -> list[str]:
    """The sentences, and what they are true of."""
    return [*sentences, f"Scope: {scope.removesuffix('.')}."] if scope else sentences


def signed(value: float) -> str:
    """A number with its sign and three significant places, at least two decimals: `+0.42`."""
    return f"{value:+.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:+.2g}"


def interval(row: Row) -> str:
    """The interval of a row, or why it has none."""
    if row["low"] is None:
        return f"no interval: {row['method']}"
    return f"95 % interval {signed(row['low'])} to {signed(row['high'])}"


def _spread(row: Row) -> str:
    seeds = f"{row['seeds']} training seed{'' if row['seeds'] == 1 else 's'}"
    mde = "" if row["mde"] is None else f", 80 % power from {row['mde']:.2f} on"
    return f"{interval(row)}, {seeds}{mde}"


def _claim(row: Row) -> str:
    if row["sign"] is not None:
        return f"It is {'above' if row['sign'] == 'higher' else 'below'} 0 (corrected p {_p(row['p_adjusted'])})."
    if row["tier"] == "exploratory":
        return "It is explored: no sign is claimed."
    if row["p_adjusted"] is None:
        return "No sign is claimed."
    return f"No sign is claimed (corrected p {_p(row['p_adjusted'])})."


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "below 0.001"
