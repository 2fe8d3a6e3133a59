"""Starts workers on this machine, in new interpreters or in threads of this one, and ends them.

An interpreter is not a copy of this process, whose threads would not be in it: a lock that one of them has would stay
locked. It runs no module of the program that uses this package, and does not end by the terminal's Ctrl-C.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import IO, Any, Final

from robust_xtreme.core.subprocesses import command, ending
from robust_xtreme.workers import messages
from robust_xtreme.workers.channel import GONE, Channel, channel_and_end
from robust_xtreme.workers.child import PATIENCE

_THREADS: Final = ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS")
"""How many threads libraries use: there are as many workers as cores, so each has one, where nothing else is set."""

_END: Final = object()


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A process that runs, and the file of what it prints."""

    running: subprocess.Popen[bytes]
    printed: IO[bytes]

    def end(self, patience: float) -> None:
        """Wait some seconds for its end, and then kill it."""
        try:
            self.running.wait(patience)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()

    def how(self) -> str:
        """How it has ended, with the last line that it printed, as a phrase; once."""
        with self.printed as printed:
            printed.seek(0)
            return ending(self.running.poll(), printed.read())


Started = tuple[Interpreter, list[Channel]]
"""A process that waits for its program, and the connections with it: `control`, and one of each worker."""


def started(workers: int, environment: Mapping[str, str]) -> Started:
    """Start a process of so many workers. Raises OSError."""
    ours, theirs = zip(*(channel_and_end() for _ in range(1 + workers)), strict=True)
    numbers = [end.fileno() for end in theirs]
    printed = tempfile.TemporaryFile()  # noqa: SIM115 - `how` closes it
    try:
        running = subprocess.Popen(
            command("robust_xtreme.workers.child", numbers),
            pass_fds=numbers,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            env=environment,
            process_group=0,
        )
    except OSError:
        printed.close()
        for channel in ours:
            channel.close()
        raise
    finally:
        for end in theirs:
            end.close()
    return Interpreter(running, printed), list(ours)


def started_on_cpu(workers: int) -> Started:
    """Start a process of so many workers, each of which computes on one core. Raises OSError."""
    return started(workers, {**dict.fromkeys(_THREADS, "1"), **os.environ})


@contextmanager
def started_ahead(
    count: int, workers: int, function: Callable[..., Any], modules: Sequence[str] = ()
) -> Iterator[list[Started]]:
    """Processes of some workers that start, and import a function and `modules`, before there is a program for them.

    Processes that nobody takes from the list are ended. Where one cannot be started there are fewer.
    """
    waiting: list[Started] = []
    try:
        with suppress(OSError):
            waiting.extend(started_on_cpu(workers) for _ in range(count))
        for _, (control, *_) in waiting:
            with suppress(*GONE):
                control.send(messages.Ahead(function, modules))
        yield waiting
    finally:
        for interpreter, channels in waiting:
            for channel in channels:
                channel.close()
            interpreter.end(0)
            interpreter.how()


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this machine with the connections of its workers; it ends when the connection `control` does."""

    interpreter: Interpreter
    control: Channel
    channels: Mapping[int, Channel]

    def give(self, worker: int, value: Any) -> None:
        """Send a worker a job or a reply; a process that has ended takes anything."""
        with suppress(*GONE):
            self.channels[worker].send(value)

    def leave(self, at_once: bool) -> None:
        """Let the process end, `at_once` or when its workers have ended. A file that it writes is written whole."""
        for channel in self.channels.values():
            channel.close()
        if at_once:
            self.control.close()

    def end(self, until: float) -> str:
        """Wait for its end until a time of `monotonic`, then kill it, and return how it ended, as a phrase."""
        self.interpreter.end(max(0.0, until - monotonic()))
        self.control.close()
        return self.interpreter.how()


def begin_process(
    ready: Started, numbers: Sequence[int], program: messages.Program, events: messages.WorkerEvents
) -> Process:
    """Give a process that waits its program, and its workers their numbers."""
    interpreter, (control, *ours) = ready
    with suppress(*GONE):  # it has ended, and its workers are lost
        control.send(program)
    for number, channel in zip(numbers, ours, strict=True):
        Thread(target=_listen, args=(channel, partial(_put, events, number)), daemon=True).start()
    return Process(interpreter, control, dict(zip(numbers, ours, strict=True)))


def _listen(channel: Channel, put: Callable[[messages.Message], None]) -> None:
    """Put each message of a connection, and at its end that the worker is lost."""
    try:
        while True:
            put(channel.receive())
    except (EOFError, OSError):
        put(messages.WorkerLost())
    except Exception as error:  # noqa: BLE001 - what cannot be read is raised where the messages are taken
        put(messages.Failed(error))


def _put(events: messages.WorkerEvents, number: int, message: messages.Message) -> None:
    events.put(messages.WorkerEvent(number, message))


@dataclass(frozen=True, slots=True)
class ThreadWorker:
    """A worker in a thread."""

    given: SimpleQueue[Any]
    thread: Thread

    def give(self, _: int, value: Any) -> None:
        """Send a job or a reply."""
        self.given.put(value)

    def leave(self, _: bool) -> None:
        """Take no more jobs; one that is computed ends at its next request."""
        self.given.put(_END)

    def end(self, _: float) -> str:
        """Wait for what is computed."""
        self.thread.join()
        return "ended"


def begin_thread(number: int, program: messages.Program, events: messages.WorkerEvents) -> ThreadWorker:
    """Start a worker in this process."""
    given = SimpleQueue[Any]()
    line = messages.Connection(
        partial(_put, events, number), partial(_taken, given), lambda: not given.empty(), nullcontext
    )
    thread = Thread(target=messages.run, args=(program, line), name=f"lane_{number}")
    thread.start()
    return ThreadWorker(given, thread)


def _taken(given: SimpleQueue[Any]) -> Any:
    value = given.get()
    if value is _END:
        raise messages.Ended
    return value


def end_all(processes: Iterable[messages.WorkerProcess], at_once: bool) -> list[str]:
    """End processes, `at_once` or when their workers have ended, and return how each ended, as a phrase."""
    by_place = sorted(processes, key=lambda process: isinstance(process, ThreadWorker))
    for process in by_place:
        process.leave(at_once)
    until = monotonic() + PATIENCE + 1
    return [process.end(until) for process in by_place]
