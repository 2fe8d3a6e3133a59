"""Calls one function for each of many payloads, on the workers of a fleet: runs of a grid, or anything independent."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, final

from robust_xtreme.core.errors import SpecError
from robust_xtreme.workers.messages import Compute, Connection, Fleet, Program, WorkerJob, attend
from robust_xtreme.workers.supervisor import on_fleet

Function = Callable[[Any, Callable[[str], None]], Any]
"""What is called with a payload, and with what it tells its progress."""


@contextmanager
def _calls(function: Function) -> Iterator[Compute]:
    def call(given: tuple[str, Any], line: Connection) -> Any:
        label, payload = given
        return function(payload, lambda text: line.note(f"{label}: {text}"))

    yield call


@final
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
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
