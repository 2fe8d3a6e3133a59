"""Gives units to actors and takes what they report; the units of an actor that is lost are done again by another."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol, final

from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.workers.cpu.worker import Failed
from robust_xtreme.workers.units.unit import (
    Actor,
    ActorEvent,
    ActorLost,
    ActorNote,
    Finished,
    Fleet,
    Inbox,
    Program,
    Ready,
    Send,
    WorkUnit,
)

# Which unit an actor does next: one of its group, else of the largest group that nobody works on.


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


TRIES: Final = 3
"""How often a unit is begun whose actor is lost, and an actor is started that is lost before it is ready."""

AHEAD: Final = 3
"""The units that an actor has at most: it scores one, answers one and prepares one."""


_SIGNALS: Final = 1.0
"""Seconds that a wait for events lasts at most."""


class FleetSupervisor(Protocol):
    """What the process that schedules does with what actors report; it is called in one thread."""

    def program(self, number: int, /) -> AbstractContextManager[Program]:
        """A context in which an actor of this number may work, with what it does."""
        ...

    def note(self, number: int, note: ActorNote, /) -> None:
        """Take what an actor reports."""
        ...

    def finished(self, number: int, unit: WorkUnit, result: Any, /) -> None:
        """Take the result of a unit."""
        ...

    def lost(self, number: int, slot: str, how: str, again: Sequence[WorkUnit], /) -> None:
        """Know that an actor is lost and which units are done again."""
        ...


@final
@dataclass(slots=True)  # the units that it has not finished
class _ActorState:
    actor: Actor
    slot: int
    leave: Callable[[], None]
    ready: bool = False
    group: str = ""
    units: list[WorkUnit] = field(default_factory=list)


@final
@dataclass(slots=True)  # the state of the work
class _Scheduler:
    fleet: Fleet
    queue: UnitQueue
    supervisor: FleetSupervisor
    events: SimpleQueue[ActorEvent] = field(default_factory=SimpleQueue)
    states: dict[int, _ActorState] = field(default_factory=dict)
    tries: Counter[int] = field(default_factory=Counter)
    failed_starts: Counter[int] = field(default_factory=Counter)
    numbers: count[int] = field(default_factory=count)

    def work(self) -> None:
        """Schedule until every unit is finished."""
        for slot in range(min(len(self.fleet.slots), len(self.queue))):
            self._start(slot)
        while len(self.queue) or any(state.units for state in self.states.values()):
            event = self._next()
            if event.actor in self.states:
                self._take(event.actor, event.message)
                self._schedule()

    def _next(self) -> ActorEvent:
        """The next event; a signal that another thread got is answered meanwhile."""
        while True:
            with suppress(Empty):
                return self.events.get(timeout=_SIGNALS)

    def end(self) -> None:
        """End every actor at once."""
        for state in self.states.values():
            state.actor.end()
        for state in self.states.values():
            state.leave()
        self.states = {}

    def _start(self, slot: int) -> None:
        number = next(self.numbers)
        stack = ExitStack()
        program = stack.enter_context(self.supervisor.program(number))
        try:
            actor = self.fleet.start(slot, number, program, self.events)
        except OSError as error:
            stack.close()
            what = f"The process for {self.fleet.slots[slot]} cannot be started"
            raise RobustXtremeError(f"{what}: {error.strerror or error}.") from error
        self.states[number] = _ActorState(actor, slot, stack.close)

    def _take(self, number: int, message: object) -> None:
        state = self.states[number]
        match message:
            case Ready():
                state.ready = True
            case ActorNote():
                self.supervisor.note(number, message)
            case Finished(done, result):
                (unit,) = (unit for unit in state.units if unit.number == done)
                state.units.remove(unit)
                self.supervisor.finished(number, unit, result)
            case Failed(error):
                raise error
            case ActorLost(how):
                self._again(number, how)

    def _schedule(self) -> None:
        """Give one unit to each actor that has none, then more ahead as long as each actor could have one."""
        ready = [state for state in self.states.values() if state.ready]
        for most in range(1, AHEAD + 1):
            for state in ready:
                if len(state.units) < most and (most == 1 or len(self.queue) >= len(self.states)):
                    self._give(state)

    def _give(self, state: _ActorState) -> None:
        others = [other.group for other in self.states.values() if other is not state]
        if unit := self.queue.take(state.group, others):
            state.group = unit.group
            state.units.append(unit)
            state.actor.give(unit)

    def _again(self, number: int, how: str) -> None:
        """Put the units of a lost actor back, and start another one in its slot, unless this happened too often."""
        state = self.states.pop(number)
        state.actor.end()
        state.leave()
        name = self.fleet.slots[state.slot]
        self.tries.update(unit.number for unit in state.units)
        self.failed_starts[state.slot] = 0 if state.ready else self.failed_starts[state.slot] + 1
        if self.failed_starts[state.slot] == TRIES:
            raise RobustXtremeError(f"The process for {name} {how}, {TRIES} times while it began.")
        if worn := [unit.label for unit in state.units if self.tries[unit.number] == TRIES]:
            raise RobustXtremeError(f"The process for {name} {how}: {worn[0]} was begun {TRIES} times.")
        self.supervisor.lost(number, name, how, state.units)
        self.queue.put_back(state.units)
        self._start(state.slot)


def schedule(units: Sequence[WorkUnit], fleet: Fleet, supervisor: FleetSupervisor) -> None:
    """Have every unit done, each by one actor of the fleet; return when the supervisor has all results.

    Raises what a program raises, RobustXtremeError where units or the beginning of actors fail again and again.
    """
    scheduler = _Scheduler(fleet, UnitQueue.of(units), supervisor)
    try:
        scheduler.work()
    finally:
        scheduler.end()


# Calls one function for each of many payloads, on the actors of a fleet: runs of a grid, or anything independent.

Function = Callable[[Any, Callable[[str], None]], Any]
"""What is called with a payload, and with what it tells its progress."""


@final
@dataclass(frozen=True, slots=True)
class _Each:
    """The program that calls a function for each unit; what it tells is noted with the unit's label."""

    function: Function

    def __call__(self, inbox: Inbox, send: Send) -> None:
        send(Ready())
        while True:
            unit = inbox.wait()
            send(Finished(unit.number, self.function(unit.payload, partial(_tell, send, unit.label))))


def _tell(send: Send, label: str, line: str) -> None:
    send(ActorNote("line", f"{label}: {line}"))


@final
@dataclass(frozen=True, slots=True)
class _Results:
    """The results by the numbers of units."""

    function: Function
    tell: Callable[[str], None]
    by_number: dict[int, Any] = field(default_factory=dict)

    @contextmanager
    def program(self, _: int) -> Iterator[Program]:
        yield _Each(self.function)

    def note(self, _: int, note: ActorNote) -> None:
        self.tell(note.value)

    def finished(self, _: int, unit: WorkUnit, result: Any) -> None:
        self.by_number[unit.number] = result

    def lost(self, _: int, slot: str, how: str, again: Sequence[WorkUnit]) -> None:
        self.tell(f"the process for {slot} {how}; done again: {', '.join(unit.label for unit in again) or 'nothing'}")


def each(
    function: Function, units: Sequence[WorkUnit], fleet: Fleet, tell: Callable[[str], None] = lambda _: None
) -> list[Any]:
    """The results of a function of a module for the payloads of units, which go by their numbers.

    The function may be called again for a unit whose process was lost, so it leaves nothing that this would harm.
    `tell` gets a line of that, and those of the function with the unit's label. Raises what the function raises, and
    RobustXtremeError for a unit whose processes are lost again and again.
    """
    results = _Results(function, tell)
    schedule(units, fleet, results)
    return [results.by_number[unit.number] for unit in units]
