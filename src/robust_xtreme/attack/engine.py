"""Runs the searches of many examples in lockstep: in each round the questions of all of them are asked together.

Limits are kept here: no search can ask for more than its budget, or for states beyond those of its problem, whatever
it does. A question whose candidate breaks a constraint is not submitted, and does not count; a search whose candidates
are nearly all rejected ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, final

from robust_xtreme.attack.problem import Asking, Hidden, Problem, Question, Score, Search, State
from robust_xtreme.core.errors import RobustXtremeError


@final
@dataclass(frozen=True, slots=True)
class Attempt:
    """An attack on one example; `clean` is the score of its clean text."""

    problem: Problem
    search: Search
    clean: Score


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """The score of a candidate, and whether the answer still counts as right."""

    score: Score
    right: bool


@final
@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """What an attack came to: the edits with the lowest score, none where the clean text has it.

    `queries` counts the submitted questions, `first` those up to the first success; 0 where there is none.
    """

    state: State
    queries: int
    first: int

    @property
    def success(self) -> bool:
        """Whether an answer to a candidate was not right."""
        return self.first > 0


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


@final
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
            self._check()
            self._take_next()

    def _check(self) -> None:
        beyond = (state for state in self.asked if not isinstance(state, Hidden))
        if not all(map(self.attempt.problem.allows, beyond)):
            raise RobustXtremeError("A search of an attack asked for edits beyond the strength of its condition.")

    def _take_next(self) -> None:
        left = self.attempt.problem.budget - self.queries
        self.pending = self.asked[len(self.scores) :][:left]
        if not self.pending:
            self._end()

    def _end(self) -> None:
        self.asking.close()
        self.pending = []
