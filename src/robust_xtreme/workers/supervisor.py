"""Gives jobs to workers, replies to what they ask, and returns results; a job whose worker is lost is done again.

A worker gets the next job in the order of the jobs, or of its group and some ahead of time. `each` calls one
function for each of many payloads, on the workers of a fleet: runs of a grid, or anything independent.
"""

from __future__ import annotations

import heapq
import os
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, chdir, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, Protocol

from robust_xtreme.core.errors import RobustXtremeError, SpecError, cure_of
from robust_xtreme.workers import messages
from robust_xtreme.workers.child import attend_rarely_collected
from robust_xtreme.workers.messages import Compute, Connection, Fleet, Program, WorkerJob, attend
from robust_xtreme.workers.processes import Started, begin_process, begin_thread, end_all, started_on_cpu

TRIES: Final = 3
"""How often a job is begun whose worker is lost, and a process is started that is lost before a worker of it begins."""

_NO_JOB: Final = -1
"""Before all jobs: that a worker begins."""

_SIGNALS: Final = 1.0
"""Seconds that a wait for events lasts at most: a signal that another thread got is answered then."""


class Handler(Protocol):
    """What this process does with what workers report, in one thread; workers and jobs go by numbers."""

    def note(self, worker: int, job: int, note: Any, /) -> None:
        """Take a note of the first job of a worker."""

    def lost(self, worker: int, what: str, again: Sequence[messages.WorkerJob], /) -> None:
        """Know that a process is lost, which the words say, and which jobs are done again."""


class ReplyHandler(Handler, Protocol):
    """A handler of workers that ask. An error that it raises is the job's."""

    def answer(self, job: int, request: Any, /) -> Any:
        """The reply to a request."""


Start = Callable[[int, Sequence[int], messages.Program, messages.WorkerEvents], messages.WorkerProcess]
"""Starts a process in a slot, with workers of these numbers. Raises OSError."""


@dataclass(slots=True)  # the jobs that it has
class _WorkerState:
    """A worker; `slot` is None in this process. `leave` leaves what was entered for its process."""

    process: messages.WorkerProcess
    slot: int | None = None
    leave: Callable[[], None] = lambda: None
    ready: bool = False
    group: str = ""
    jobs: list[messages.WorkerJob] = field(default_factory=list)

    @property
    def job(self) -> int:
        """The number of the first job."""
        return self.jobs[0].number if self.jobs else _NO_JOB

    def done(self, number: int) -> messages.WorkerJob:
        """A job that it has no more."""
        (job,) = (job for job in self.jobs if job.number == number)
        self.jobs.remove(job)
        return job


@dataclass(slots=True)  # the state of the work
class Supervisor:
    """Workers, the jobs of each, and the requests that wait for a reply.

    `names` are what sentences call the processes, `each` is the number of workers of one. `program` is a context in
    which the process of a worker runs, with what it does. A job is taken when a worker is free for it. An error of a
    job is raised when the jobs before it are done, as if they were computed one after another. `advice` follows the
    lines of a process that cannot be started, and of one that is lost too often.
    """

    queue: JobQueue
    names: Sequence[str]
    begin: Start
    program: Callable[[int], AbstractContextManager[messages.Program]]
    handler: Handler
    answer: Callable[[int, Any], Any] | None = None
    each: int = 1
    advice: tuple[str, str] = ("", "")
    events: messages.WorkerEvents = field(default_factory=SimpleQueue)
    workers: dict[int, _WorkerState] = field(default_factory=dict)
    requests: dict[int, Any] = field(default_factory=dict)
    tries: Counter[int] = field(default_factory=Counter)
    failed_starts: Counter[str] = field(default_factory=Counter)
    failure: tuple[int, BaseException] | None = None
    numbers: count[int] = field(default_factory=count)

    def results(self) -> Iterator[tuple[int, messages.WorkerJob, Any]]:
        """The number of a worker, a job and its result, in the order in which they are done."""
        while self._is_left():
            self._give()
            if not self._is_left():
                break
            event = self._event()
            if event is None:
                self._reply()
            elif event.worker in self.workers:  # and not of a process that has ended
                state, message = self.workers[event.worker], event.message
                if isinstance(message, messages.JobResult):
                    yield event.worker, state.done(message.number), message.result
                else:
                    self._take(event.worker, state, message)
        if self.failure:
            raise self.failure[1]

    def _event(self) -> messages.WorkerEvent | None:
        """The next event; None where there is none yet and a request waits for a reply."""
        while True:
            try:
                return self.events.get(not self.requests, _SIGNALS)
            except Empty:
                if self.requests:
                    return None

    def add_threads(self, program: messages.Program, number: int) -> None:
        """Start workers in this process, until there are so many."""
        while sum(state.slot is None for state in self.workers.values()) < number:
            worker = next(self.numbers)
            self.workers[worker] = _WorkerState(begin_thread(worker, program, self.events))

    def start(self, slot: int) -> None:
        """Start a process with its workers. Raises RobustXtremeError where that is not possible."""
        numbers, stack = [next(self.numbers) for _ in range(self.each)], ExitStack()
        program = stack.enter_context(self.program(numbers[0]))
        try:
            process = self.begin(slot, numbers, program, self.events)
        except OSError as error:
            stack.close()
            line = f"{self.names[slot]} cannot be started: {error.strerror or error}.{cure_of(error)}"
            raise RobustXtremeError(_sentence(line, self.advice[0])) from error
        self.workers.update({number: _WorkerState(process, slot, stack.close) for number in numbers})

    def end(self, at_once: bool) -> None:
        """End all workers; wait for what is computed in this process, and, unless `at_once`, in others."""
        states = {id(state.process): state for state in self.workers.values()}.values()
        end_all([state.process for state in states], at_once)
        for state in states:
            state.leave()

    def _counts(self, job: int) -> bool:
        """Whether a job is before the failure, if there is one."""
        return self.failure is None or job < self.failure[0]

    def _is_left(self) -> bool:
        """Whether jobs are left that an error does not prevent."""
        given = (job.number for state in self.workers.values() for job in state.jobs)
        return any(map(self._counts, given)) or len(self.queue) > 0 or not self.queue.is_last

    def _give(self) -> None:
        """Give a job to each worker that has none, then more ahead as long as each worker could have one."""
        for most in range(1, self.queue.ahead + 1):
            for worker, state in list(self.workers.items()):
                is_enough = most == 1 or len(self.queue) >= len(self.workers)
                if state.ready and len(state.jobs) < most and is_enough:
                    self._give_one(worker, state)

    def _give_one(self, worker: int, state: _WorkerState) -> None:
        others = [other.group for other in self.workers.values() if other is not state]
        job = self.queue.take(state.group, others, state.slot is None)
        if job is None:
            return
        try:
            state.process.give(worker, (job.number, self.queue.content(job)))
        except Exception as error:  # noqa: BLE001 - it is raised when the jobs before this one are done
            self._fail(job.number, error)
        else:
            state.group = job.group
            state.jobs.append(job)

    def _take(self, worker: int, state: _WorkerState, message: messages.Message) -> None:
        """Act on a message other than a result."""
        match message:
            case messages.Begun():
                state.ready = True
            case messages.WorkerRequest(request):
                self.requests[worker] = request
            case messages.Note(note):
                self.handler.note(worker, state.job, note)
            case messages.Failed(error):
                self._fail(state.job, error)
                state.jobs.clear()
            case messages.WorkerLost(how):
                self._replace(worker, state, how)

    def _reply(self) -> None:
        """Reply to the request of the first job."""
        worker = min(self.requests, key=lambda number: self.workers[number].job)
        state, request = self.workers[worker], self.requests.pop(worker)
        if self.answer is None or not self._counts(state.job):
            return
        try:
            state.process.give(worker, self.answer(state.job, request))
        except Exception as error:  # noqa: BLE001 - it is raised when the jobs before this one are done
            self._fail(state.job, error)

    def _fail(self, job: int, error: BaseException) -> None:
        """Keep the error of a job; where workers have several, it is nobody's, and nothing more is done."""
        number = job if self.queue.ahead == 1 else _NO_JOB
        if self._counts(number):
            self.failure = number, error
            self.queue.stop(number)

    def _replace(self, worker: int, lost: _WorkerState, how: str) -> None:
        """Let the jobs of a process that is lost be done again, and start another one, unless this was too often."""
        of_it = {number: state for number, state in self.workers.items() if state.process is lost.process}
        for number in of_it:
            del self.workers[number]
            self.requests.pop(number, None)
        (ended,) = end_all([lost.process], at_once=True)
        lost.leave()
        assert lost.slot is not None
        name = self.names[lost.slot]
        what = f"{name} {how or ended}"
        jobs = [job for state in of_it.values() for job in state.jobs]
        self._count(jobs, any(state.ready for state in of_it.values()), name, what)
        if self._is_left() or any(map(self._counts, (job.number for job in jobs))):
            again = [job for job in jobs if self._counts(job.number)]
            self.handler.lost(worker, what, again)
            self.queue.put_back(again)
            self.start(lost.slot)

    def _count(self, jobs: Sequence[messages.WorkerJob], had_begun: bool, name: str, what: str) -> None:
        """Count the loss of a process with some jobs; it is an error where this was too often."""
        self.tries.update(job.number for job in jobs)
        self.failed_starts[name] = 0 if had_begun else self.failed_starts[name] + 1
        if self.failed_starts[name] == TRIES:
            line = f"{what}, {TRIES} times while it began."
            self._fail(_NO_JOB, RobustXtremeError(_sentence(line, self.advice[1])))
        for job in jobs:
            if self.tries[job.number] == TRIES:
                line = f"{what}{self.queue.too_often(job, TRIES)}."
                self._fail(job.number, RobustXtremeError(_sentence(line, self.advice[1])))


def _sentence(line: str, advice: str) -> str:
    return line[0].upper() + line[1:] + advice


@contextmanager
def _running(made: Supervisor, processes: int, at_once: bool) -> Iterator[Supervisor]:
    """Some processes of a supervisor, until the context ends: `at_once`, as with an error, or when they have ended."""
    now = True
    try:
        for slot in range(processes):
            made.start(slot)
        yield made
        now = at_once
    finally:
        made.end(now)


@contextmanager
def pool(
    here: messages.Opening,
    elsewhere: messages.Opening,
    jobs: Iterable[messages.WorkerJob],
    handler: ReplyHandler,
    processes: int,
    workers: int,
    waiting: list[Started] | None = None,
) -> Iterator[Supervisor]:
    """A supervisor of some processes of some workers, or of as many workers in this process. Raises RobustXtremeError.

    Workers begin with `here` in this process, with `elsewhere` in another one, first in those that are `waiting`.
    """

    def start(
        _: int, numbers: Sequence[int], program: messages.Program, events: messages.WorkerEvents
    ) -> messages.WorkerProcess:
        return begin_process(waiting.pop() if waiting else started_on_cpu(workers), numbers, program, events)

    def taken() -> Iterator[messages.WorkerJob]:
        for job in jobs:
            if job.here:
                made.add_threads(partial(messages.attend, here), workers)
            yield job

    advice = (
        " With workers = 0 in a file for --config one process computes.",
        " Set workers = 0 in a file for --config, which starts none.",
    )
    names = ["a worker process"] * processes
    program: messages.Program = partial(attend_rarely_collected, elsewhere)
    queue = FirstCome(taken(), split=processes > 0)
    made = Supervisor(queue, names, start, lambda _: nullcontext(program), handler, handler.answer, workers, advice)
    with _running(made, processes, at_once=False):
        if not processes:
            made.add_threads(partial(messages.attend, here), workers)
        yield made


@contextmanager
def on_fleet(
    jobs: Sequence[messages.WorkerJob],
    fleet: messages.Fleet,
    program: Callable[[int], AbstractContextManager[messages.Program]],
    handler: Handler,
) -> Iterator[Supervisor]:
    """A supervisor of workers on the devices of a fleet, each with jobs ahead. Raises RobustXtremeError."""
    names = [f"the process for {slot}" for slot in fleet.slots]
    made = Supervisor(GroupQueue.of(jobs), names, fleet.start, program, handler)
    with _running(made, min(len(fleet.slots), len(jobs)), at_once=True):
        yield made


@dataclass(slots=True)  # jobs are taken from it
class FirstCome:
    """Jobs in their order, each taken when a worker is free for it; a payload is a function that makes the content.

    Where it is `split`, jobs for this process are done in it and no others. `is_last`: it has all jobs that there are;
    `ahead` are the jobs that a worker has at most.
    """

    waiting: Iterator[WorkerJob]
    split: bool
    todo: dict[int, WorkerJob] = field(default_factory=dict)
    is_last: bool = False
    ahead: int = 1

    def __len__(self) -> int:
        return len(self.todo)

    def take(self, _: str, __: Collection[str], here: bool) -> WorkerJob | None:
        """The first job that the worker can compute; None where there is none now."""
        able = self._able(here)
        if not able and not self.is_last:
            job = next(self.waiting, None)
            self.is_last = job is None
            if job:
                self.todo[job.number] = job
            able = self._able(here)
        return self.todo.pop(min(able)) if able else None

    def _able(self, here: bool) -> list[int]:
        return [number for number, job in self.todo.items() if job.here == here or not self.split]

    def content(self, job: WorkerJob) -> Any:
        """What the payload makes now."""
        return job.payload()

    def put_back(self, jobs: Sequence[WorkerJob]) -> None:
        """Jobs that are to be done again."""
        self.todo.update({job.number: job for job in jobs})

    def stop(self, number: int) -> None:
        """Let go of the jobs from a number on, also of those that are not taken yet."""
        self.todo = {other: job for other, job in self.todo.items() if other < number}
        self.is_last = True

    def too_often(self, job: WorkerJob, times: int) -> str:
        """The rest of a sentence about a process that ended with a job so many times."""
        return f", {times} times while it computed {job.label}"


@dataclass(slots=True)  # jobs are taken from it
class GroupQueue:
    """Jobs by group, of a group in order: a worker gets one of its group, else of the largest that no other has."""

    groups: dict[str, deque[WorkerJob]] = field(default_factory=dict)
    ahead: int = 3  # a worker scores one, answers one and prepares one
    is_last: bool = True

    @classmethod
    def of(cls, jobs: Iterable[WorkerJob]) -> GroupQueue:
        """A queue of all these jobs."""
        queue = cls()
        for job in jobs:
            queue.groups.setdefault(job.group, deque()).append(job)
        return queue

    def __len__(self) -> int:
        return sum(map(len, self.groups.values()))

    def take(self, last: str, others: Collection[str], _: bool = False) -> WorkerJob | None:
        """The next job of a worker whose last group was `last` while others work on theirs; None where none is left."""
        waiting = [group for group, jobs in self.groups.items() if jobs]
        if not waiting:
            return None
        free = [group for group in waiting if group not in others]
        sizes = {group: sum(job.size for job in self.groups[group]) for group in free or waiting}
        chosen = last if last in waiting else max(sizes, key=sizes.__getitem__)
        return self.groups[chosen].popleft()

    def content(self, job: WorkerJob) -> Any:
        """The payload."""
        return job.payload

    def put_back(self, jobs: Sequence[WorkerJob]) -> None:
        """Jobs that are to be done again, before the others of their groups."""
        for job in reversed(jobs):
            self.groups.setdefault(job.group, deque()).appendleft(job)

    def stop(self, _: int) -> None:
        """Let go of all jobs."""
        self.groups.clear()

    def too_often(self, job: WorkerJob, times: int) -> str:
        """The rest of a sentence about a process that ended with a job so many times."""
        return f": {job.label} was begun {times} times"


JobQueue = FirstCome | GroupQueue
"""The jobs that no worker has, and which of them a worker gets next."""


def forecast(jobs: Sequence[WorkerJob], slots: int) -> list[list[WorkerJob]]:
    """What each of some equal slots would do if the sizes of jobs were the times that they take."""
    queue, scheduled = GroupQueue.of(jobs), [list[WorkerJob]() for _ in range(slots)]
    free = [(0.0, slot) for slot in range(slots)]
    while len(queue):
        now, slot = heapq.heappop(free)
        groups = [of_slot[-1].group if of_slot else "" for of_slot in scheduled]
        job = queue.take(groups[slot], groups[:slot] + groups[slot + 1 :])
        if job is not None:
            scheduled[slot].append(job)
            heapq.heappush(free, (now + job.size, slot))
    return scheduled


Function = Callable[[Any, Callable[[str], None]], Any]
"""What is called with a payload, and with what it tells its progress."""


@contextmanager
def _calls(function: Function) -> Iterator[Compute]:
    def call(given: tuple[str, Any], line: Connection) -> Any:
        label, payload = given
        return function(payload, lambda text: line.note(f"{label}: {text}"))

    yield call


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells the progress of jobs."""

    tell: Callable[[str], None]

    def note(self, _: int, __: int, line: str) -> None:
        """A line of the function."""
        self.tell(line)

    def lost(self, _: int, what: str, again: Sequence[WorkerJob]) -> None:
        """A process that is lost."""
        self.tell(f"{what}; done again: {', '.join(job.label for job in again) or 'nothing'}")


def each(
    function: Function, jobs: Sequence[WorkerJob], fleet: Fleet, tell: Callable[[str], None] = lambda _: None
) -> list[Any]:
    """The results of a function of a module for the payloads of jobs, which go by their numbers.

    It may be called again for a job whose process was lost. Raises what the function raises, and RobustXtremeError for
    a job whose processes are lost again and again.
    """
    program: Program = partial(attend, partial(_calls, function))
    labelled = [replace(job, payload=(job.label, job.payload)) for job in jobs]
    with on_fleet(labelled, fleet, lambda _: nullcontext(program), _Teller(tell)) as working:
        results = {job.number: result for _, job, result in working.results()}
    return [results[job.number] for job in jobs]


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Work in a folder, shared by the machines of a fleet, from which relative paths count. Raises SpecError."""
    if not folder.is_dir():
        raise SpecError(f"On {os.uname().nodename} {folder} is not there. Start from a folder that all machines share.")
    with chdir(folder):
        yield
