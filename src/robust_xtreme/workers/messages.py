"""What workers and the process that supervises them say to each other. A worker computes one job after another."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class WorkerJob:
    """A piece of work that depends on no other. Jobs of a `group` share what is costly to load.

    `size` compares jobs: predictions, or seconds. `here`: only a thread of this process can compute it.
    """

    number: int
    label: str
    payload: Any
    group: str = ""
    size: float = 1.0
    here: bool = False


class Ahead(NamedTuple):
    """What a process reads before there is a program for it: that imports the module of a function, and `modules`."""

    function: Callable[..., Any]
    modules: Sequence[str] = ()


class Ended(BaseException):
    """The worker takes no more jobs; no handler of errors catches this."""


class Begun(NamedTuple):
    """The worker takes jobs."""


class WorkerRequest(NamedTuple):
    """A request that waits for a reply."""

    request: Any


class Note(NamedTuple):
    """What a worker reports while it works."""

    note: Any


class JobResult(NamedTuple):
    """The result of a job, by its number."""

    number: int
    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """A job, or the beginning of a worker, raised an error."""

    error: BaseException

    def __reduce__(self) -> tuple[Callable[..., Failed], tuple[Any, ...]]:
        """Its type, arguments and attributes, because our errors are not made by their arguments, and its traceback."""
        trace = "".join(traceback.format_exception(self.error)).rstrip()
        _, arguments, *attributes = tuple(self.error.__reduce__())
        parts = (type(self.error), arguments, attributes[0] if attributes else {})
        try:
            kind, *read = pickle.loads(pickle.dumps(parts))  # noqa: S301 - made here
            _failed(kind, read[0], read[1], trace)
            of_kind = isinstance(self.error, Exception)
        except Exception:  # noqa: BLE001 - of a type that has no name, or with arguments that are not values
            of_kind = False
        if not of_kind:  # nor is a program ended by what a job raises
            what = f"{type(self.error).__name__}: {self.error}"
            parts = (RuntimeError, (what,), {})
        return _failed, (*parts, trace)


def _failed(kind: type[BaseException], arguments: tuple[Any, ...], attributes: dict[str, Any], trace: str) -> Failed:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    error.__dict__.update(attributes)
    error.__cause__ = InWorker(trace)
    return Failed(error)


class InWorker(Exception):
    """The traceback of an error in another process, as text: the cause of that error here."""

    def __str__(self) -> str:
        return f"in a worker:\n{self.args[0]}"


class WorkerLost(NamedTuple):
    """A worker has ended or cannot be reached; the phrase says how, where its process cannot."""

    how: str = ""


Message = Begun | WorkerRequest | Note | JobResult | Failed | WorkerLost


class WorkerEvent(NamedTuple):
    """A message of a worker, by its number."""

    worker: int
    message: Message


WorkerEvents = SimpleQueue[WorkerEvent]


@dataclass(frozen=True, slots=True)
class Connection:
    """What a worker has of the process that gives it jobs; any thread may `send`.

    `receive` gives the number and the content of the next job, or a reply, and raises Ended after the last one;
    `has_more` says whether there is one now. A context of `whole` is not left in the middle where that process ends.
    """

    send: Callable[[Message], None]
    receive: Callable[[], Any]
    has_more: Callable[[], bool]
    whole: Callable[[], AbstractContextManager[object]]

    def ask(self, request: Any) -> Any:
        """The reply to a request; those of earlier jobs come first. Raises Ended."""
        self.send(WorkerRequest(request))
        return self.receive()

    def note(self, note: Any) -> None:
        """Send what needs no reply."""
        self.send(Note(note))

    def available(self) -> Iterator[tuple[int, Any]]:
        """The next job, when there is one, and those that are there when the one after it is asked for."""
        yield self.receive()
        while self.has_more():
            yield self.receive()


Program = Callable[[Connection], None]
"""What a worker does: it sends Begun, takes jobs until it is ended, and sends JobResult for each."""

Compute = Callable[[Any, Connection], Any]
"""Computes a job and returns its result."""

Opening = Callable[[], AbstractContextManager[Compute]]
"""What a worker does first that takes one job at a time: a context in which it computes them."""


def run(program: Program, line: Connection) -> None:
    """Run a program; what it raises is sent."""
    try:
        program(line)
    except Ended:
        return
    except BaseException as error:  # noqa: BLE001 - the process that gives the jobs raises it
        with suppress(Ended):
            line.send(Failed(error))


def attend(opening: Opening, line: Connection) -> None:
    """The program that computes one job after another."""
    with opening() as work:
        line.send(Begun())
        while True:
            number, job = line.receive()
            try:
                done: Message = JobResult(number, work(job, line))
            except Ended:
                raise
            except BaseException as error:  # noqa: BLE001 - the process that gave the job raises it
                done = Failed(error)
            line.send(done)


class WorkerProcess(Protocol):
    """Where workers run that start and end together; their messages arrive as events, the first of each is Begun."""

    def give(self, worker: int, value: Any, /) -> None:
        """Send a worker a job or a reply. One that is lost takes anything."""

    def leave(self, at_once: bool, /) -> None:
        """Let the workers end, `at_once` or at their next request."""

    def end(self, until: float, /) -> str:
        """Wait for their end until a time of `monotonic`, then force it; returns how they ended, as a phrase."""


class Fleet(Protocol):
    """The devices on which workers run."""

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the devices, one worker each."""

    @property
    def device(self) -> str:
        """The kind of the devices, cpu or cuda."""

    @property
    def device_name(self) -> str:
        """The name of the devices in the manifest."""

    def start(self, slot: int, numbers: Sequence[int], program: Program, events: WorkerEvents, /) -> WorkerProcess:
        """Start the process of one worker, by its number. Raises OSError."""
