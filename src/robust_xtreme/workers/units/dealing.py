"""Deals units to actors and takes what they report; the units of an actor that is lost are done again by another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol, final

from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.workers.cpu.lane import Failed
from robust_xtreme.workers.units.deck import Deck
from robust_xtreme.workers.units.unit import Actor, Event, Finished, Fleet, Lost, Noted, Piece, Program, Ready

TRIES: Final = 3
"""How often a unit is begun whose actor is lost, and an actor is started that is lost before it is ready."""

AHEAD: Final = 3
"""The units that an actor has at most: it scores one, answers one and prepares one."""


_SIGNALS: Final = 1.0
"""Seconds that a wait for events lasts at most."""


class Desk(Protocol):
    """What the process that deals does with what actors report; it is called in one thread."""

    def program(self, number: int, /) -> AbstractContextManager[Program]:
        """A context in which an actor of this number may work, with what it does."""
        ...

    def note(self, number: int, note: Noted, /) -> None:
        """Take what an actor reports."""
        ...

    def finished(self, number: int, unit: Piece, result: Any, /) -> None:
        """Take the result of a unit."""
        ...

    def lost(self, number: int, slot: str, how: str, again: Sequence[Piece], /) -> None:
        """Know that an actor is lost and which units are done again."""
        ...


@final
@dataclass(slots=True)  # the units that it has not finished
class _Hand:
    actor: Actor
    slot: int
    leave: Callable[[], None]
    ready: bool = False
    group: str = ""
    units: list[Piece] = field(default_factory=list)


@final
@dataclass(slots=True)  # the state of the work
class _Dealer:
    fleet: Fleet
    deck: Deck
    desk: Desk
    events: SimpleQueue[Event] = field(default_factory=SimpleQueue)
    hands: dict[int, _Hand] = field(default_factory=dict)
    tries: Counter[int] = field(default_factory=Counter)
    failed_starts: Counter[int] = field(default_factory=Counter)
    numbers: count[int] = field(default_factory=count)

    def work(self) -> None:
        """Deal until every unit is finished."""
        for slot in range(min(len(self.fleet.slots), len(self.deck))):
            self._start(slot)
        while len(self.deck) or any(hand.units for hand in self.hands.values()):
            event = self._next()
            if event.actor in self.hands:
                self._take(event.actor, event.message)
                self._deal()

    def _next(self) -> Event:
        """The next event; a signal that another thread got is answered meanwhile."""
        while True:
            with suppress(Empty):
                return self.events.get(timeout=_SIGNALS)

    def end(self) -> None:
        """End every actor at once."""
        for hand in self.hands.values():
            hand.actor.end()
        for hand in self.hands.values():
            hand.leave()
        self.hands = {}

    def _start(self, slot: int) -> None:
        number = next(self.numbers)
        stack = ExitStack()
        program = stack.enter_context(self.desk.program(number))
        try:
            actor = self.fleet.start(slot, number, program, self.events)
        except OSError as error:
            stack.close()
            what = f"The process for {self.fleet.slots[slot]} cannot be started"
            raise RobustXtremeError(f"{what}: {error.strerror or error}.") from error
        self.hands[number] = _Hand(actor, slot, stack.close)

    def _take(self, number: int, message: object) -> None:
        hand = self.hands[number]
        match message:
            case Ready():
                hand.ready = True
            case Noted():
                self.desk.note(number, message)
            case Finished(done, result):
                (unit,) = (unit for unit in hand.units if unit.number == done)
                hand.units.remove(unit)
                self.desk.finished(number, unit, result)
            case Failed(error):
                raise error
            case Lost(how):
                self._again(number, how)

    def _deal(self) -> None:
        """Give one unit to each actor that has none, then more ahead as long as each actor could have one."""
        ready = [hand for hand in self.hands.values() if hand.ready]
        for most in range(1, AHEAD + 1):
            for hand in ready:
                if len(hand.units) < most and (most == 1 or len(self.deck) >= len(self.hands)):
                    self._give(hand)

    def _give(self, hand: _Hand) -> None:
        others = [other.group for other in self.hands.values() if other is not hand]
        if unit := self.deck.take(hand.group, others):
            hand.group = unit.group
            hand.units.append(unit)
            hand.actor.give(unit)

    def _again(self, number: int, how: str) -> None:
        """Put the units of a lost actor back, and start another one in its slot, unless this happened too often."""
        hand = self.hands.pop(number)
        hand.actor.end()
        hand.leave()
        name = self.fleet.slots[hand.slot]
        self.tries.update(unit.number for unit in hand.units)
        self.failed_starts[hand.slot] = 0 if hand.ready else self.failed_starts[hand.slot] + 1
        if self.failed_starts[hand.slot] == TRIES:
            raise RobustXtremeError(f"The process for {name} {how}, {TRIES} times while it began.")
        if worn := [unit.label for unit in hand.units if self.tries[unit.number] == TRIES]:
            raise RobustXtremeError(f"The process for {name} {how}: {worn[0]} was begun {TRIES} times.")
        self.desk.lost(number, name, how, hand.units)
        self.deck.put_back(hand.units)
        self._start(hand.slot)


def deal(units: Sequence[Piece], fleet: Fleet, desk: Desk) -> None:
    """Have every unit done, each by one actor of the fleet; return when the desk has all results.

    Raises what a program raises, RobustXtremeError where units or the beginning of actors fail again and again.
    """
    dealer = _Dealer(fleet, Deck.of(units), desk)
    try:
        dealer.work()
    finally:
        dealer.end()
