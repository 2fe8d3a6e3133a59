"""Permutation tests of a factor: its values are exchanged among the rows that are equal in shape."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any, Final, final

import numpy as np

from robust_xtreme.randomness import salt
from robust_xtreme.studies.regression import Factors, fitted

DRAWS: Final = 1_999
"""Permutations that are drawn where all of them are too many."""

_MOST: Final = 5_040
_NEAR: Final = 0.25
_SMALL: Final = 1e-9


@final
@dataclass(frozen=True, slots=True)
class Shuffled:
    """The p of the observed coefficient, two-sided, of how many permutations, and whether these are all."""

    p: float
    count: int
    complete: bool


def shuffled(outcome: Sequence[float], factors: Factors, factor: str, equal: Factors) -> Shuffled | None:
    """The permutation test of a factor's coefficient. None where no rows that are `equal` differ in it.

    Rows are equal where each factor of `equal` differs by at most 0.25 (on the scale of log2, a volume by 1.19 times).
    Raises SpecError for a factor that the others determine.
    """
    values = np.asarray(factors[factor], float)
    groups = _groups(equal, len(values))
    if not any(len(set(values[group].tolist())) > 1 for group in groups):
        return None
    least = abs(fitted(outcome, factors)[factor]) - _SMALL
    total = math.prod(math.factorial(len(group)) for group in groups)
    orders = np.array([*(_all(groups) if total <= _MOST else _some(groups, factor))])
    reached = int((np.abs(_coefficients(values[orders], factors, factor, outcome)) >= least).sum())
    complete = total <= _MOST
    return Shuffled(reached / total if complete else (reached + 1) / (len(orders) + 1), len(orders), complete)


def _groups(equal: Factors, rows: int) -> list[Any]:
    """The rows that are equal in these factors, as arrays of row numbers."""
    labels = np.zeros((rows, 0), int)
    for column in equal.values():
        order = np.argsort(column, kind="stable")
        steps = np.diff(np.asarray(column, float)[order], prepend=-math.inf) > _NEAR
        label = np.empty(rows, int)
        label[order] = np.cumsum(steps)
        labels = np.column_stack([labels, label])
    _, group = np.unique(labels, axis=0, return_inverse=True)
    return [np.flatnonzero(group.ravel() == number) for number in range(int(group.max()) + 1)]


def _all(groups: Sequence[Any]) -> Iterator[Any]:
    """Every order of the rows that exchanges them within groups only."""
    for orders in product(*(permutations(group.tolist()) for group in groups)):
        yield _order(groups, [np.array(order) for order in orders])


def _some(groups: Sequence[Any], factor: str) -> Iterator[Any]:
    random = np.random.default_rng(salt("permutation", factor))
    for _ in range(DRAWS):
        yield _order(groups, [random.permutation(group) for group in groups])


def _order(groups: Sequence[Any], orders: Sequence[Any]) -> Any:
    order = np.empty(sum(map(len, groups)), int)
    for group, rows in zip(groups, orders, strict=True):
        order[group] = rows
    return order


def _coefficients(values: Any, factors: Factors, factor: str, outcome: Sequence[float]) -> Any:
    """The coefficient of each row of values (orders, rows) of the factor, given the others; 0 where they fix it."""
    others = [column for name, column in factors.items() if name != factor]
    basis, _ = np.linalg.qr(np.array([np.ones(values.shape[1]), *others], float).T)
    rest = values - values @ basis @ basis.T
    sizes = (rest**2).sum(axis=1)
    return np.where(sizes > _SMALL, rest @ np.asarray(outcome, float) / np.maximum(sizes, _SMALL), 0.0)
