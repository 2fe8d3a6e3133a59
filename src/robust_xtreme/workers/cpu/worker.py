"""What workers and the process that uses them say to each other. A worker computes one job after another."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, final


class Supervisor(Protocol):
    """What a job sees of the process that gave it."""

    def ask(self, request: Any, /) -> Any:
        """The answer to a request; those of earlier jobs come first."""
        ...

    def note(self, note: Any, /) -> None:
        """Send what needs no answer."""
        ...

    def whole(self) -> AbstractContextManager[object]:
        """A context that is not left in the middle where the process that gave the job ends."""
        ...


Compute = Callable[[Any, Supervisor], Any]
"""Computes a job and returns its result."""

Opening = Callable[[], AbstractContextManager[Compute]]
"""What each worker does first: a context in which it computes its jobs."""


@final
@dataclass(frozen=True, slots=True)
class Ahead:
    """What a process reads before there is an opening for it: that imports the module of a function, and `modules`."""

    function: Callable[..., Any]
    modules: Sequence[str] = ()


@final
class Ended(BaseException):
    """The worker takes no more jobs; no handler of errors catches this."""


@final
@dataclass(frozen=True, slots=True)
class Begun:
    """The worker can take a job."""


@final
@dataclass(frozen=True, slots=True)
class WorkerRequest:
    """A request that waits for an answer."""

    request: Any


@final
@dataclass(frozen=True, slots=True)
class Note:
    """A note."""

    note: Any


@final
@dataclass(frozen=True, slots=True)
class JobResult:
    """The result of a job; the worker can take the next one."""

    result: Any


@final
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


@final
class InWorker(Exception):
    """The traceback of an error in another process, as text: the cause of that error here."""

    def __str__(self) -> str:
        return f"in a worker:\n{self.args[0]}"


@final
@dataclass(frozen=True, slots=True)
class WorkerLost:
    """The process of a worker has ended, or cannot be reached any more."""


Message = Begun | WorkerRequest | Note | JobResult | Failed | WorkerLost


@final
@dataclass(frozen=True, slots=True)
class WorkerEvent:
    """A message of a worker, by its number."""

    worker: int
    message: Message


@final
@dataclass(frozen=True, slots=True)
class Connection:
    """The connection of a worker with the process that gives it jobs; `receive` raises Ended after the last one."""

    send: Callable[[Message], None]
    receive: Callable[[], Any]
    whole: Callable[[], AbstractContextManager[object]]

    def ask(self, request: Any) -> Any:
        """The answer to a request. Raises Ended."""
        self.send(WorkerRequest(request))
        return self.receive()

    def note(self, note: Any) -> None:
        """Send what needs no answer."""
        self.send(Note(note))


def attend(opening: Opening, line: Connection) -> None:
    """Compute jobs until there are no more."""
    try:
        with opening() as work:
            line.send(Begun())
            while True:
                line.send(_computed(work, line.receive(), line))
    except Ended:
        return
    except Exception as error:  # noqa: BLE001 - the process that gives the jobs raises it
        line.send(Failed(error))


def _computed(work: Compute, job: Any, line: Connection) -> JobResult | Failed:
    try:
        return JobResult(work(job, line))
    except Ended:
        raise
    except BaseException as error:  # noqa: BLE001 - the process that gave the job raises it
        return Failed(error)


class Worker(Protocol):
    """Where jobs are computed, one at a time. Its messages arrive as events; the first of them is Begun."""

    def give(self, value: Any, /) -> None:
        """Send a job, or the answer to a request. A worker that is lost takes anything."""
        ...

    def end(self) -> None:
        """Take no more jobs; one that is computed ends at its next request."""
        ...
