"""Lanes that are threads of this process."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, final

from robust_xtreme.evaluation.workers.lane import Ended, Event, Line, Message, Opening, attend

_END: Final = object()


@final
@dataclass(frozen=True, slots=True)
class ThreadLane:
    """A lane in a thread."""

    given: SimpleQueue[Any]
    thread: Thread

    def give(self, value: Any) -> None:
        """Send a job, or the answer to a request."""
        self.given.put(value)

    def end(self) -> None:
        """Take no more jobs; one that is computed ends at its next request."""
        self.given.put(_END)


def begin_thread(opening: Opening, number: int, events: SimpleQueue[Event]) -> ThreadLane:
    """Start a lane."""
    given = SimpleQueue[Any]()

    def send(message: Message) -> None:
        events.put(Event(number, message))

    thread = Thread(target=attend, args=(opening, Line(send, partial(_taken, given), nullcontext)))
    thread.name = f"lane_{number}"
    thread.start()
    return ThreadLane(given, thread)


def _taken(given: SimpleQueue[Any]) -> Any:
    value = given.get()
    if value is _END:
        raise Ended
    return value
