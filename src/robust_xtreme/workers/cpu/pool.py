"""Gives jobs to workers, answers what they ask, and returns their results; a job whose process ends is done again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, Final, Protocol, final

from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.workers.cpu.child import PATIENCE
from robust_xtreme.workers.cpu.messages import GONE, Channel
from robust_xtreme.workers.cpu.worker import (
    Ahead,
    Begun,
    Connection,
    Ended,
    Failed,
    JobResult,
    Message,
    Note,
    Opening,
    Worker,
    WorkerEvent,
    WorkerLost,
    WorkerRequest,
    attend,
)
from robust_xtreme.workers.interpreters import Interpreter, listen, started

# Starts worker processes, each with one or more workers, which are threads of it, and ends them.

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


_END: Final = object()


@final
@dataclass(frozen=True, slots=True)
class ThreadWorker:
    """A worker in a thread."""

    given: SimpleQueue[Any]
    thread: Thread

    def give(self, value: Any) -> None:
        """Send a job, or the answer to a request."""
        self.given.put(value)

    def end(self) -> None:
        """Take no more jobs; one that is computed ends at its next request."""
        self.given.put(_END)


def begin_thread(opening: Opening, number: int, events: SimpleQueue[WorkerEvent]) -> ThreadWorker:
    """Start a worker."""
    given = SimpleQueue[Any]()

    def send(message: Message) -> None:
        events.put(WorkerEvent(number, message))

    thread = Thread(target=attend, args=(opening, Connection(send, partial(_taken, given), nullcontext)))
    thread.name = f"lane_{number}"
    thread.start()
    return ThreadWorker(given, thread)


def _taken(given: SimpleQueue[Any]) -> Any:
    value = given.get()
    if value is _END:
        raise Ended
    return value


TRIES: Final = 3
"""How often a job is begun whose process ends; then something is wrong with the job or the machine."""

_NO_JOB: Final = -1
"""Before all jobs: that a worker begins."""


@final
@dataclass(frozen=True, slots=True)
class WorkerJob:
    """`make` gives the job when a worker is free for it; `here`: only a thread of this process can compute it."""

    label: str
    make: Callable[[], Any]
    here: bool = False


class Handler(Protocol):
    """What this process does for jobs, which it knows by their numbers; an error that it raises is the job's."""

    def answer(self, job: int, request: Any, /) -> Any:
        """The answer to a request."""
        ...

    def note(self, job: int, note: Any, /) -> None:
        """Take a note."""
        ...

    def again(self, job: int, how: str, /) -> None:
        """Know that a job is done again, because its process ended in a way that the phrase says."""
        ...


@final
@dataclass(slots=True)  # the state of the work
class WorkerPool:
    """Workers, what each of them computes, and the requests that wait for an answer; workers and jobs go by numbers.

    Workers begin with `here` in this process, with `elsewhere` in another one; `each` is the number of workers of a
    process that has any. A job is taken when a worker is free. An error of a job is raised when the jobs before it are
    done, as if they were computed one after another.
    """

    here: Opening
    elsewhere: Opening
    waiting: Iterator[WorkerJob]
    handler: Handler
    each: int
    started: list[Started] = field(default_factory=list)
    jobs: list[WorkerJob] = field(default_factory=list)
    events: SimpleQueue[WorkerEvent] = field(default_factory=SimpleQueue)
    threads: dict[int, ThreadWorker] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    free: set[int] = field(default_factory=set)
    busy: dict[int, int] = field(default_factory=dict)
    requests: dict[int, Any] = field(default_factory=dict)
    todo: set[int] = field(default_factory=set)
    lost: Counter[int] = field(default_factory=Counter)
    failure: tuple[int, BaseException] | None = None
    is_last: bool = False
    numbers: Iterator[int] = field(default_factory=count)

    def results(self) -> Iterator[tuple[int, Any]]:
        """The number of each job with its result, in the order in which they are done."""
        while self._is_left():
            self._give()
            if not self._is_left():
                break
            event = self._event()
            if event is None:
                self._answer()
            elif isinstance(event.message, JobResult) and event.worker in self.busy:
                yield self._freed(event.worker), event.message.result
            elif self._is_known(event.worker):
                self._take(event.worker, event.message)
        if self.failure:
            raise self.failure[1]

    def _event(self) -> WorkerEvent | None:
        """The next event; None where there is none yet and a request waits for an answer."""
        try:
            return self.events.get(block=not self.requests)
        except Empty:
            return None

    def add_thread(self) -> None:
        """Start a worker in this process."""
        number = next(self.numbers)
        self.threads[number] = begin_thread(self.here, number, self.events)

    def add_process(self, workers: int) -> None:
        """Start a process with some workers. Raises RobustXtremeError where that is not possible."""
        numbers = [next(self.numbers) for _ in range(workers)]
        try:
            self.processes.append(begin_process(self.elsewhere, numbers, self.events, self.started))
        except OSError as error:
            what = f"A worker process cannot be started: {error.strerror or error}."
            raise RobustXtremeError(f"{what} --workers 0 computes in one process.") from error

    def end(self, at_once: bool) -> None:
        """End all workers; wait for what is computed in this process, and, unless `at_once`, in others."""
        for thread in self.threads.values():
            thread.end()
        end_all(self.processes, at_once)
        for thread in self.threads.values():
            thread.thread.join()

    def _counts(self, job: int) -> bool:
        """Whether a job is before the failure, if there is one."""
        return self.failure is None or job < self.failure[0]

    def _worker(self, number: int) -> Worker:
        others = (process.workers[number] for process in self.processes if number in process.workers)
        return self.threads.get(number) or next(others)

    def _is_known(self, worker: int) -> bool:
        """Whether a worker is not one of a process that has ended."""
        return worker in self.threads or any(worker in process.workers for process in self.processes)

    def _freed(self, worker: int) -> int:
        """The job of a worker that can take the next one now."""
        self.free.add(worker)
        return self.busy.pop(worker)

    def _give(self) -> None:
        """Give the next job to each worker that is free for one."""
        for worker in sorted(self.free):
            job = self._next(worker)
            if job is None:
                continue
            self.todo.remove(job)
            try:
                self._worker(worker).give(self.jobs[job].make())
            except Exception as error:  # noqa: BLE001 - it is raised when the jobs before this one are done
                self._fail(job, error)
            else:
                self.free.remove(worker)
                self.busy[worker] = job

    def _next(self, worker: int) -> int | None:
        """The next job that a worker can compute; None where there is none now."""
        able = [job for job in self.todo if self._counts(job) and self._can(worker, job)]
        if able or self.failure or self.is_last:
            return min(able, default=None)
        job = next(self.waiting, None)
        if job is None:
            self.is_last = True
            return None
        self.jobs.append(job)
        number = len(self.jobs) - 1
        self.todo.add(number)
        while job.here and len(self.threads) < self.each:
            self.add_thread()
        return number if self._can(worker, number) else None

    def _can(self, worker: int, job: int) -> bool:
        """Whether a worker computes a job: where there are processes, threads compute only what must be here."""
        return self.jobs[job].here == (worker in self.threads) or not self.processes

    def _is_left(self) -> bool:
        """Whether jobs are left that an error does not prevent."""
        is_taken = any(map(self._counts, (*self.todo, *self.busy.values())))
        return is_taken or not (self.is_last or self.failure)

    def _take(self, worker: int, message: Message) -> None:
        """Act on a message other than a result."""
        match message:
            case Begun():
                self.free.add(worker)
            case WorkerRequest(request):
                self.requests[worker] = request
            case Note(note):
                self.handler.note(self.busy.get(worker, _NO_JOB), note)
            case Failed(error):
                self._fail(self._freed(worker) if worker in self.busy else _NO_JOB, error)
            case WorkerLost():
                (process,) = (process for process in self.processes if worker in process.workers)
                self._replace(process)

    def _answer(self) -> None:
        """Answer the request of the first job."""
        worker = min(self.requests, key=self.busy.__getitem__)
        job, request = self.busy[worker], self.requests.pop(worker)
        if not self._counts(job):
            return
        try:
            self._worker(worker).give(self.handler.answer(job, request))
        except Exception as error:  # noqa: BLE001 - it is raised when the jobs before this one are done
            self._fail(job, error)

    def _fail(self, job: int, error: BaseException) -> None:
        if self._counts(job):
            self.failure = job, error

    def _replace(self, process: Process) -> None:
        """Start another process for one that has ended, and let its jobs be done again."""
        self.processes.remove(process)
        (how,) = end_all([process], at_once=True)
        jobs = [self.busy.pop(worker) for worker in process.workers if worker in self.busy] or [_NO_JOB]
        self.free -= process.workers.keys()
        self.requests = {worker: request for worker, request in self.requests.items() if worker in self.busy}
        for job in jobs:
            self.lost[job] += 1
            if self.lost[job] == TRIES:
                self._fail(job, RobustXtremeError(self._too_often(job, how)))
            elif job != _NO_JOB:
                self.todo.add(job)
                self.handler.again(job, how)
        self.add_process(len(process.workers))

    def _too_often(self, job: int, how: str) -> str:
        what = "it began" if job == _NO_JOB else f"it computed {self.jobs[job].label}"
        return f"A worker process {how}, {TRIES} times while {what}. Add --workers 0, which starts none."


@contextmanager
def pool(
    here: Opening,
    elsewhere: Opening,
    jobs: Iterable[WorkerJob],
    handler: Handler,
    processes: int,
    workers: int,
    started: list[Started] | None = None,
) -> Iterator[WorkerPool]:
    """A pool with some processes of some workers, or with as many workers in this process. Raises RobustXtremeError.

    Processes are taken from those that are `started`, as long as there are any. Leaving the context with
    an error ends processes at once.
    """
    made = WorkerPool(here, elsewhere, iter(jobs), handler, workers, [] if started is None else started)
    at_once = True
    try:
        for _ in range(processes):
            made.add_process(workers)
        for _ in range(0 if processes else workers):
            made.add_thread()
        yield made
        at_once = False
    finally:
        made.end(at_once)
