"""Greedy search by the importance of words: each word in turn gets the edit that lowers the score most.

A word is the more important, the lower the score is where it is hidden. It is the search of DeepWordBug
(arXiv 1801.04354), TextFooler and PWWS as TextAttack has it, in one pass over the words.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

from robust_xtreme.attack.problem import Asking, Hidden, Problem, Question, Score, State, with_edit

TRIED: Final = 4
"""Edits of a word that are tried at once: as many as DeepWordBug has kinds."""


def greedy(problem: Problem, clean: Score) -> Asking:
    """Rank the units by their importance, then give each in turn its best edit, where one lowers the score."""
    units = yield from by_importance(problem.units())
    state: State = ()
    best = clean
    for unit in units:
        asked = [with_edit(state, option) for option in problem.shuffled(problem.options(unit, state), 0)[:TRIED]]
        if asked:
            state, best = lower(problem, state, best, asked, (yield asked))


def by_importance(
    units: Sequence[int],
) -> Generator[Sequence[Question], Sequence[Score], list[int]]:
    """Some units, the most important first; of equally important ones the first."""
    scores = (yield [Hidden(unit) for unit in units]) if units else ()
    return [unit for _, unit in sorted(zip(scores, units, strict=True))]


def lower(
    problem: Problem, state: State, best: Score, asked: Sequence[State], scores: Sequence[Score]
) -> tuple[State, Score]:
    """The state with the lowest score, the first of equal ones, if it is lower than the best so far.

    Where scores are those of labels alone, which hardly ever change, it need not be lower.
    """
    lowest = min(range(len(asked)), key=lambda index: scores[index])
    if scores[lowest] < best or (not problem.graded and scores[lowest] == best):
        return asked[lowest], scores[lowest]
    return state, best
