"""Climbing: drawn states of as many edits as fit, and from the best of them edits are exchanged while that helps.

Every query has as many edits as random search has, so that it asks nothing weaker; greedy search spends most of a
budget of tens of queries on hidden words and single edits, and loses against random search there.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

from robust_xtreme.attack.problem import Asking, Problem, Score, State
from robust_xtreme.attack.searches.random import drawn, filled

_AT_ONCE: Final = 4
_START: Final = 8
"""One in so many queries, and _AT_ONCE at least, are drawn states before a climb begins."""

_TRIED: Final = 64
"""Draws after which there are hardly any other neighbours, or states, that were not asked."""


def climb(problem: Problem, _clean: Score) -> Asking:
    """Draw states, then exchange edits of the best one; where no neighbour is left that is better, begin again."""
    known: set[State] = {()}
    turns = count()
    while True:
        start = max(_AT_ONCE, problem.budget // _START)
        asked = _new(known, (drawn(problem, next(turns)) for _ in range(_TRIED)), start)
        if not asked:
            return
        state, best = min(zip(asked, (yield asked), strict=True), key=lambda pair: pair[1])
        while asked := _new(known, (_neighbour(problem, state, next(turns)) for _ in range(_TRIED)), _AT_ONCE):
            scored = zip(asked, (yield asked), strict=True)
            state, best = min([(state, best), *scored], key=lambda pair: pair[1])


def _new(known: set[State], states: Iterator[State], most: int) -> list[State]:
    """The first states that were not asked yet, which are known from now on."""
    new: list[State] = []
    for state in states:
        if state not in known:
            known.add(state)
            new.append(state)
        if len(new) == most:
            break
    return new


def _neighbour(problem: Problem, state: State, turn: int) -> State:
    """A state with one drawn edit of another left out, and as many drawn ones as fit instead."""
    (left_out, *_) = problem.shuffled(state, turn)
    return filled(problem, tuple(option for option in state if option != left_out), turn)
