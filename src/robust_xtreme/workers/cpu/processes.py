"""Starts worker processes, each with one or more workers, which are threads of it, and ends them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, Final, final

from robust_xtreme.workers.cpu.child import PATIENCE
from robust_xtreme.workers.cpu.messages import GONE, Channel
from robust_xtreme.workers.cpu.worker import Ahead, Message, Opening, WorkerEvent, WorkerLost
from robust_xtreme.workers.interpreters import Interpreter, listen, started

_CHILD: Final = "robust_xtreme.workers.cpu.child"
_THREADS: Final = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS")
"""How many threads libraries use: there are as many workers as cores, so each has one, where nothing else is set."""


@final
@dataclass(frozen=True, slots=True)
class ProcessWorker:
    """A worker in another process."""

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
    """A worker process with its workers, by their numbers; it ends when the connection `control` does."""

    interpreter: Interpreter
    control: Channel
    workers: dict[int, ProcessWorker]

    def leave(self, at_once: bool) -> None:
        """Let the process end, `at_once` or when its workers have ended. A file that it writes is written whole."""
        for worker in self.workers.values():
            worker.end()
        if at_once:
            self.control.close()

    def end(self, until: float) -> str:
        """Wait for its end until a time of `monotonic`, then kill it, and return how it ended, as a phrase."""
        self.interpreter.end(max(0.0, until - monotonic()))
        self.control.close()
        return self.interpreter.how()


def end_all(processes: Sequence[Process], at_once: bool) -> list[str]:
    """End processes, `at_once` or when their workers have ended, and return how each ended, as a phrase.

    All of them together have as long as one may need.
    """
    for process in processes:
        process.leave(at_once)
    until = monotonic() + PATIENCE + 1
    return [process.end(until) for process in processes]


Started = tuple[Interpreter, list[Channel]]
"""A process that imports what it needs and waits for its opening, and the connections with it."""


@contextmanager
def started_ahead(
    count: int, workers: int, function: Callable[..., Any], modules: Sequence[str] = ()
) -> Iterator[list[Started]]:
    """Processes of some workers that start, and import what a function needs, before there is an opening for them.

    `modules` are those that the function imports late.

    Those that nobody takes from the list are ended. Where one cannot be started there are fewer: the error is raised
    where it is needed.
    """
    waiting: list[Started] = []
    try:
        with suppress(OSError):
            waiting.extend(_start(workers) for _ in range(count))
        for _, (control, *_) in waiting:
            with suppress(*GONE):
                control.send(Ahead(function, modules))
        yield waiting
    finally:
        for interpreter, channels in waiting:
            for channel in channels:
                channel.close()
            interpreter.end(0)
            interpreter.how()


def _start(workers: int) -> Started:
    environment = {**dict.fromkeys(_THREADS, "1"), **os.environ}
    return started(_CHILD, workers + 1, environment)


def begin_process(
    opening: Opening, numbers: Sequence[int], events: SimpleQueue[WorkerEvent], waiting: list[Started]
) -> Process:
    """Give workers of these numbers to a process that waits, or to a new one. Raises OSError."""
    interpreter, (control, *ours) = waiting.pop() if waiting else _start(len(numbers))
    workers = {number: ProcessWorker(channel) for number, channel in zip(numbers, ours, strict=True)}
    with suppress(*GONE):  # it has ended, and its workers are lost
        control.send(opening)
    for number, worker in workers.items():
        Thread(target=listen, args=(worker.channel, partial(_put, events, number), WorkerLost), daemon=True).start()
    return Process(interpreter, control, workers)


def _put(events: SimpleQueue[WorkerEvent], number: int, message: Message) -> None:
    events.put(WorkerEvent(number, message))
