"""What actors do in tests of units; their processes import it from here."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from robust_xtreme.core.errors import DataError
from robust_xtreme.workers.messages import WorkerJob
from robust_xtreme.workers.supervisor import each

Tell = Callable[[str], None]


def units(payloads: Sequence[object]) -> list[WorkerJob]:
    """A unit of each payload, alternately of two groups."""
    return [WorkerJob(number, f"unit {number}", payload, "ab"[number % 2]) for number, payload in enumerate(payloads)]


def doubled(number: int, _: Tell) -> int:
    """Twice a number."""
    return 2 * number


def refused(path: str, _: Tell) -> None:
    """An error that is not made by its arguments."""
    raise DataError(Path(path), "is malformed")


def dies_once(path: str, _: Tell) -> str:
    """The name of a file; the process that makes it is killed."""
    if not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return path


def dies(_: object, __: Tell) -> None:
    """Print a line and end the process."""
    sys.stderr.write("no memory left\n")
    sys.stderr.flush()
    os._exit(9)


def napping(seconds: float, _: Tell) -> tuple[int, float, float]:
    """The process that slept, from when and until when."""
    begun = time.time()
    time.sleep(seconds)
    return os.getpid(), begun, time.time()


def sleeps(folder: str, _: Tell) -> None:
    """Leave a file with the number of this process, and sleep."""
    Path(folder, str(os.getpid())).touch()
    time.sleep(60)


def schedule_sleeping(folder: str) -> None:
    """Schedule units that sleep; only the process that schedules needs torch, which is slow to import."""
    from robust_xtreme.run.fleets import Processes

    each(sleeps, units([folder] * 4), Processes(("first", "second"), "cpu", "cpu", ()))
