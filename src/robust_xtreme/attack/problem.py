"""The problem of an attack on one example: which of its possible edits to make, within limits.

A state is a set of possible edits, at most one a unit. A search asks for the scores of states, and of units that are
hidden, which ranks units by importance; it ends with its generator. It knows the example by numbers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np

from robust_xtreme.edits import Array
from robust_xtreme.randomness import draws

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

    Edit i changes unit `unit[i]` (k,) by `graphemes[i]` (k,). A state has at most `most_units` edits, and changes at
    most `most_graphemes` (None: any number). `seed` is that of the example's draws. `graded`: scores have margins.
    """

    unit: Array
    graphemes: Array
    most_units: int
    most_graphemes: int | None
    seed: int
    graded: bool = True

    def units(self) -> list[int]:
        """The units with an edit that fits by itself, ascending; none where no edit is allowed."""
        if not self.most_units:
            return []
        return list(dict.fromkeys(self.unit[self._small(0)].tolist()))

    def options(self, unit: int, state: State = ()) -> State:
        """The edits of a unit that fit beside those of a state."""
        low, high = np.searchsorted(self.unit, (unit, unit + 1)).tolist()
        if len(state) >= self.most_units or (self.unit[list(state)] == unit).any():
            return ()
        fits = self._small(int(self.graphemes[list(state)].sum()))[low:high]
        return tuple((low + np.flatnonzero(fits)).tolist())

    def _small(self, used: int) -> Array:
        """Which edits are small enough beside `used` graphemes that are changed (k,) bool."""
        if self.most_graphemes is None:
            return np.ones(len(self.unit), np.bool_)
        small: Array = self.graphemes <= self.most_graphemes - used
        return small

    def allows(self, state: State) -> bool:
        """Whether a state is within the limits: edits of different units, not too many, and not too large."""
        units, graphemes = self.unit[list(state)], int(self.graphemes[list(state)].sum())
        fits = self.most_graphemes is None or graphemes <= self.most_graphemes
        return len(state) <= self.most_units and len(np.unique(units)) == len(state) and fits

    def shuffled(self, options: Sequence[int], turn: int) -> list[int]:
        """Edits in an order that the seed, the edits and a turn determine."""
        numbers = np.array(options, np.int64)
        keys = np.full(len(numbers), np.uint64(self.seed))
        drawn = draws(keys, numbers + (turn << _TURN))
        order: list[int] = numbers[np.argsort(drawn, kind="stable")].tolist()
        return order


def with_edit(state: State, option: int) -> State:
    """The state with one more edit."""
    return tuple(sorted((*state, option)))


Asking = Generator[Sequence[Question], Sequence[Score], None]
"""Asks questions, and receives their scores; it ends where it has no more."""

Search = Callable[[Problem, Score], Asking]
"""Makes the questions about a problem; the second argument is the score of the clean example."""
