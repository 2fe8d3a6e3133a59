"""Searches: in which order the edits of an example are tried, and which of them are kept."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Final

import numpy as np

from robust_xtreme.attack.engine import Asking, Hidden, Problem, Score, State, with_edit
from robust_xtreme.core.edits import Array

# Random search: as many edits as fit, a new draw for each query. It is the control of every other search.

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
        state = filled(problem, problem.shuffled(range(len(problem.unit)), turn))
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


def filled(problem: Problem, order: Iterable[int]) -> State:
    """Edits in an order, each that fits beside those before it."""
    state: State = ()
    fits = problem.fitting(state)
    for option in order:
        if fits[option]:
            state = with_edit(state, option)
            fits = problem.fitting(state)
    return state


# Adaptive search: states of as many edits as fit, drawn towards edits whose states had low scores.
#
# The first states are drawn as in random search. Later ones prefer the units and edits whose states ranked low so far,
# with a drawn part that shrinks with how often a unit was tried (posterior sampling, W. R. Thompson 1933). Every query
# has as many edits as fit, as in random search; greedy search spends tens of queries on hidden words and single edits,
# and exchanging edits of one state asks for states that fail alike.

_SPREAD: Final = 2
"""How widely the drawn part of an edit that was not tried spreads, in ranges of the ranks; less tries too few units."""


def adaptive(problem: Problem, _clean: Score) -> Asking:
    """Ask for states that are drawn towards low scores, some as in random search, none twice, until the budget ends."""
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


# Greedy search by the importance of words: each word in turn gets the edit that lowers the score most.
#
# A word is the more important, the lower the score is where it is hidden. It is the search of DeepWordBug
# (arXiv 1801.04354), TextFooler and PWWS as TextAttack has it, in one pass over the words.

TRIED: Final = 4
"""Edits of a word that are tried at once: as many as DeepWordBug has kinds."""


def greedy(problem: Problem, clean: Score) -> Asking:
    """Rank the units by their importance, then give each in turn its best edit, where one lowers the score."""
    units = problem.units()
    scores = (yield [Hidden(unit) for unit in units]) if units else ()
    state: State = ()
    best = clean
    for _, unit in sorted(zip(scores, units, strict=True)):
        asked = [with_edit(state, option) for option in problem.shuffled(problem.options(unit, state), 0)[:TRIED]]
        if asked:
            state, best = lower(problem, state, best, asked, (yield asked))


def lower(
    problem: Problem, state: State, best: Score, asked: Sequence[State], scores: Sequence[Score]
) -> tuple[State, Score]:
    """The state with the lowest score, the first of equal ones, if it is lower, or not graded, than the best so far."""
    lowest = min(range(len(asked)), key=lambda index: scores[index])
    if scores[lowest] < best or (not problem.graded and scores[lowest] == best):
        return asked[lowest], scores[lowest]
    return state, best


# Beam search: the states with the lowest scores get one more edit each, of those that were best by themselves.

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
