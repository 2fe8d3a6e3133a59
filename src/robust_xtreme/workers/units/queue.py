"""Which unit an actor does next: one of its group, else of the largest group that nobody works on."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import final

from robust_xtreme.workers.units.unit import WorkUnit


@final
@dataclass(slots=True)  # units are taken from it
class UnitQueue:
    """The units that nobody does, by group; of a group in order."""

    groups: dict[str, deque[WorkUnit]] = field(default_factory=dict)

    @classmethod
    def of(cls, units: Iterable[WorkUnit]) -> UnitQueue:
        """A queue of all these units."""
        queue = cls()
        for unit in units:
            queue.groups.setdefault(unit.group, deque()).append(unit)
        return queue

    def __len__(self) -> int:
        return sum(map(len, self.groups.values()))

    def put_back(self, units: Sequence[WorkUnit]) -> None:
        """Units that are to be done again, before the others of their groups."""
        for unit in reversed(units):
            self.groups.setdefault(unit.group, deque()).appendleft(unit)

    def take(self, last: str, others: Collection[str]) -> WorkUnit | None:
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


def forecast(units: Sequence[WorkUnit], slots: int) -> list[list[WorkUnit]]:
    """What each of some equal slots would do if the sizes of units were the times that they take."""
    queue, scheduled = UnitQueue.of(units), [list[WorkUnit]() for _ in range(slots)]
    free = [(0.0, slot) for slot in range(slots)]
    while len(queue):
        now, slot = heapq.heappop(free)
        groups = [of_slot[-1].group if of_slot else "" for of_slot in scheduled]
        unit = queue.take(groups[slot], groups[:slot] + groups[slot + 1 :])
        if unit is not None:
            scheduled[slot].append(unit)
            heapq.heappush(free, (now + unit.size, slot))
    return scheduled
