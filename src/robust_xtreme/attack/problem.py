"""The problem of an attack on one example: which of its possible edits to make, within limits.

A state is a set of possible edits, at most one a unit. A search asks for the scores of states, and of units that are
hidden, which ranks units by importance; it ends with its generator. It knows the example by numbers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np

from robust_xtreme.core.edits import Array
from robust_xtreme.core.randomness import draws

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


@final
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
        uniform: Array = whole / 2.0**64 - 0.5
        return uniform


def with_edit(state: State, option: int) -> State:
    """The state with one more edit."""
    return tuple(sorted((*state, option)))


Asking = Generator[Sequence[Question], Sequence[Score], None]
"""Asks questions, and receives their scores; it ends where it has no more."""

Search = Callable[[Problem, Score], Asking]
"""Makes the questions about a problem; the second argument is the score of the clean example."""
