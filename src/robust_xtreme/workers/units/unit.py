"""What the process that deals units and the actors that do them say to each other."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Protocol, final

from robust_xtreme.workers.cpu.lane import Failed


@final
@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of work that depends on no other. Units of a `group` share what is costly to load.

    `size` compares units: predictions, or seconds. `payload` is what the program of the actor gets.
    """

    number: int
    label: str
    group: str
    size: float
    payload: Any


@final
@dataclass(frozen=True, slots=True)
class Ready:
    """The actor takes units."""


@final
@dataclass(frozen=True, slots=True)
class Noted:
    """What an actor reports while it works: `kind` says what `value` is."""

    kind: str
    value: Any


@final
@dataclass(frozen=True, slots=True)
class Finished:
    """The result of a unit."""

    number: int
    result: Any


@final
@dataclass(frozen=True, slots=True)
class Lost:
    """The actor has ended or cannot be reached any more; the phrase says how."""

    how: str


Message = Ready | Noted | Finished | Failed | Lost
Send = Callable[[Message], None]
"""Sends a message to the process that deals; any thread may call it."""


@final
@dataclass(frozen=True, slots=True)
class Inbox:
    """The units that an actor was given and has not begun, as bytes: their tasks are known where they are taken."""

    given: SimpleQueue[bytes]

    def wait(self) -> Piece:
        """The next unit, when there is one."""
        return _unit(self.given.get())

    def at_hand(self, first: Piece) -> Iterator[Piece]:
        """A unit and those that are there when the next one is asked for."""
        yield first
        while True:
            try:
                yield _unit(self.given.get_nowait())
            except Empty:
                return


def _unit(content: bytes) -> Piece:
    unit: Piece = pickle.loads(content)  # noqa: S301 - only the process that deals sends units
    return unit


Program = Callable[[Inbox, Send], None]
"""What an actor does: it sends Ready, takes units for ever and sends Finished for each. It can be pickled."""


@final
@dataclass(frozen=True, slots=True)
class Event:
    """A message of an actor, by its number."""

    actor: int
    message: Message


class Actor(Protocol):
    """A process elsewhere that does units; its messages arrive as events."""

    def give(self, unit: Piece, /) -> None:
        """Send a unit. An actor that is lost takes anything."""
        ...

    def end(self) -> None:
        """End the process at once."""
        ...


Events = SimpleQueue[Event]


class Fleet(Protocol):
    """Where actors run."""

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the devices, one actor each."""
        ...

    @property
    def device(self) -> str:
        """The kind of the devices, cpu or cuda."""
        ...

    @property
    def device_name(self) -> str:
        """The name of the devices in the manifest."""
        ...

    def start(self, slot: int, number: int, program: Program, events: Events, /) -> Actor:
        """Start an actor. Raises OSError."""
        ...
