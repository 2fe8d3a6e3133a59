"""Adaptive search: states of as many edits as fit, drawn towards edits whose states had low scores.

The first states are drawn as in random search. Later ones prefer the units and edits whose states ranked low so far,
with a drawn part that shrinks with how often a unit was tried (posterior sampling, W. R. Thompson 1933). Every query
has as many edits as fit, as in random search; greedy search spends tens of queries on hidden words and single edits,
and exchanging edits of one state asks for states that fail alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import count
from typing import Final

import numpy as np

from robust_xtreme.attack.problem import Asking, Problem, Score, State
from robust_xtreme.attack.searches.random import AT_ONCE, filled
from robust_xtreme.core.edits import Array

_SPREAD: Final = 2
"""How widely the drawn part of an edit that was not tried spreads, in ranges of the ranks; less tries too few units."""

_REPEATED: Final = 64
"""Draws of states that were asked before: after so many there are hardly any others."""


def adaptive(problem: Problem, _clean: Score) -> Asking:
    """Ask for states that are drawn towards low scores, none twice, until the budget ends.

    One state of each round, and all where hardly any other is left there, are drawn as in random search.
    """
    known: dict[State, Score] = {}
    turns = count()
    while True:
        expected, spread = _learned(problem, known)
        towards = (_state(problem, expected + spread * problem.drawn(next(turns))) for _ in range(_REPEATED))
        asked = _new(towards, known, AT_ONCE - 1)
        anywhere = (_state(problem, problem.drawn(next(turns))) for _ in range(_REPEATED))
        asked += _new(anywhere, {*known, *asked}, AT_ONCE - len(asked))
        if not asked:
            return
        known |= zip(asked, (yield asked), strict=True)


def _state(problem: Problem, order: Array) -> State:
    """The edits with the lowest values (k,), each that fits."""
    return filled(problem, np.argsort(order, kind="stable").tolist())


def _new(states: Iterator[State], known: Collection[State], most: int) -> list[State]:
    """The first states that are not known, each once."""
    new: dict[State, None] = {}
    for state in states:
        if state and state not in known:
            new[state] = None
        if len(new) == most:
            break
    return list(new)


def _learned(problem: Problem, known: Mapping[State, Score]) -> tuple[Array, Array]:
    """Of each edit (k,) the mean rank, from -0.5 to 0.5, of states with its unit plus that of states with itself, both
    shrunk towards 0; and the spread of what is drawn besides.
    """
    size = len(problem.unit)
    if not known:
        return np.zeros(size), np.ones(size)
    order = {score: number for number, score in enumerate(sorted(set(known.values())))}
    ranks = np.array([order[score] for score in known.values()]) / max(1, len(order) - 1) - 0.5
    made = np.array([option for state in known for option in state], np.int64)
    weights = np.repeat(ranks, [len(state) for state in known])
    unit, of_unit = problem.unit, problem.unit[made]
    tried = np.bincount(of_unit, minlength=unit.max() + 1)[unit]
    by_unit = np.bincount(of_unit, weights, minlength=unit.max() + 1)[unit] / (1 + tried)
    by_edit = np.bincount(made, weights, minlength=size) / (1 + np.bincount(made, minlength=size))
    return by_unit + by_edit, _SPREAD / np.sqrt(1 + tried)
