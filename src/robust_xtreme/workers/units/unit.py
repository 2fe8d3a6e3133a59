"""What the process that schedules units and the actors that do them say to each other."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol, final

from robust_xtreme.core.errors import SpecError
from robust_xtreme.workers.cpu.worker import Failed

# The folder that the machines of a fleet share, as actors find it.


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Work in a folder of the driver, from which relative paths count. Raises SpecError where it is not there."""
    if not folder.is_dir():
        raise SpecError(f"On {os.uname().nodename} {folder} is not there. Start from a folder that all machines share.")
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@final
@dataclass(frozen=True, slots=True)
class WorkUnit:
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
class ActorNote:
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
class ActorLost:
    """The actor has ended or cannot be reached any more; the phrase says how."""

    how: str


Message = Ready | ActorNote | Finished | Failed | ActorLost
Send = Callable[[Message], None]
"""Sends a message to the process that schedules; any thread may call it."""


@final
@dataclass(frozen=True, slots=True)
class Inbox:
    """The units that an actor was given and has not begun, as bytes: their tasks are known where they are taken."""

    given: SimpleQueue[bytes]

    def wait(self) -> WorkUnit:
        """The next unit, when there is one."""
        return _unit(self.given.get())

    def available(self, first: WorkUnit) -> Iterator[WorkUnit]:
        """A unit and those that are there when the next one is asked for."""
        yield first
        while True:
            try:
                yield _unit(self.given.get_nowait())
            except Empty:
                return


def _unit(content: bytes) -> WorkUnit:
    unit: WorkUnit = pickle.loads(content)  # noqa: S301 - only the process that schedules sends units
    return unit


Program = Callable[[Inbox, Send], None]
"""What an actor does: it sends Ready, takes units for ever and sends Finished for each. It can be pickled."""


@final
@dataclass(frozen=True, slots=True)
class ActorEvent:
    """A message of an actor, by its number."""

    actor: int
    message: Message


class Actor(Protocol):
    """A process elsewhere that does units; its messages arrive as events."""

    def give(self, unit: WorkUnit, /) -> None:
        """Send a unit. An actor that is lost takes anything."""
        ...

    def end(self) -> None:
        """End the process at once."""
        ...


Events = SimpleQueue[ActorEvent]


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
