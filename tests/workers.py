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
from robust_xtreme.workers.messages import Compute, Connection


@contextmanager
def opening() -> Iterator[Compute]:
    """A worker whose jobs are a function's name and its argument."""
    yield lambda job, line: _JOBS[job[0]](job[1], line)


def _add(array: Any, line: Connection) -> Any:
    """The sum of an array and of the one that is asked for."""
    return array + line.ask(array)


def _fail(path: str, _: Connection) -> None:
    raise DataError(path, "is malformed", 3)


def _break(text: str, _: Connection) -> None:
    class Unnamed(Exception):
        pass

    raise Unnamed(text)


def _die(until: str, line: Connection) -> int:
    """End by SIGKILL until a file has as many bytes as its name says; then say how many."""
    path = Path(until)
    line.note("begun")
    with path.open("ab") as file:
        file.write(b".")
    if path.stat().st_size < int(path.suffix[1:]):
        os.kill(os.getpid(), signal.SIGKILL)
    return path.stat().st_size


def _write(path: str, line: Connection) -> None:
    """Write a file slowly within a context that is not left in the middle."""
    with line.whole(), Path(path).open("w", encoding="utf-8") as file:
        line.note("begun")
        file.write("begun")
        file.flush()
        time.sleep(0.5)
        file.write(" and ended")


def _process(_: object, line: Connection) -> tuple[int, tuple[str, ...], int]:
    """The number of the process, what it has imported that no worker needs at first, and when it looks for cycles."""
    line.note("here")
    return os.getpid(), tuple(_imported()), gc.get_threshold()[0]


def _imported() -> list[str]:
    return [name for name in ("torch", "transformers", "colorsys") if name in sys.modules]


def _order(number: int, line: Connection) -> Any:
    return line.ask(number)


def _wait(seconds: float, _: Connection) -> None:
    time.sleep(seconds)


@contextmanager
def watching(setting: Setting, spec: RunSpec) -> Iterator[Compute]:
    """A worker that computes task runs as evaluations do, and says which of these libraries it has imported since."""
    with in_process(setting, spec) as work:
        yield lambda given, line: (
            work(given, line),
            [name for name in ("torch", "transformers") if name in sys.modules],
        )


_JOBS: Final[Mapping[str, Callable[[Any, Connection], Any]]] = {
    "add": _add,
    "fail": _fail,
    "break": _break,
    "die": _die,
    "write": _write,
    "process": _process,
    "order": _order,
    "wait": _wait,
}
