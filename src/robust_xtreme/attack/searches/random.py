"""Random search: as many edits as fit, a new draw for each query. It is the control of every other search."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Final

from robust_xtreme.attack.problem import Asking, Problem, Score, State, with_edit

AT_ONCE: Final = 4
"""States that are asked at once, by adaptive search too, so that both end equally soon after a success."""

_REPEATED: Final = 64
"""States drawn one after the other that were asked before: after so many there are hardly any others."""


def random(problem: Problem, _clean: Score) -> Asking:
    """Ask for states of as many edits as fit, each a draw and none twice, until the budget ends."""
    known: set[State] = set()
    asked: list[State] = []
    repeated = 0
    for turn in count():
        state = drawn(problem, turn)
        repeated = repeated + 1 if state in known else 0
        if not state or repeated == _REPEATED:
            break
        if not repeated:
            known.add(state)
            asked.append(state)
        if len(asked) == AT_ONCE:
            yield asked
            asked = []
    yield asked


def drawn(problem: Problem, turn: int) -> State:
    """Edits in a drawn order, each that fits beside those before it."""
    return filled(problem, problem.shuffled(range(len(problem.unit)), turn))


def filled(problem: Problem, order: Iterable[int]) -> State:
    """Edits in an order, each that fits beside those before it."""
    state: State = ()
    fits = problem.fitting(state)
    for option in order:
        if fits[option]:
            state = with_edit(state, option)
            fits = problem.fitting(state)
    return state
