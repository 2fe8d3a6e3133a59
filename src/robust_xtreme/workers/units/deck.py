"""Which unit an actor does next: one of its group, else of the largest group that nobody works on."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import final

from robust_xtreme.workers.units.unit import Piece


@final
@dataclass(slots=True)  # units are taken from it
class Deck:
    """The units that nobody does, by group; of a group in order."""

    groups: dict[str, deque[Piece]] = field(default_factory=dict)

    @classmethod
    def of(cls, units: Iterable[Piece]) -> Deck:
        """A deck of all these units."""
        deck = cls()
        for unit in units:
            deck.groups.setdefault(unit.group, deque()).append(unit)
        return deck

    def __len__(self) -> int:
        return sum(map(len, self.groups.values()))

    def put_back(self, units: Sequence[Piece]) -> None:
        """Units that are to be done again, before the others of their groups."""
        for unit in reversed(units):
            self.groups.setdefault(unit.group, deque()).appendleft(unit)

    def take(self, last: str, others: Collection[str]) -> Piece | None:
        """The next unit of an actor whose last group was `last` while others work on theirs; None where none is left.

        So weights are loaded once an actor as long as there are more groups than actors.
        """
        waiting = [group for group, units in self.groups.items() if units]
        if not waiting:
            return None
        free = [group for group in waiting if group not in others]
        chosen = last if last in waiting else max(free or waiting, key=self._size)
        return self.groups[chosen].popleft()

    def _size(self, group: str) -> float:
        return sum(unit.size for unit in self.groups[group])


def forecast(units: Sequence[Piece], slots: int) -> list[list[Piece]]:
    """What each of some equal slots would do if the sizes of units were the times that they take."""
    deck, dealt = Deck.of(units), [list[Piece]() for _ in range(slots)]
    free = [(0.0, slot) for slot in range(slots)]
    while len(deck):
        now, slot = heapq.heappop(free)
        groups = [of_slot[-1].group if of_slot else "" for of_slot in dealt]
        unit = deck.take(groups[slot], groups[:slot] + groups[slot + 1 :])
        if unit is not None:
            dealt[slot].append(unit)
            heapq.heappush(free, (now + unit.size, slot))
    return dealt
