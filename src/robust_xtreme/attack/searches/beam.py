"""Beam search: the states with the lowest scores get one more edit each, of those that were best by themselves."""

from __future__ import annotations

from typing import Final

from robust_xtreme.attack.problem import Asking, Problem, Score, State, with_edit

_WIDTH: Final = 4
_ALONE: Final = 2
_BEST: Final = 8


def beam(problem: Problem, clean: Score) -> Asking:
    """Ask for two edits of each unit alone, then for the best states with each of the best edits, while that helps."""
    alone: list[State] = [
        (option,) for unit in problem.units() for option in problem.shuffled(problem.options(unit), 0)[:_ALONE]
    ]
    scored = sorted(zip((yield alone) if alone else (), alone, strict=True))
    best = [state[0] for _, state in scored[:_BEST]]
    kept, before = scored[:_WIDTH], clean
    while kept and kept[0][0] < before:
        before = kept[0][0]
        wider = [with_edit(state, option) for _, state in kept for option in best if option not in state]
        asked = [state for state in dict.fromkeys(wider) if problem.allows(state)]
        if not asked:
            return
        kept = sorted([*kept, *zip((yield asked), asked, strict=True)])[:_WIDTH]
