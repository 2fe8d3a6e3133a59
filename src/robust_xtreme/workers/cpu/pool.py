"""Gives jobs to lanes, answers what they ask, and returns their results; a job whose process ends is done again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, Protocol, final

from robust_xtreme.core.errors import RobustXtremeError
from robust_xtreme.workers.cpu.lane import (
    Asked,
    Begun,
    Done,
    Ended,
    Event,
    Failed,
    Lane,
    Line,
    Lost,
    Message,
    Noted,
    Opening,
    attend,
)
from robust_xtreme.workers.cpu.processes import Process, Started, begin_process, end_all

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


TRIES: Final = 3
"""How often a job is begun whose process ends; then something is wrong with the job or the machine."""

_NO_JOB: Final = -1
"""Before all jobs: that a lane begins."""


@final
@dataclass(frozen=True, slots=True)
class Job:
    """`make` gives the job when a lane is free for it; `here`: only a thread of this process can compute it."""

    label: str
    make: Callable[[], Any]
    here: bool = False


class Clerk(Protocol):
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
class Pool:
    """Lanes, what each of them computes, and the requests that wait for an answer; lanes and jobs go by numbers.

    Lanes begin with `here` in this process, with `elsewhere` in another one; `each` is the number of lanes of a process
    that has any. A job is taken when a lane is free. An error of a job is raised when the jobs before it are done, as
    if they were computed one after another.
    """

    here: Opening
    elsewhere: Opening
    waiting: Iterator[Job]
    clerk: Clerk
    each: int
    started: list[Started] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    events: SimpleQueue[Event] = field(default_factory=SimpleQueue)
    threads: dict[int, ThreadLane] = field(default_factory=dict)
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
            elif isinstance(event.message, Done) and event.lane in self.busy:
                yield self._freed(event.lane), event.message.result
            elif self._is_known(event.lane):
                self._take(event.lane, event.message)
        if self.failure:
            raise self.failure[1]

    def _event(self) -> Event | None:
        """The next event; None where there is none yet and a request waits for an answer."""
        try:
            return self.events.get(block=not self.requests)
        except Empty:
            return None

    def add_thread(self) -> None:
        """Start a lane in this process."""
        number = next(self.numbers)
        self.threads[number] = begin_thread(self.here, number, self.events)

    def add_process(self, lanes: int) -> None:
        """Start a process with some lanes. Raises RobustXtremeError where that is not possible."""
        numbers = [next(self.numbers) for _ in range(lanes)]
        try:
            self.processes.append(begin_process(self.elsewhere, numbers, self.events, self.started))
        except OSError as error:
            what = f"A worker process cannot be started: {error.strerror or error}."
            raise RobustXtremeError(f"{what} --workers 0 computes in one process.") from error

    def end(self, at_once: bool) -> None:
        """End all lanes; wait for what is computed in this process, and, unless `at_once`, in others."""
        for thread in self.threads.values():
            thread.end()
        end_all(self.processes, at_once)
        for thread in self.threads.values():
            thread.thread.join()

    def _counts(self, job: int) -> bool:
        """Whether a job is before the failure, if there is one."""
        return self.failure is None or job < self.failure[0]

    def _lane(self, number: int) -> Lane:
        others = (process.lanes[number] for process in self.processes if number in process.lanes)
        return self.threads.get(number) or next(others)

    def _is_known(self, lane: int) -> bool:
        """Whether a lane is not one of a process that has ended."""
        return lane in self.threads or any(lane in process.lanes for process in self.processes)

    def _freed(self, lane: int) -> int:
        """The job of a lane that can take the next one now."""
        self.free.add(lane)
        return self.busy.pop(lane)

    def _give(self) -> None:
        """Give the next job to each lane that is free for one."""
        for lane in sorted(self.free):
            job = self._next(lane)
            if job is None:
                continue
            self.todo.remove(job)
            try:
                self._lane(lane).give(self.jobs[job].make())
            except Exception as error:  # noqa: BLE001 - it is raised when the jobs before this one are done
                self._fail(job, error)
            else:
                self.free.remove(lane)
                self.busy[lane] = job

    def _next(self, lane: int) -> int | None:
        """The next job that a lane can compute; None where there is none now."""
        able = [job for job in self.todo if self._counts(job) and self._can(lane, job)]
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
        return number if self._can(lane, number) else None

    def _can(self, lane: int, job: int) -> bool:
        """Whether a lane computes a job: where there are processes, threads compute only what must be here."""
        return self.jobs[job].here == (lane in self.threads) or not self.processes

    def _is_left(self) -> bool:
        """Whether jobs are left that an error does not prevent."""
        is_taken = any(map(self._counts, (*self.todo, *self.busy.values())))
        return is_taken or not (self.is_last or self.failure)

    def _take(self, lane: int, message: Message) -> None:
        """Act on a message other than a result."""
        match message:
            case Begun():
                self.free.add(lane)
            case Asked(request):
                self.requests[lane] = request
            case Noted(note):
                self.clerk.note(self.busy.get(lane, _NO_JOB), note)
            case Failed(error):
                self._fail(self._freed(lane) if lane in self.busy else _NO_JOB, error)
            case Lost():
                (process,) = (process for process in self.processes if lane in process.lanes)
                self._replace(process)

    def _answer(self) -> None:
        """Answer the request of the first job."""
        lane = min(self.requests, key=self.busy.__getitem__)
        job, request = self.busy[lane], self.requests.pop(lane)
        if not self._counts(job):
            return
        try:
            self._lane(lane).give(self.clerk.answer(job, request))
        except Exception as error:  # noqa: BLE001 - it is raised when the jobs before this one are done
            self._fail(job, error)

    def _fail(self, job: int, error: BaseException) -> None:
        if self._counts(job):
            self.failure = job, error

    def _replace(self, process: Process) -> None:
        """Start another process for one that has ended, and let its jobs be done again."""
        self.processes.remove(process)
        (how,) = end_all([process], at_once=True)
        jobs = [self.busy.pop(lane) for lane in process.lanes if lane in self.busy] or [_NO_JOB]
        self.free -= process.lanes.keys()
        self.requests = {lane: request for lane, request in self.requests.items() if lane in self.busy}
        for job in jobs:
            self.lost[job] += 1
            if self.lost[job] == TRIES:
                self._fail(job, RobustXtremeError(self._too_often(job, how)))
            elif job != _NO_JOB:
                self.todo.add(job)
                self.clerk.again(job, how)
        self.add_process(len(process.lanes))

    def _too_often(self, job: int, how: str) -> str:
        what = "it began" if job == _NO_JOB else f"it computed {self.jobs[job].label}"
        return f"A worker process {how}, {TRIES} times while {what}. Add --workers 0, which starts none."


@contextmanager
def pool(
    here: Opening,
    elsewhere: Opening,
    jobs: Iterable[Job],
    clerk: Clerk,
    workers: int,
    lanes: int,
    started: list[Started] | None = None,
) -> Iterator[Pool]:
    """A pool with some processes of some lanes, or with as many lanes in this process. Raises RobustXtremeError.

    Processes are taken from those that are `started`, as long as there are any. Leaving the context with
    an error ends processes at once.
    """
    made = Pool(here, elsewhere, iter(jobs), clerk, lanes, [] if started is None else started)
    at_once = True
    try:
        for _ in range(workers):
            made.add_process(lanes)
        for _ in range(0 if workers else lanes):
            made.add_thread()
        yield made
        at_once = False
    finally:
        made.end(at_once)
