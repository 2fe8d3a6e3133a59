"""Searches in lockstep: what is asked, counted and kept, against an oracle that counts for itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from tests.some import some

from robust_xtreme.attack.engine import (
    Answer,
    Asking,
    Attempt,
    Hidden,
    Problem,
    Question,
    Score,
    Search,
    SearchOutcome,
    run,
)
from robust_xtreme.core import registry
from robust_xtreme.core.errors import RobustXtremeError

SEARCHES = registry.names("search")
CLEAN = Score(1.0, 1000)


class Oracle:
    """A model whose margin is the clean one minus a weight for each edit, and which counts what it is asked."""

    def __init__(self, attempts: Sequence[Attempt], weights: Sequence[Sequence[int]]) -> None:
        self.attempts, self.weights = attempts, weights
        self.asked: list[list[Question]] = [[] for _ in attempts]

    def submit(self, questions: Sequence[tuple[int, Question]]) -> list[Answer]:
        """The answers to questions of several attempts."""
        return [self.answer(number, question) for number, question in questions]

    def answer(self, number: int, question: Question) -> Answer:
        """Right while the margin is above 0."""
        self.asked[number].append(question)
        unit, weights = self.attempts[number].problem.unit, self.weights[number]
        edits = np.flatnonzero(unit == question.unit).tolist() if isinstance(question, Hidden) else question
        margin = CLEAN.margin - sum(weights[edit] for edit in edits)
        return Answer(Score(float(margin > 0), margin), margin > 0)


def problem(units: Sequence[int], most: int, budget: int, seed: int = 0) -> Problem:
    """A problem whose edits change one grapheme each."""
    each = np.ones(len(units), np.int64)
    return Problem(np.array(sorted(units)), each, each, most, None, budget, seed)


def attacked(
    search: Search, weights: Sequence[int], most: int, budget: int, units: int = 6
) -> tuple[SearchOutcome, Oracle]:
    """The outcome of one attack on units with equally many edits."""
    each = problem([number % units for number in range(len(weights))], most, budget)
    oracle = Oracle([attempt := Attempt(each, search, CLEAN)], [weights])
    (outcome,) = run([attempt], oracle.submit)
    return outcome, oracle


@pytest.mark.parametrize("name", SEARCHES)
def test_the_result_is_the_lowest_score_of_all_that_was_asked(name: str) -> None:
    """The edits that remain are those with the lowest score; a success is counted where it was first asked."""
    outcome, oracle = attacked(registry.load("search", name), [70, 10, 900, 5, 20, 40, 30, 600, 80, 90, 15, 25], 2, 200)
    assert outcome.first > 0
    states = [each for each in oracle.asked[0] if not isinstance(each, Hidden)]
    assert outcome.state == min(states, key=lambda state: oracle.answer(0, state).score)


def test_random_search_uses_its_budget() -> None:
    """Where there are enough states and none succeeds, random search asks as often as it may."""
    outcome, oracle = attacked(registry.load("search", "random"), [1] * 40, 3, 100, units=10)
    assert outcome.queries == len(set(oracle.asked[0])) == 100


@pytest.mark.parametrize(
    "name",
    some(
        [name for name in SEARCHES if name != "random"],
        1,
    ),
)
def test_a_search_beats_random_search_where_few_edits_matter(name: str) -> None:
    """Of a hundred models in which three of forty edits must meet, a search fools more with as many queries."""
    weights = [[450 if edit in (seed % 7, 11 + seed % 5, 30) else 2 for edit in range(40)] for seed in range(100)]
    searches = [registry.load("search", each) for each in (name, "random")]
    fooled = [sum(attacked(search, each, 3, 100, 40)[0].first > 0 for each in weights) for search in searches]
    assert fooled[0] > fooled[1]


def test_a_rejected_candidate_is_no_query_and_no_result() -> None:
    """Rejected edits cost nothing, and the rest of a list is asked with the budget that is left."""
    each = problem(range(6), 1, 3)
    outcome = run(
        [Attempt(each, registry.load("search", "beam"), CLEAN)],
        lambda asked: [None if state == (2,) else Answer(Score(1.0, 900 + state[0]), True) for _, state in asked],
    )[0]
    assert outcome == SearchOutcome((0,), 3, 0)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_ends_where_everything_is_rejected(name: str) -> None:
    """Where no candidate is accepted nothing is counted, and the attempt ends however many states there are."""
    attempt = Attempt(problem([number % 40 for number in range(400)], 20, 10), registry.load("search", name), CLEAN)
    assert run([attempt], lambda asked: [None] * len(asked)) == [SearchOutcome((), 0, 0)]


def _greedless(problem: Problem, clean: Score) -> Asking:
    """A search that makes every edit at once."""
    yield [tuple(range(len(problem.unit)))]


def test_a_search_that_edits_too_much_is_refused() -> None:
    """A state beyond the strength is an error, also of a search of another package."""
    with pytest.raises(RobustXtremeError, match="beyond the strength"):
        attacked(_greedless, [1] * 6, 2, 100)


def test_of_equal_candidates_the_first_remains() -> None:
    """Where all edits have the same effect, the one that was asked first is the result."""
    outcome, oracle = attacked(registry.load("search", "random"), [50] * 6, 1, 20)
    assert outcome.state == oracle.asked[0][0]
