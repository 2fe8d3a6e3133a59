"""Calls one function for each of many payloads, on the actors of a fleet: runs of a grid, or anything independent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, final

from robust_xtreme.evaluation.units.dealing import deal
from robust_xtreme.evaluation.units.unit import Finished, Fleet, Inbox, Noted, Piece, Program, Ready, Send


@final
@dataclass(frozen=True, slots=True)
class _Each:
    """The program that calls a function for each unit."""

    function: Callable[[Any], Any]

    def __call__(self, inbox: Inbox, send: Send) -> None:
        send(Ready())
        while True:
            unit = inbox.wait()
            send(Finished(unit.number, self.function(unit.payload)))


@final
@dataclass(frozen=True, slots=True)
class _Results:
    """The results by the numbers of units."""

    function: Callable[[Any], Any]
    warn: Callable[[str], None]
    by_number: dict[int, Any] = field(default_factory=dict)

    @contextmanager
    def program(self, _: int) -> Iterator[Program]:
        yield _Each(self.function)

    def note(self, number: int, note: Noted) -> None:
        raise AssertionError(f"actor {number} notes {note}")

    def finished(self, _: int, unit: Piece, result: Any) -> None:
        self.by_number[unit.number] = result

    def lost(self, _: int, slot: str, how: str, again: Sequence[Piece]) -> None:
        self.warn(f"the process for {slot} {how}; done again: {', '.join(unit.label for unit in again) or 'nothing'}")


def each(
    function: Callable[[Any], Any], units: Sequence[Piece], fleet: Fleet, warn: Callable[[str], None] = lambda _: None
) -> list[Any]:
    """The results of a function of a module for the payloads of units, which go by their numbers.

    The function may be called again for a unit whose process was lost, so it leaves nothing that this would harm; that
    is reported in a line. Raises what the function raises, and RobustXtremeError for a unit whose processes are lost
    again and again.
    """
    results = _Results(function, warn)
    deal(units, fleet, results)
    return [results.by_number[unit.number] for unit in units]
