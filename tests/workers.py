"""Jobs for tests of worker processes; the processes import them from here."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core.errors import DataError
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.run.computing import Setting, in_process
from robust_xtreme.workers.cpu.worker import Compute, Supervisor


@contextmanager
def opening() -> Iterator[Compute]:
    """A worker whose jobs are a function's name and its argument."""
    yield lambda job, supervisor: _JOBS[job[0]](job[1], supervisor)


def _add(array: Any, supervisor: Supervisor) -> Any:
    """The sum of an array and of the one that is asked for."""
    return array + supervisor.ask(array)


def _fail(path: str, _: Supervisor) -> None:
    raise DataError(path, "is malformed", 3)


def _break(text: str, _: Supervisor) -> None:
    class Unnamed(Exception):
        pass

    raise Unnamed(text)


def _die(until: str, supervisor: Supervisor) -> int:
    """End by SIGKILL until a file has as many bytes as its name says; then say how many."""
    path = Path(until)
    supervisor.note("begun")
    with path.open("ab") as file:
        file.write(b".")
    if path.stat().st_size < int(path.suffix[1:]):
        os.kill(os.getpid(), signal.SIGKILL)
    return path.stat().st_size


def _write(path: str, supervisor: Supervisor) -> None:
    """Write a file slowly within a context that is not left in the middle."""
    with supervisor.whole(), Path(path).open("w", encoding="utf-8") as file:
        supervisor.note("begun")
        file.write("begun")
        file.flush()
        time.sleep(0.5)
        file.write(" and ended")


def _process(_: object, supervisor: Supervisor) -> tuple[int, tuple[str, ...], int]:
    """The number of the process, what it has imported that no worker needs at first, and when it looks for cycles."""
    supervisor.note("here")
    return os.getpid(), tuple(_imported()), gc.get_threshold()[0]


def _imported() -> list[str]:
    return [name for name in ("torch", "transformers", "colorsys") if name in sys.modules]


def _order(number: int, supervisor: Supervisor) -> Any:
    return supervisor.ask(number)


def _wait(seconds: float, _: Supervisor) -> None:
    time.sleep(seconds)


@contextmanager
def watching(setting: Setting, spec: RunSpec) -> Iterator[Compute]:
    """A worker that computes task runs as evaluations do, and says which of these libraries it has imported since."""
    with in_process(setting, spec) as work:
        yield lambda given, supervisor: (
            work(given, supervisor),
            [name for name in ("torch", "transformers") if name in sys.modules],
        )


_JOBS: Final[Mapping[str, Callable[[Any, Supervisor], Any]]] = {
    "add": _add,
    "fail": _fail,
    "break": _break,
    "die": _die,
    "write": _write,
    "process": _process,
    "order": _order,
    "wait": _wait,
}
