"""Starts worker processes, each with one or more lanes, and ends them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, final

from robust_xtreme.evaluation.interpreters import Interpreter, listen, started
from robust_xtreme.evaluation.workers.child import PATIENCE
from robust_xtreme.evaluation.workers.lane import Event, Lost, Message, Opening
from robust_xtreme.evaluation.workers.messages import GONE, Channel

_CHILD: Final = "robust_xtreme.evaluation.workers.child"
_THREADS: Final = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS")
"""How many threads libraries use: there are as many workers as cores, so each has one, where nothing else is set."""


@final
@dataclass(frozen=True, slots=True)
class ProcessLane:
    """A lane in another process."""

    channel: Channel

    def give(self, value: Any) -> None:
        """Send a job, or the answer to a request; a process that has ended takes anything."""
        with suppress(*GONE):
            self.channel.send(value)

    def end(self) -> None:
        """Take no more jobs; one that is computed ends at its next request."""
        self.channel.close()


@final
@dataclass(frozen=True, slots=True)
class Process:
    """A worker process with its lanes, by their numbers; it ends when the connection `control` does."""

    interpreter: Interpreter
    control: Channel
    lanes: dict[int, ProcessLane]

    def end(self, at_once: bool) -> str:
        """End the process, `at_once` or when its lanes have ended, and return how it ended, as a phrase.

        A file that it writes is written whole.
        """
        for lane in self.lanes.values():
            lane.end()
        if at_once:
            self.control.close()
        self.interpreter.end(PATIENCE + 1)
        self.control.close()
        return self.interpreter.how()


def begin_process(opening: Opening, numbers: Sequence[int], events: SimpleQueue[Event]) -> Process:
    """Start a process with lanes of these numbers. Raises OSError."""
    environment = {**dict.fromkeys(_THREADS, "1"), **os.environ}
    interpreter, (control, *ours) = started(_CHILD, len(numbers) + 1, environment)
    lanes = {number: ProcessLane(channel) for number, channel in zip(numbers, ours, strict=True)}
    with suppress(*GONE):  # it has ended, and its lanes are lost
        control.send(opening)
    for number, lane in lanes.items():
        Thread(target=listen, args=(lane.channel, partial(_put, events, number), Lost), daemon=True).start()
    return Process(interpreter, control, lanes)


def _put(events: SimpleQueue[Event], number: int, message: Message) -> None:
    events.put(Event(number, message))
