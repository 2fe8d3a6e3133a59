"""Greedy search that continues: edits are exchanged for better ones while that helps, then states are drawn.

The first pass is that of `greedy`. A search that ends there leaves most of a budget of hundreds of queries unused, and
can then lose against random search.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import count
from typing import Final

from robust_xtreme.attack.problem import Asking, Problem, Question, Score, State, with_edit
from robust_xtreme.attack.searches.greedy import TRIED, by_importance, lower
from robust_xtreme.attack.searches.random import random

_RANKED: Final = 3
"""One in so many queries at most ranks words: texts may have more words than a budget has queries."""


def climb(problem: Problem, clean: Score) -> Asking:
    """Pass over the units by importance while a pass lowers the score, then ask for drawn states."""
    units = yield from _ranked(problem)
    state: State = ()
    best = clean
    for turn in count():
        before = best
        state, best = yield from _passed(problem, units, state, best, turn)
        if not best < before:
            break
    yield from random(problem, clean)


def _ranked(problem: Problem) -> Generator[Sequence[Question], Sequence[Score], list[int]]:
    """The units by importance; where there are many, some are ranked, and the others follow in a drawn order."""
    units = problem.units()
    most = problem.budget // _RANKED
    drawn = units if len(units) <= most else problem.shuffled(units, 0)
    ranked = yield from by_importance(sorted(drawn[:most]))
    return [*ranked, *drawn[most:]]


def _passed(
    problem: Problem, units: Sequence[int], state: State, best: Score, turn: int
) -> Generator[Sequence[Question], Sequence[Score], tuple[State, Score]]:
    """Give each unit in turn a better edit, in exchange for that of the least important unit where no more fits."""
    rank = {unit: number for number, unit in enumerate(units)}
    for unit in units:
        kept = _without(problem, state, unit)
        if kept == state and not problem.options(unit, state) and state:
            least = max(state, key=lambda option: rank[int(problem.unit[option])])
            kept = tuple(option for option in state if option != least)
        tried = problem.shuffled(problem.options(unit, kept), turn)[:TRIED]
        asked = [new for option in tried if (new := with_edit(kept, option)) != state]
        if asked:
            state, best = lower(problem, state, best, asked, (yield asked))
    return state, best


def _without(problem: Problem, state: State, unit: int) -> State:
    return tuple(option for option in state if problem.unit[option] != unit)
