"""Calls one function for each of many payloads, on the actors of a fleet: runs of a grid, or anything independent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

from robust_xtreme.workers.units.scheduling import schedule
from robust_xtreme.workers.units.unit import ActorNote, Finished, Fleet, Inbox, Program, Ready, Send, WorkUnit

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
