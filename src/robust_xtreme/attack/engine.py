"""Runs the searches of many examples in lockstep: in each round the questions of all of them are asked together.

Limits are kept here: no search can ask for more than its budget, or for states beyond those of its problem, whatever
it does. A question whose candidate breaks a constraint is not submitted, and does not count; a search whose candidates
are nearly all rejected ends.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from robust_xtreme.core.edits import Array
from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.core.randomness import draws

# The problem of an attack on one example: which of its possible edits to make, within limits.
#
# A state is a set of possible edits, at most one a unit. A search asks for the scores of states, and of units that are
# hidden, which ranks units by importance; it ends with its generator. It knows the example by numbers alone.

_TURN: Final = 32


class Score(NamedTuple):
    """How good the answer to a candidate is, for the model: of two the lower is better for the attack."""

    level: float
    margin: int


State = tuple[int, ...]
"""The numbers of edits that are made, ascending."""


class Hidden(NamedTuple):
    """A question about a unit: the score where nothing of it is seen."""

    unit: int


Question = State | Hidden


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """The k possible edits of one example, sorted by unit.

    Edit i changes `reach[i]` (k,) units from `unit[i]` (k,) on, and `graphemes[i]` (k,) graphemes. A state changes at
    most `most_units` units, each by one edit, and at most `most_graphemes` (None: any number). A search has `budget`
    queries. `seed` is that of the example's draws. `graded`: scores have margins.
    """

    unit: Array
    reach: Array
    graphemes: Array
    most_units: int
    most_graphemes: int | None
    budget: int
    seed: int
    graded: bool = True

    def units(self) -> list[int]:
        """The units with an edit that fits by itself, ascending; none where no edit is allowed."""
        return list(dict.fromkeys(self.unit[self.fitting(())].tolist()))

    def options(self, unit: int, state: State = ()) -> State:
        """The edits of a unit that fit beside those of a state."""
        low, high = np.searchsorted(self.unit, (unit, unit + 1)).tolist()
        return tuple((low + np.flatnonzero(self.fitting(state)[low:high])).tolist())

    def fitting(self, state: State) -> Array:
        """Which edits fit beside those of a state (k,) bool."""
        made = list(state)
        fits = self.reach <= self.most_units - int(self.reach[made].sum())
        if self.most_graphemes is not None:
            fits &= self.graphemes <= self.most_graphemes - int(self.graphemes[made].sum())
        for option in made:
            first, stop = self.unit[option], self.unit[option] + self.reach[option]
            fits &= (self.unit >= stop) | (self.unit + self.reach <= first)
        return fits

    def allows(self, state: State) -> bool:
        """Whether a state is within the limits: its edits fit beside each other."""
        return all(self.fitting(state[:number])[option] for number, option in enumerate(state))

    def shuffled(self, options: Sequence[int], turn: int) -> list[int]:
        """Edits in an order that the seed, the edits and a turn determine."""
        numbers = np.array(options, np.int64)
        keys = np.full(len(numbers), np.uint64(self.seed))
        drawn = draws(keys, numbers + (turn << _TURN))
        order: list[int] = numbers[np.argsort(drawn, kind="stable")].tolist()
        return order

    def drawn(self, turn: int) -> Array:
        """A draw from -0.5 to 0.5 for each edit (k,), by the seed and a turn."""
        size = len(self.unit)
        whole = draws(np.full(size, np.uint64(self.seed)), np.arange(size) + (turn << _TURN))
        return np.asarray(whole / 2.0**64 - 0.5)


def with_edit(state: State, option: int) -> State:
    """The state with one more edit."""
    return tuple(sorted((*state, option)))


Asking = Generator[Sequence[Question], Sequence[Score], None]
"""Asks questions, and receives the Score of each; it ends where it has no more."""

Search = Callable[[Problem, Score], Asking]
"""Makes the questions about a problem; the second argument is the score of the clean example."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attack on one example; `clean` is the score of its clean text."""

    problem: Problem
    search: Search
    clean: Score


@dataclass(frozen=True, slots=True)
class Answer:
    """The score of a candidate, and whether the answer still counts as right."""

    score: Score
    right: bool


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What an attack came to: the edits with the lowest score, none where the clean text has it.

    `queries` counts the submitted questions, `first` those up to the first success; 0 where there is none.
    """

    state: State
    queries: int
    first: int


Submit = Callable[[Sequence[tuple[int, Question]]], Sequence[Answer | None]]
"""Answers questions, each with the number of its attempt; None where the candidate breaks a constraint."""

MOST_REJECTED: Final = 8
"""Rejected candidates for each query of a budget, after which an attempt ends."""

REJECTED: Final = Score(float("inf"), 0)
"""The score that a search gets of a candidate that breaks a constraint."""


def run(
    attempts: Sequence[Attempt], submit: Submit, watch: Callable[[int, int], None] = lambda *_: None
) -> list[SearchOutcome]:
    """The outcome of each attempt. `watch` gets the number of attempts that are not finished, and of queries so far."""
    every = [_Running(attempt) for attempt in attempts]
    live = dict(enumerate(every))
    while live := {number: running for number, running in live.items() if running.pending}:
        asked = [(number, question) for number, running in live.items() for question in running.pending]
        answers = iter(submit(asked))
        for running in live.values():
            running.take([next(answers) for _ in running.pending])
        watch(sum(bool(running.pending) for running in live.values()), sum(running.queries for running in every))
    return [SearchOutcome(running.state, running.queries, running.first) for running in every]


@dataclass(slots=True)  # a search that advances
class _Running:
    """A search that asks: `pending` are its next questions, at most as many as its budget still allows."""

    attempt: Attempt
    best: Score = field(init=False)
    asking: Asking = field(init=False)
    asked: list[Question] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    pending: list[Question] = field(default_factory=list)
    state: State = ()
    queries: int = 0
    first: int = 0
    rejected: int = 0

    def __post_init__(self) -> None:
        self.best, self.asking = self.attempt.clean, self.attempt.search(self.attempt.problem, self.attempt.clean)
        self._advance(None)

    def take(self, answers: Iterable[Answer | None]) -> None:
        """Take the answers to the pending questions, and advance to the next ones."""
        for question, answer in zip(self.pending, answers, strict=True):
            self.scores.append(answer.score if answer else REJECTED)
            if answer:
                self._count(question, answer)
            else:
                self.rejected += 1
        if self.best.level <= 0 or self.rejected >= MOST_REJECTED * self.attempt.problem.budget:
            self._end()
        elif len(self.scores) < len(self.asked):
            self._take_next()
        else:
            self._advance(self.scores)

    def _count(self, question: Question, answer: Answer) -> None:
        self.queries += 1
        if isinstance(question, Hidden):
            return
        if not answer.right and not self.first:
            self.first = self.queries
        if answer.score < self.best:
            self.best, self.state = answer.score, question

    def _advance(self, scores: list[Score] | None) -> None:
        """The next questions of the search; the end where it has none."""
        try:
            self.asked, self.scores = list(next(self.asking) if scores is None else self.asking.send(scores)), []
        except StopIteration:
            self._end()
        else:
            states = (state for state in self.asked if not isinstance(state, Hidden))
            if not all(map(self.attempt.problem.allows, states)):
                raise RobustXtremeError("A search of an attack asked for edits beyond the strength of its condition.")
            self._take_next()

    def _take_next(self) -> None:
        left = self.attempt.problem.budget - self.queries
        self.pending = self.asked[len(self.scores) :][:left]
        if not self.pending:
            self._end()

    def _end(self) -> None:
        self.asking.close()
        self.pending = []
