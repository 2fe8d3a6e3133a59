"""Levenshtein distance of two short sequences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def distance(first: Sequence[str], other: Sequence[str]) -> int:
    """How many clusters must be changed, inserted or deleted to make one sequence of the other (Levenshtein)."""
    if len(first) < len(other):
        first, other = other, first
    if set(first).isdisjoint(other):
        return len(first)
    if len(other) == 1:
        return len(first) - 1
    row = list(range(len(other) + 1))
    for number, cluster in enumerate(first, 1):
        costs = (diagonal + (cluster != letter) for diagonal, letter in zip(row, other, strict=False))
        best = [min(cost, above + 1) for cost, above in zip(costs, row[1:], strict=True)]
        row = list(accumulate(best, lambda left, cost: min(left + 1, cost), initial=number))
    return row[-1]
